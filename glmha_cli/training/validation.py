"""Validation sets: fixed before training by committed seeds, never used for training."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch.utils.data import Dataset

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.training.degradations import Degrade
from glmha_cli.training.photos import SUFFIXES, decode

Pair = tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]
VALIDATION_SIDE_PX = 256
VALIDATION_PHOTOS = 24


class Pairs(Dataset):
    """(degraded, clean) images held in memory."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]


def centre_crop(photo: np.ndarray, side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    top, left = (max(0, (length - side_px) // 2) for length in photo.shape[:2])
    return photo[top : top + side_px, left : left + side_px].copy()


def synthetic_sets(held_out: Iterable[Path], degradations: Mapping[str, Degrade]) -> dict[str, Pairs]:
    """Per named degradation, evenly chosen held-out photos (centre crops) degraded under the seed of their place."""
    paths = list(held_out)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(VALIDATION_PHOTOS, len(paths))).round().astype(int)]
    photos = [centre_crop(decode(path, max_side_px=1280), VALIDATION_SIDE_PX) for path in chosen]
    return {name: Pairs([degraded_pair(photo, degrade, seed) for seed, photo in enumerate(photos)])
            for name, degrade in degradations.items()}


def degraded_pair(photo: np.ndarray, degrade: Degrade, seed: int) -> Pair:
    degraded = degrade(photo.astype(np.float32) / 255, np.random.default_rng(seed))
    return np.rint(degraded * 255).astype(np.uint8), photo


def folder_pairs(folder: Path) -> Pairs:
    """All pairs of a folder with `input` and `target` inside, matched by stem; a missing partner is an error."""
    inputs, targets = ({path.stem: path for path in sorted((folder / part).glob("*")) if path.suffix.lower() in SUFFIXES}
                       for part in ("input", "target"))
    if not inputs:
        raise NoInputError(f"no pairs in {folder}", "it needs the folders input/ and target/ with images")
    alone = sorted(inputs.keys() ^ targets.keys())
    if alone:
        raise BadDataError(f"{folder}: '{alone[0]}' has no partner of the same name", "add it or remove it")
    pairs = [(decode(inputs[stem], max_side_px=1 << 20), decode(targets[stem], max_side_px=1 << 20)) for stem in inputs]
    for stem, (degraded, clean) in zip(inputs, pairs, strict=True):
        if degraded.shape != clean.shape:
            raise BadDataError(f"{folder}: the two images of '{stem}' differ in size: {degraded.shape[:2]} and "
                               f"{clean.shape[:2]}", "a pair has one size")
    return Pairs(pairs)
