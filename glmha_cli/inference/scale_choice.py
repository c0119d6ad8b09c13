"""At which scales a photo wants to be corrected, found from the photo itself.

A few windows of the photo are restored at each scale. Where what the network removes has the size that it knows, it
changes most of the edges in the picture: streaks go, blurred edges become sharp. Of rain, two neighbouring scales may
change nearly as much; then what one leaves to the other decides. The scale so found comes first. Finer ones follow as
long as they still find something.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.inference.scales import Network, ReadRows, corrected, reduced

FACTORS = (1, 2, 4, 8)
GRID = 4
"""Windows are chosen among so many times so many of the photo."""
WINDOW_PX = 128
"""Side of a window at its scale: what the networks were trained on."""
MIN_SIDE_PX = 160
"""Reduced photos are no smaller: attention would have too little to see."""
PREFERENCE = 1.1
"""A coarser scale has to change so many times as much as any finer one: it costs detail where both would do."""
FOUND = 0.1
"""Share of the gradients' energy that is changed, below which a coarser scale found nothing."""
REST = 0.15
"""A finer scale follows where it changes at least so much of what the first scale changed. With less it is better left
out: after blur is removed at one scale, a tenth is changed at the next finer one, for the worse."""

SPENT = 0.05
"""Where a scale leaves less to be changed at the next coarser one, of what was changed there before, it has removed all
that there was: rain of its width leaves at most 0.03, and wider rain at least 0.13."""
UNDONE = 0.1
"""And where it leaves at least so much, the coarser one is the right one, …"""
NEAR = 0.8
"""… if that changes so many times as much of the edges, or more."""
WIDE = 0.95
"""Where a reduced picture is changed by as much, its mean square, what is removed is as wide as that: thin streaks lose
half of it. Even a network that removes wide ones at the finer scale, too, does it less well there."""
DEAR = 0.25
"""Share of a photo's pixels, at the scale in question, that asking so may cost; below 0.66 megapixels it costs more."""

ReadWindow = Callable[[int, int, int, int], Float[np.ndarray, "h w c"]]
"""Pixels of the photo by their first and last row, and first and last column (exclusive)."""


Area = UInt8[np.ndarray, "h w"]


@dataclass(frozen=True)
class _Window:
    """A square about a centre, at any scale; moved inward where it would leave the photo."""

    centre: tuple[float, float]
    size: tuple[int, int]

    def read(self, read: ReadWindow, side_px: int) -> Float[np.ndarray, "h w c"]:
        rows, columns = (self._span(axis, side_px) for axis in (0, 1))
        return read(*rows, *columns)

    @property
    def pixel(self) -> tuple[int, int]:
        """In its middle."""
        return int(self.centre[0] * self.size[0]), int(self.centre[1] * self.size[1])

    def _span(self, axis: int, side_px: int) -> tuple[int, int]:
        length = self.size[axis]
        start = round(self.centre[axis] * length - side_px / 2)
        start = max(0, min(start, length - side_px))
        return start, min(start + side_px, length)


@dataclass(frozen=True)
class _Change:
    """What a network changes in windows: mean squares of the change, of its gradients and of the windows' own."""

    pixels: float
    gradients: float
    all_gradients: float

    @property
    def share(self) -> float:
        return self.gradients / self.all_gradients if self.all_gradients else 0.0


def choose(
    read: ReadWindow, size: tuple[int, int], network: Network, *, area: Area | None = None, overlaid: bool = False
) -> tuple[int, ...]:
    """Factors from coarse to fine for `Scales`; (1,) where no other scale finds more, or the photo is small.

    read: see `ReadWindow`. network: restores a window. area: nonzero where the photo is to be restored; None for all.
    overlaid: see `Task.overlaid`. Of other damage, what a scale leaves tells nothing: each sharpens what is blurred.
    """
    factors = [factor for factor in FACTORS if min(size) >= MIN_SIDE_PX * factor]
    if len(factors) < 2 or (area is not None and not area.any()):
        return (1,)
    windows = _windows(read, size, area)
    changes = {
        factor: _change([reduced(window.read(read, WINDOW_PX * factor), factor) for window in windows], network)
        for factor in factors
    }
    first = 1
    for factor in factors:
        if changes[factor].share > max(FOUND, PREFERENCE * changes[first].share):
            first = factor

    def left(fine: int) -> float:
        """Of what is changed at the next coarser scale, the share that it still finds behind the fine one."""
        coarse = 2 * fine
        pictures = [_whole(window.read(read, WINDOW_PX * coarse), fine, network) for window in windows]
        found = _change([reduced(picture, coarse) for picture in pictures], network)
        return found.gradients / changes[coarse].gradients

    while overlaid and first > 1 and left(first // 2) < SPENT:
        first //= 2
    cost_px = len(windows) * (2**2 + 1) * WINDOW_PX**2
    while overlaid and _is_near(changes, first):
        is_wide = changes[2 * first].pixels > WIDE * changes[first].pixels
        if not is_wide and (cost_px > DEAR * math.prod(size) / first**2 or left(first) < UNDONE):
            break
        first *= 2
    return (first, *_finer(first, changes[first], windows, read, network))


def _is_near(changes: Mapping[int, _Change], factor: int) -> bool:
    """Whether the next coarser scale finds something, nearly as much as this one or more."""
    coarser = changes.get(2 * factor)
    return coarser is not None and coarser.share > max(FOUND, NEAR * changes[factor].share)


def _finer(first: int, change: _Change, windows: Sequence[_Window], read: ReadWindow, network: Network) -> list[int]:
    """The scales below the first one that find something in windows which the scales before have corrected."""
    found: list[int] = []
    pictures = [window.read(read, WINDOW_PX * first) for window in windows] if first > 1 else []
    last = first
    for factor in [factor for factor in reversed(FACTORS) if factor < first]:
        pictures = [_centre(_whole(picture, last, network), WINDOW_PX * factor) for picture in pictures]
        last = factor
        if _change([reduced(picture, factor) for picture in pictures], network).pixels < REST * change.pixels:
            break
        found.append(factor)
    return found


def _windows(read: ReadWindow, size: tuple[int, int], area: Area | None) -> list[_Window]:
    """Where the photo has most detail, as flat parts tell little: two windows of a small photo, up to four. Of an
    area, their middles lie in it, or it has one about its own middle.
    """
    places = [(i + 0.5) / GRID for i in range(GRID)]
    windows = [_Window((row, column), size) for row in places for column in places]
    if area is not None:
        windows = [window for window in windows if area[window.pixel] > 0] or [_about_middle(area)]
    count = 2 + (size[0] * size[1] >= 1_000_000) + (size[0] * size[1] >= 4_000_000)
    return sorted(windows, key=lambda window: _gradient_energy(window.read(read, WINDOW_PX)))[-count:]


def _about_middle(area: Area) -> _Window:
    rows, columns = np.nonzero(area)
    return _Window((float(np.median(rows)) / area.shape[0], float(np.median(columns)) / area.shape[1]), area.shape)


def _rows_of(picture: Float[np.ndarray, "h w c"]) -> ReadRows:
    return lambda start, stop: picture[start:stop]


def _whole(picture: Float[np.ndarray, "h w c"], factor: int, network: Network) -> Float[np.ndarray, "h w c"]:
    return np.concatenate(list(corrected(_rows_of(picture), picture.shape[:2], factor, network)))


def _change(pictures: Sequence[Float[np.ndarray, "h w c"]], network: Network) -> _Change:
    outputs = [np.concatenate(list(network(_rows_of(each), each.shape[:2]))).clip(0, 1) for each in pictures]
    changes = [output - picture for output, picture in zip(outputs, pictures, strict=True)]
    return _Change(
        pixels=fmean(float(np.mean(change**2)) for change in changes),
        gradients=fmean(map(_gradient_energy, changes)),
        all_gradients=fmean(map(_gradient_energy, pictures)),
    )


def _gradient_energy(picture: Float[np.ndarray, "h w c"]) -> float:
    down, across = np.diff(picture, axis=0), np.diff(picture, axis=1)
    return float(np.mean(down**2) + np.mean(across**2))


def _centre(picture: Float[np.ndarray, "h w c"], side_px: int) -> Float[np.ndarray, "h w c"]:
    top, left = (max(0, (length - side_px) // 2) for length in picture.shape[:2])
    return picture[top : top + side_px, left : left + side_px]
