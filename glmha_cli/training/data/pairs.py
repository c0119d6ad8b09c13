"""Pairs of photos, degraded and clean, as benchmarks publish them: found, checked by their headers, read when
needed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.evaluation.pairs import files_to_pair, match_by_stem, set_name
from glmha_cli.training.data.files import is_shown
from glmha_cli.training.data.holdout import HOLD_OUT_EVERY, Split, divided
from glmha_cli.training.data.photos import SUFFIXES, decode, shape_of

LAYOUTS = (("input", "target"), ("blur", "sharp"))
"""Names of the two folders, side by side: Rain13k and most other sets; GoPro, where each sequence has them."""
ANY_SIZE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PhotoPair:
    """A degraded and a clean photo, two files of one size.

    In memory only while used: Rain13k or GoPro would take over 10 GB.
    """

    degraded: Path
    clean: Path
    shape: tuple[int, int]

    def read(self) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]:
        """Degraded and clean, sRGB. Raises BadDataError."""
        degraded, clean = (decode(path, max_side_px=ANY_SIZE) for path in (self.degraded, self.clean))
        return degraded, clean


def find_pairs(place: Path) -> list[list[PhotoPair]]:
    """All pairs in `place` and below it, matched by stem, folder by folder, sorted by name.

    Raises NoInputError where there are none, BadDataError for a missing partner, two files of one stem, two sizes, and
    what is no image.
    """
    if not place.is_dir():
        raise NoInputError(f"no folder {place}", "name a folder of pairs")
    folders = sorted(
        (first, first.with_name(second))
        for name, second in LAYOUTS
        for first in place.rglob(name)
        if is_shown(first.relative_to(place)) and first.with_name(second).is_dir()
    )
    groups = [group for group in (_matched(*folder) for folder in folders) if group]
    if not groups:
        raise NoInputError(
            f"no pairs in {place}", "it needs the folders input/ and target/, or blur/ and sharp/, with images"
        )
    return groups


def _matched(degraded: Path, clean: Path) -> list[PhotoPair]:
    """None where both folders are without images: sets have such beside the others."""
    if not files_to_pair(degraded, SUFFIXES) and not files_to_pair(clean, SUFFIXES):
        return []
    files = match_by_stem(degraded, clean, source_suffixes=SUFFIXES, target_suffixes=SUFFIXES)
    return [_pair(pair.source, pair.target) for pair in files]


def _pair(degraded: Path, clean: Path) -> PhotoPair:
    shape, other = shape_of(degraded), shape_of(clean)
    if shape != other:
        raise BadDataError(
            f"{degraded.parent.parent}: the two images of '{degraded.stem}' differ in size: {shape} and {other}",
            "both images of a pair need the same size",
        )
    return PhotoPair(degraded=degraded, clean=clean, shape=shape)


def split_pairs(places: Iterable[Path]) -> Split[PhotoPair]:
    """Hold out every tenth pair of a folder, or every tenth folder where a place has so many of them.

    The frames of a sequence are nearly one picture, so one of them cannot validate what the others taught. Raises as
    `find_pairs`, and NoInputError where nothing is left for training.
    """
    training, held_out, place = [], [], None
    for place in places:
        groups = find_pairs(place)
        by_folder = len(groups) >= HOLD_OUT_EVERY
        parts = [list(chain(*part)) for part in divided([groups])] if by_folder else divided(groups)
        training += parts[0]
        held_out += parts[1]
    if place and not training:
        raise NoInputError("too few pairs", f"one in {HOLD_OUT_EVERY} is held out for validation: add more")
    return Split(training, held_out)


def pairs_by_set(folders: Iterable[Path], *, taken: Collection[str] = ()) -> dict[str, list[PhotoPair]]:
    """All pairs of each folder by `set_name`. Raises as that and as `find_pairs`."""
    sets: dict[str, list[PhotoPair]] = {}
    for folder in folders:
        pairs = list(chain(*find_pairs(folder)))
        sets[set_name(folder, {*taken, *sets})] = pairs
    return sets


def usable_pairs(pairs: list[PhotoPair], *, min_side_px: int) -> list[PhotoPair]:
    """Those large enough to cut a crop out of; BadDataError when none is."""
    large = [pair for pair in pairs if min(pair.shape) >= min_side_px]
    if pairs and not large:
        raise BadDataError(
            f"all {len(pairs)} pairs are smaller than the crop of {min_side_px} px",
            "give larger pairs, or a recipe with smaller patch_px",
        )
    return large
