"""Which axis of an array is which, where its file does not say: told by the wavelengths, checked, or asked for."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from einops import rearrange
from jaxtyping import Float, Num

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.model import Stored
from glmha_cli.io.cubes.on_disk import OnDisk
from glmha_cli.shapes import size_text

ORDERS = tuple("".join(order) for order in permutations("hwb"))
_BY_BAND_AXIS, _BY_BAND_AXIS_REVERSED = ("bhw", "hbw", "hwb"), ("bwh", "wbh", "hwb")
_TELLING = 4
"""So many wavelengths tell the axis that is as long from the others."""
_PLAINLY, _SAMPLE_PX, _FEWEST, _LEAST_PX = 2.0, 96, 8, 16
"""Across the bands neighbours differ less than across either side of the picture; by such a factor it is plain."""


def require_order(text: str) -> str:
    """The order of axes that a user gave; UsageError unless it names h, w and b once each."""
    if text not in ORDERS:
        raise UsageError(f"--axes takes an order of h, w and b, not '{text}'", "--axes bhw")
    return text


def bands_last(
    stored: Stored, axes: str | None, *, bands: int | None = None
) -> tuple[Num[np.ndarray, "h w bands"], str]:
    """(values as height x width x bands, what to say of it); see `order_of`."""
    order, note = order_of(stored, axes, bands=bands)
    return rearrange(stored.values[:, :, :], f"{' '.join(order)} -> h w b"), note


def order_of(stored: Stored, axes: str | None, *, bands: int | None = None) -> tuple[str, str]:
    """(the order of the axes, what to say of it).

    axes: what a user said; otherwise the number of wavelengths tells the axis of the bands, or where there are none
    `bands`, or the file's custom holds, unless lengths or values speak against it.

    Raises:
        BadDataError: not three axes, or in doubt. UsageError: `axes` for a file that states its own.
    """
    shape = stored.values.shape
    if len(shape) != 3 or 0 in shape:
        raise BadDataError(f"holds {size_text(shape)} values, not height x width x bands")
    if axes is not None:
        if stored.states_axes and axes != stored.axes:
            raise UsageError(f"the file says itself that its axes are {stored.axes}, not {axes}", "leave out --axes")
        return axes, ""
    if stored.states_axes:
        return stored.axes, ""
    axes = _told_or_asked(stored, len(stored.wavelengths) or bands or 0)
    if axes != stored.axes:
        return axes, f"its {size_text(shape)} values are taken as {axes}: as many bands as wavelengths"
    if _is_plain(stored):
        return axes, ""
    return axes, f"its {size_text(shape)} values are taken as {axes}, as is the custom (--axes says otherwise)"


def _told_or_asked(stored: Stored, count: int) -> str:
    """By the number of bands if there are enough to tell; else as is the custom, if nothing speaks against it."""
    shape, custom = stored.values.shape, stored.axes.index("b")
    fitting = [axis for axis, size in enumerate(shape) if size == count]
    if count and custom not in fitting:
        if count < _TELLING or not fitting:
            return stored.axes  # where the wavelengths do not fit the bands, which will be said
        if len(fitting) == 1:
            return (_BY_BAND_AXIS_REVERSED if stored.reverses_axes else _BY_BAND_AXIS)[fitting[0]]
        raise _in_doubt(shape)
    if fitting != [custom] and _speaks_against(stored, custom):
        raise _in_doubt(shape)
    return stored.axes


def _in_doubt(shape: Sequence[int]) -> BadDataError:
    return BadDataError(
        f"holds {size_text(shape)} values, and it is unclear which axis is that of the bands",
        "--axes bhw where the bands come first, hbw in the middle, hwb last (glmha convert takes it too)",
    )


def _is_plain(stored: Stored) -> bool:
    """Whether the axis of custom is plainly that of the bands: by their number, by the lengths, or by the values."""
    shape, custom = stored.values.shape, stored.axes.index("b")
    if [axis for axis, size in enumerate(shape) if size == len(stored.wavelengths)] == [custom]:
        return True
    return _is_short(shape, custom) or _is_likest(_unlikeness(stored.values), custom)


def _speaks_against(stored: Stored, custom: int) -> bool:
    """Whether another axis than that of custom looks like that of the bands: by the lengths, and by the values."""
    shape, unlike = stored.values.shape, _unlikeness(stored.values)
    others = [axis for axis in range(3) if axis != custom]
    if _is_likest(unlike, custom):
        return False
    by_length = not _is_short(shape, custom) and any(_is_short(shape, axis) for axis in others)
    return by_length or any(_is_likest(unlike, axis) for axis in others)


def _is_short(shape: Sequence[int], axis: int) -> bool:
    """At most half as long as either other axis, of a picture that is one."""
    return max(2 * shape[axis], _LEAST_PX) <= min(side for other, side in enumerate(shape) if other != axis)


def _is_likest(unlike: Sequence[float], axis: int) -> bool:
    return bool(unlike) and _PLAINLY * unlike[axis] < min(value for other, value in enumerate(unlike) if other != axis)


def _unlikeness(values: np.ndarray | OnDisk) -> list[float]:
    """How little neighbouring slices across each axis correlate (0: they are the same); none where there are too few.

    Pictures of neighbouring bands are alike but for a factor, those of a scene cut the other ways less so.
    """
    if min(values.shape) < _FEWEST:
        return []
    starts = [max(side - _SAMPLE_PX, 0) // 2 for side in values.shape]
    first, second, third = (slice(start, start + _SAMPLE_PX) for start in starts)
    sample = np.nan_to_num(values[first, second, third].astype(np.float64), posinf=0, neginf=0)
    return [_unlike_neighbours(np.moveaxis(sample, axis, 0).reshape(sample.shape[axis], -1)) for axis in range(3)]


def _unlike_neighbours(slices: Float[np.ndarray, "n pixels"]) -> float:
    centred = slices - slices.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1)
    most = (size[1:] * size[:-1]).sum()
    return float(1 - (centred[1:] * centred[:-1]).sum() / most) if most else 1.0
