"""Pack training photos into one file that `glmha train --images` takes like the folders: for machines far away.

    python tools/pack_photos.py PHOTOS/free PHOTOS/research -o photos.zip --max-mib 40

A plain .zip. Training photos are as large as training uses them, JPEG at the best quality that keeps the file below the
limit, or their own bytes where those are fewer. Of held-out photos it has the crops that validation sees, without loss,
so the validation sets are the same to the bit; folders and names keep their order, so the same photos are held out.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.training.data.photos import decode, find_photos
from glmha_cli.training.data.sources import centre_crop

QUALITIES = (95, 92, 90, 87, 84, 80, 75, 70)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="in the order in which training would get them")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--max-mib", type=float, default=40)
    options = parser.parse_args()
    quality = pack(options.folders, options.output, size_bytes=int(options.max_mib * 2**20))
    print(f"{options.output}: {options.output.stat().st_size:,} bytes, JPEG quality {quality}")


def pack(folders: Sequence[Path], output: Path, *, size_bytes: int) -> int:
    """Write `output`, smaller than `size_bytes`; returns the quality chosen. BadDataError where none is low enough."""
    for quality in QUALITIES:
        content = archive(folders, quality)
        if len(content) < size_bytes:
            output.write_bytes(content)
            require_same_split(folders, output)
            return quality
    raise BadDataError(
        f"the photos take {len(content) / 2**20:.1f} MiB at quality {quality}", "--max-mib, or fewer photos"
    )


def archive(folders: Sequence[Path], quality: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zipped:
        for name, content in members(folders, quality):
            zipped.writestr(zipfile.ZipInfo(name), content)  # without the time of day: the same photos, the same bytes
    return file.getvalue()


def members(folders: Sequence[Path], quality: int) -> Iterator[tuple[str, bytes]]:
    for number, folder in enumerate(folders):
        training, held_out = find_photos([folder])
        place = f"{number:02}-{folder.resolve().name}"
        for path in training:
            photo = decode(path)
            yield f"{place}/{path.relative_to(folder).as_posix()}.jpg", smallest(path, photo, quality)
        for path in held_out:
            crop = centre_crop(decode(path))
            yield f"{place}/{path.relative_to(folder).as_posix()}.png", encoded(crop, "PNG", optimize=True)


def smallest(path: Path, photo: np.ndarray, quality: int) -> bytes:
    """The file itself if it is a JPEG that no photo encoded anew would be smaller than."""
    jpeg, own = encoded(photo, "JPEG", quality=quality, subsampling=0, optimize=True), path.read_bytes()
    return own if own.startswith(b"\xff\xd8") and len(own) <= len(jpeg) else jpeg


def encoded(photo: np.ndarray, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, form, **options)
    return file.getvalue()


def require_same_split(folders: Sequence[Path], output: Path) -> None:
    """BadDataError if names sort in another order once packed: the held-out photos would be others."""
    for own, packed in zip(find_photos(folders), find_photos([output]), strict=True):
        if [path.name for path in own] != [path.name.removesuffix(path.suffix) for path in packed]:
            raise BadDataError("names of folders or photos sort in another order in the pack", "rename them")


if __name__ == "__main__":
    main()
