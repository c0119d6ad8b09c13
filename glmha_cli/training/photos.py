"""Clean photos for training: found, split into training and held out, decoded once into memory."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from glmha_cli.errors import BadDataError, NoInputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
HOLD_OUT_EVERY = 10


def find_photos(folders: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """All photos under `folders` as (training, held out): every tenth of each folder, sorted by name, is held out."""
    training, held_out = [], []
    for folder in folders:
        if not folder.is_dir():
            raise NoInputError(f"no folder {folder}", "give --images a folder of clean photos")
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not found:
            raise NoInputError(f"no photos in {folder}", f"it may hold {', '.join(sorted(SUFFIXES))}")
        for _, group in groupby(found, key=lambda path: path.parent):
            for index, path in enumerate(group):
                (training if index % HOLD_OUT_EVERY else held_out).append(path)
    return training, held_out


def decode(path: Path, *, max_side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB photo, halved until its longer side is at most `max_side_px` (removes JPEG traces and noise too)."""
    try:
        with Image.open(path) as image:
            factor = 1
            while max(image.size) / factor > max_side_px:
                factor *= 2
            rgb = image.convert("RGB")
            return np.asarray(rgb.reduce(factor) if factor > 1 else rgb)
    except (OSError, UnidentifiedImageError) as error:
        raise BadDataError(f"cannot read {path}: {error}", "remove the file or repair it") from error


def load_photos(paths: Iterable[Path], *, min_side_px: int, max_side_px: int = 1280) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Decode all; those smaller than a crop cannot be used and are an error when none is left."""
    photos = [decode(path, max_side_px=max_side_px) for path in paths]
    usable = [photo for photo in photos if min(photo.shape[:2]) >= min_side_px]
    if not usable:
        raise BadDataError(f"all {len(photos)} photos are smaller than the crop of {min_side_px} px",
                           "give larger photos, or a recipe with smaller patch_px")
    return usable
