"""Pages and frames out: several photos in one file, one in memory at a time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.photos.formats import FORMATS, PhotoFormat
from glmha_cli.io.photos.formats.base import EncodeFrames, Frame
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import JPEG_QUALITY, output_format, prepared, require_sides
from glmha_cli.io.sidecars import without_sidecars
from glmha_cli.lookup import import_target

_OF_LATER_PAGES = "EXIF, XMP and the like of pages after the first were left out"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """One of several. pixels, provenance: as `write_photo` takes them. like: what it was made of."""

    pixels: Num[np.ndarray, "h w c"]
    like: Photo
    provenance: Mapping[str, str] | None


def write_frames(
    path: Path,
    photos: Iterable[Restored],
    *,
    count: int,
    quality: int = JPEG_QUALITY,
    strip_metadata: bool = False,
    overwrite: bool = False,
) -> list[str]:
    """Write `count` photos as the pages or frames of one file, whole or not at all, each as soon as it comes.

    Side data are those of the first; pages of a TIFF have profiles and resolutions of their own. Raises as
    `write_photo`; call `require_frames` before.
    """
    target, notes = output_format(path), dict[str, None]()
    first: list[Metadata] = []

    def frames() -> Iterator[Frame]:
        for photo in photos:
            beside = replace(photo.like.metadata, icc_profile=b"", dpi=None)
            first.extend([] if first else [beside])
            if beside != first[0] and not strip_metadata:
                notes[_OF_LATER_PAGES] = None
            require_sides(photo.pixels, target)
            samples, metadata, losses = prepared(
                path,
                photo.pixels,
                photo.like,
                target,
                strip_metadata=strip_metadata,
                provenance=photo.provenance,
            )
            notes.update(dict.fromkeys(losses))
            yield Frame(samples=samples, metadata=metadata, seconds=photo.like.seconds)

    encode: EncodeFrames = import_target(str(target.encode_frames))
    with without_sidecars([path], overwrite=overwrite), atomic_output(path, overwrite=overwrite) as temporary:
        encode(temporary, frames(), count, quality)
    return list(notes)


def require_frames(path: Path, first: Photo) -> list[str]:
    """UsageError unless the format of `path` holds what `first` is one of; returns what is lost beyond each photo."""
    target, kind = output_format(path), "frames" if first.seconds else "pages"
    if target.several == kind:
        return []
    if target.several == "pages":
        return ["its frames became pages, which are shown for no time"]
    able = [row.suffixes[0] for row in FORMATS.values() if _holds(row, kind)]
    raise UsageError(
        f"it holds {first.frames} {kind}, of which {target.name} can hold one",
        f"--frame 0 takes the first alone; {', '.join(able)} hold all",
    )


def _holds(row: PhotoFormat, kind: str) -> bool:
    return row.encode_frames is not None and row.several in (kind, "pages")
