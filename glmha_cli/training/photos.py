"""Clean photos for training: found, split into training and held out, decoded once into memory."""

from collections.abc import Collection, Iterable
from itertools import groupby
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from einops import reduce
from jaxtyping import UInt8

from glmha_cli.errors import BadDataError, NoInputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
HOLD_OUT_EVERY = 10


def find_photos(folders: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """All photos under `folders` as (training, held out)."""
    return find_files(folders, SUFFIXES, kind="photos")


def find_files(folders: Iterable[Path], suffixes: Collection[str], *, kind: str) -> tuple[list[Path], list[Path]]:
    """All files under `folders` as (training, held out): every tenth of each folder, sorted by name, is held out."""
    training, held_out, folder = [], [], None
    for folder in folders:
        if not folder.is_dir():
            raise NoInputError(f"no folder {folder}", f"name a folder of {kind}")
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
        if not found:
            raise NoInputError(f"no {kind} in {folder}", f"it may hold {', '.join(sorted(suffixes))}")
        for _, group in groupby(found, key=lambda path: path.parent):
            for index, path in enumerate(group):
                (training if index % HOLD_OUT_EVERY else held_out).append(path)
    if not training:
        raise NoInputError(f"too few {kind} in {folder}", f"one of {HOLD_OUT_EVERY} is held out: add more")
    return training, held_out


def decode(path: Path, *, max_side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB photo, halved until its longer side is at most `max_side_px` (removes JPEG traces and noise too)."""
    try:
        photo = iio.imread(path, plugin="pillow", mode="RGB", index=0)
    except (OSError, SyntaxError, ValueError) as error:
        raise BadDataError(f"cannot read '{path}': {error}", "remove the file or repair it") from error
    while max(photo.shape) > max_side_px:
        photo = halved(photo)
    return photo


def halved(photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Means of 2x2 pixels; an odd last row or column is dropped."""
    even = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]
    return np.rint(reduce(even.astype(np.float32), "(h p) (w q) c -> h w c", "mean", p=2, q=2)).astype(np.uint8)


def load_photos(paths: Iterable[Path], *, min_side_px: int,
                max_side_px: int = 1280) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Decode all; those smaller than a crop cannot be used and are an error when none is left."""
    return usable([decode(path, max_side_px=max_side_px) for path in paths], min_side_px=min_side_px, kind="photos")


def usable(arrays: list[np.ndarray], *, min_side_px: int, kind: str) -> list[np.ndarray]:
    """Those large enough to cut a crop out of; BadDataError when none is."""
    large = [array for array in arrays if min(array.shape[:2]) >= min_side_px]
    if not large:
        raise BadDataError(f"all {len(arrays)} {kind} are smaller than the crop of {min_side_px} px",
                           f"give larger {kind}, or a recipe with smaller patch_px")
    return large
