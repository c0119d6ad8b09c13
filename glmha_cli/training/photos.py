"""Clean photos for training: found, split into training and held out, decoded once into memory."""

import zipfile
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

import imageio.v3 as iio
import numpy as np
from einops import reduce
from jaxtyping import UInt8

from glmha_cli.errors import BadDataError, NoInputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
PACK_SUFFIX = ".zip"
HOLD_OUT_EVERY = 10

File = Path | zipfile.Path
"""On disk, or packed in a .zip."""


def find_photos(places: Iterable[Path]) -> tuple[list[File], list[File]]:
    """All photos in `places`, folders or packs (.zip), as (training, held out)."""
    return split([(place, packed_files(place, SUFFIXES) if is_pack(place) else files_in(place, SUFFIXES, kind="photos"))
                  for place in places], SUFFIXES, kind="photos")


def find_files(folders: Iterable[Path], suffixes: Collection[str], *, kind: str) -> tuple[list[Path], list[Path]]:
    """All files under `folders` as (training, held out)."""
    return split([(folder, files_in(folder, suffixes, kind=kind)) for folder in folders], suffixes, kind=kind)


def split(found: Iterable[tuple[Path, Sequence[File]]], suffixes: Collection[str], *,
          kind: str) -> tuple[list[File], list[File]]:
    """Every tenth file of each folder, sorted by name, is held out; NoInputError where a place holds none."""
    training, held_out, place = [], [], None
    for place, files in found:
        if not files:
            raise NoInputError(f"no {kind} in {place}", f"it may hold {', '.join(sorted(suffixes))}")
        for _, group in groupby(files, key=lambda file: str(file.parent)):
            for index, file in enumerate(group):
                (training if index % HOLD_OUT_EVERY else held_out).append(file)
    if not training:
        raise NoInputError(f"too few {kind} in {place}", f"one of {HOLD_OUT_EVERY} is held out: add more")
    return training, held_out


def files_in(folder: Path, suffixes: Collection[str], *, kind: str) -> list[Path]:
    if not folder.is_dir():
        raise NoInputError(f"no folder {folder}", f"name a folder of {kind}")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)


def is_pack(place: Path) -> bool:
    return place.suffix.lower() == PACK_SUFFIX and place.is_file()


def packed_files(pack: Path, suffixes: Collection[str]) -> list[zipfile.Path]:
    """In the order that its files would have in a folder. Raises BadDataError."""
    try:
        archive = zipfile.ZipFile(pack)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadDataError(f"cannot read '{pack}': {error}", "tools/pack_photos.py makes such files") from error
    names = sorted(map(PurePosixPath, archive.namelist()))
    return [zipfile.Path(archive, str(name)) for name in names if name.suffix.lower() in suffixes]


def decode(file: File, *, max_side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB photo, halved until its longer side is at most `max_side_px` (removes JPEG traces and noise too)."""
    try:
        photo = iio.imread(file.read_bytes(), plugin="pillow", mode="RGB", index=0)
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile) as error:
        raise BadDataError(f"cannot read '{file}': {error}", "remove the file or repair it") from error
    while max(photo.shape) > max_side_px:
        photo = halved(photo)
    return photo


def halved(photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Means of 2x2 pixels; an odd last row or column is dropped."""
    even = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]
    return np.rint(reduce(even.astype(np.float32), "(h p) (w q) c -> h w c", "mean", p=2, q=2)).astype(np.uint8)


def load_photos(files: Iterable[File], *, min_side_px: int,
                max_side_px: int = 1280) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Decode all; those smaller than a crop cannot be used and are an error when none is left."""
    return usable([decode(file, max_side_px=max_side_px) for file in files], min_side_px=min_side_px, kind="photos")


def usable(arrays: list[np.ndarray], *, min_side_px: int, kind: str) -> list[np.ndarray]:
    """Those large enough to cut a crop out of; BadDataError when none is."""
    large = [array for array in arrays if min(array.shape[:2]) >= min_side_px]
    if not large:
        raise BadDataError(f"all {len(arrays)} {kind} are smaller than the crop of {min_side_px} px",
                           f"give larger {kind}, or a recipe with smaller patch_px")
    return large
