"""Clean photos for training: found, split into training and held out, decoded once into memory."""

import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

import imageio.v3 as iio
import numpy as np
from einops import reduce
from jaxtyping import UInt8
from PIL import Image

from glmha_cli.errors import BadDataError, NoInputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
PACK_SUFFIX = ".zip"
HOLD_OUT_EVERY = 10

T = TypeVar("T")
File = Path | zipfile.Path
"""On disk, or packed in a .zip."""


def find_photos(places: Iterable[Path]) -> tuple[list[File], list[File]]:
    """All photos in `places`, folders or packs (.zip), as (training, held out)."""
    return split(
        [
            (place, packed_files(place, SUFFIXES) if is_pack(place) else files_in(place, SUFFIXES, kind="photos"))
            for place in places
        ],
        SUFFIXES,
        kind="photos",
    )


def find_files(folders: Iterable[Path], suffixes: Collection[str], *, kind: str) -> tuple[list[Path], list[Path]]:
    """All files under `folders` as (training, held out)."""
    return split([(folder, files_in(folder, suffixes, kind=kind)) for folder in folders], suffixes, kind=kind)


def split(
    found: Iterable[tuple[Path, Sequence[File]]], suffixes: Collection[str], *, kind: str
) -> tuple[list[File], list[File]]:
    """Files of each folder as `divided`; NoInputError where a place holds none."""
    training, held_out, place = [], [], None
    for place, files in found:
        if not files:
            raise NoInputError(f"no {kind} in {place}", f"it may hold {', '.join(sorted(suffixes))}")
        folders: dict[str, list[File]] = {}
        for file in files:
            folders.setdefault(str(file.parent), []).append(file)
        parts = divided(folders.values())
        training += parts[0]
        held_out += parts[1]
    if not training:
        raise NoInputError(f"too few {kind} in {place}", f"one of {HOLD_OUT_EVERY} is held out: add more")
    return training, held_out


def divided(groups: Iterable[Sequence[T]]) -> tuple[list[T], list[T]]:
    """(training, held out): every tenth of a group, from its first on. Groups of fewer are counted through as one."""
    training, held_out, counted = [], [], 0
    for group in groups:
        small = len(group) < HOLD_OUT_EVERY
        for index, each in enumerate(group, start=counted if small else 0):
            (training if index % HOLD_OUT_EVERY else held_out).append(each)
        counted += len(group) if small else 0
    return training, held_out


def is_shown(path: PurePath) -> bool:
    """Neither hidden nor in a hidden folder, nor what a Mac adds to archives."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def files_in(folder: Path, suffixes: Collection[str], *, kind: str) -> list[Path]:
    if not folder.is_dir():
        raise NoInputError(f"no folder {folder}", f"name a folder of {kind}")
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in suffixes and is_shown(path.relative_to(folder))
    )


def is_pack(place: Path) -> bool:
    return place.suffix.lower() == PACK_SUFFIX and place.is_file()


def packed_files(pack: Path, suffixes: Collection[str]) -> list[zipfile.Path]:
    """In the order that its files would have in a folder. Raises BadDataError."""
    try:
        archive = zipfile.ZipFile(pack)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadDataError(f"cannot read '{pack}': {error}", "tools/pack_photos.py makes such files") from error
    names = sorted(map(PurePosixPath, archive.namelist()))
    return [zipfile.Path(archive, str(name)) for name in names if name.suffix.lower() in suffixes and is_shown(name)]


def decode(file: File, *, max_side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB photo of 8 bit, halved until its longer side is at most `max_side_px` (removes JPEG traces and noise
    too).

    Raises BadDataError, also for what Pillow would clip to white or black: gray of more bits.
    """
    with _decoding(file):
        data = file.read_bytes()
        _shape(io.BytesIO(data), file)
        photo = iio.imread(data, plugin="pillow", mode="RGB", index=0)
    while max(photo.shape) > max_side_px:
        photo = halved(photo)
    return photo


def shape_of(path: Path) -> tuple[int, int]:
    """Rows and columns, from the header; BadDataError for what `decode` refuses, as far as that tells."""
    with _decoding(path):
        return _shape(path, path)


def _shape(source: Path | io.BytesIO, file: File) -> tuple[int, int]:
    with Image.open(source) as image:
        if image.mode.startswith(("I", "F")):
            raise BadDataError(f"'{file}' is gray of more than 8 bit", "convert it to 8 bit, or leave it out")
        return image.height, image.width


@contextmanager
def _decoding(file: File) -> Iterator[None]:
    """Whatever Pillow raises inside becomes a BadDataError that names the file."""
    try:
        yield
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, Image.DecompressionBombError) as error:
        raise BadDataError(f"cannot read '{file}': {error}", "remove the file or repair it") from error


def halved(photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Means of 2x2 pixels; an odd last row or column is dropped."""
    even = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]
    return np.rint(reduce(even.astype(np.float32), "(h p) (w q) c -> h w c", "mean", p=2, q=2)).astype(np.uint8)


def load_photos(
    files: Iterable[File], *, min_side_px: int, max_side_px: int = 1280
) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Decode all; those smaller than a crop cannot be used and are an error when none is left."""
    return usable([decode(file, max_side_px=max_side_px) for file in files], min_side_px=min_side_px, kind="photos")


def usable(arrays: list[np.ndarray], *, min_side_px: int, kind: str) -> list[np.ndarray]:
    """Those large enough to cut a crop out of; BadDataError when none is."""
    large = [array for array in arrays if min(array.shape[:2]) >= min_side_px]
    if not large:
        raise BadDataError(
            f"all {len(arrays)} {kind} are smaller than the crop of {min_side_px} px",
            f"give larger {kind}, or a recipe with smaller patch_px",
        )
    return large
