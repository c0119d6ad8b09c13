"""Files of several pages or frames: restored one by one, each written before the next is read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.scales import Scales
from glmha_cli.io.photos.frames import Restored, require_frames, write_frames

RestoreFrame = Callable[[Source, int], Num[np.ndarray, "h w c"]]


def write_restored(
    path: Path,
    first: Source,
    *,
    read: Callable[[int], Source],
    restore: RestoreFrame,
    provenance: Callable[[], dict[str, str]],
    restorer: Restorer,
    files: FileOptions,
    overwrite: bool,
) -> list[str]:
    """All of the file that `first` begins, at `path`; returns what the user should know.

    read: gives the frame of a number. restore: its result. provenance: of the last result; the first one's is kept.
    """
    lost = require_frames(path, first.photo)
    notes: dict[str, None] = {}

    def photos() -> Iterator[Restored]:
        for index in range(first.photo.frames):
            source = read(index) if index else first
            notes.update(dict.fromkeys(source.notes if index else ()))
            pixels = restore(source, index)
            kept = {**provenance(), **files.choices()} if files.provenance and index == 0 else None
            if index == 0 and first.photo.seconds:
                restorer.scales = Scales.parse(restorer.scale)  # another scale for each frame would flicker
            yield Restored(pixels=pixels, like=source.photo, provenance=kept)

    with _scales_kept(restorer):
        losses = write_frames(
            path,
            photos(),
            count=first.photo.frames,
            quality=files.quality,
            strip_metadata=files.strip_metadata,
            overwrite=overwrite,
        )
    return [*lost, *dict.fromkeys([*notes, *losses])]


@contextmanager
def _scales_kept(restorer: Restorer) -> Iterator[None]:
    scales = restorer.scales
    try:
        yield
    finally:
        restorer.scales = scales
