"""Measurements and masks from files and arrays: MATLAB .mat (5 and 7.3), .npz, .npy, TIFF and gray PNG."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.formats.npy import load_npy
from glmha_cli.io.cubes.formats.tiff_picture import load_gray
from glmha_cli.io.cubes.variables import open_variables, pick_array, require_numbers
from glmha_cli.io.guard import reading
from glmha_cli.io.measurements.model import BANDS, LARGEST_TRANSMISSION, Mask, Measurement
from glmha_cli.io.photos.read import read_photo
from glmha_cli.lookup import unknown
from glmha_cli.shapes import size_text

REAL_KEY = "meas_real"
MEASUREMENT_KEYS = ("simulation_test", REAL_KEY)
MASK_KEYS = ("mask", "mask_3d_shift")
REAL_PEAK = 0.8
LARGEST_REAL = 2.0
"""Noise and calibration go so far above 1 in a real measurement; what is larger are counts."""
CUT_OFF_SHARE = 0.01

DARK_MASK = 0.05


def read_measurement(path: Path, *, key: str | None = None, normalise: bool = False) -> Measurement:
    """Read a 2-D measurement.

    key: the variable of a .mat or .npz to read; by default `simulation_test`, `meas_real`, or the only one of two axes.
    normalise: treat the file as real, as `meas_real` always is. Integers are then divided by the largest
        number of their type; without it they are refused, as counts are not Y. Counts in floating point are divided by
        their own largest.

    Raises:
        UsageError: unknown suffix.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, no such variable, not 2-D, not finite, or dark throughout.
    """
    with reading(path, "a measurement"):
        array, name = _read_array(path, MEASUREMENT_KEYS, key, num_axes=(2,))
        return as_measurement(array, normalise=normalise or name == REAL_KEY)


def as_measurement(array: np.ndarray, *, normalise: bool) -> Measurement:
    """An array as `read_measurement` takes it from a file. Raises BadDataError."""
    if require_numbers(array).ndim != 2:
        raise BadDataError(f"holds {size_text(array.shape)} values, not the height x width of one measurement")
    if normalise:
        values, notes = _below_one(_finite(_as_fraction(array)), at_most=LARGEST_REAL)
        return Measurement(values=_normalised(values), kind="real", notes=notes + _cut_off(values))
    if array.dtype.kind != "f":
        raise BadDataError(f"holds {array.dtype} counts, not Y", "--normalise")
    return Measurement(values=_not_dark(_finite(array)), kind="simulated")


def read_mask(path: Path) -> Mask:
    """Read a mask: `mask` (h, w) or `mask_3d_shift` (h, w_ext, bands).

    Integers whose maximum is 1, and truth values, are taken as they are, others divided by the largest number
    of their type. A transmission cannot be above 1: floating point that is, and integers that fill little of their type
    (12 bit in 16, percent in 8), are counts, and divided by their own largest. Bands may come first.

    Raises:
        UsageError: unknown suffix.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, no such variable, not 2-D or 3-D, not finite, negative, or dark throughout.
    """
    with reading(path, "a mask"):
        array, _ = _read_array(path, MASK_KEYS, None, num_axes=(2, 3), advice="call the mask's 'mask'")
        return as_mask(array)


def as_mask(array: np.ndarray) -> Mask:
    """An array as `read_mask` takes it from a file. Raises BadDataError."""
    if require_numbers(array).ndim not in (2, 3):
        raise BadDataError(f"holds {size_text(array.shape)} values, not a mask of height x width (x bands)")
    largest = array.max(initial=0)
    is_binary = array.dtype.kind != "f" and largest <= 1
    fills_little = array.dtype.kind in "iu" and largest <= np.iinfo(array.dtype).max // 2
    values = _finite(array if is_binary or fills_little else _as_fraction(array))
    low, high = values.min(), values.max()
    if low < 0 or high < DARK_MASK:
        raise BadDataError(f"holds values from {low:.3g} to {high:.3g}, not transmissions of a mask")
    values, notes = _below_one(values, at_most=LARGEST_TRANSMISSION)
    if values.ndim == 3 and values.shape[0] == BANDS != values.shape[2]:
        values = np.ascontiguousarray(values.transpose(1, 2, 0))
        notes += (f"the mask's {size_text(array.shape)} values are taken as bands x height x width",)
    return Mask(values=values, notes=notes)


# Files


def _read_array(
    path: Path, known: Collection[str], key: str | None, *, num_axes: Collection[int], advice: str = "--key {}"
) -> tuple[np.ndarray, str]:
    """The array and its name; "" from the files that name none, which the readers of `_BARE` are for.

    num_axes: an array of so many is taken under any name if there is just one. advice: where there are several.
    """
    suffix = path.suffix.lower()
    if suffix in _NAMING:
        variables = open_variables(path)
        name = pick_array(variables, known, key, num_axes=num_axes, advice=advice)
        return variables[name](), name
    if suffix not in _BARE:
        raise unknown("file format", suffix, (*_NAMING, *_BARE))
    if key is not None:
        raise UsageError(f"'{path}' has no variable '{key}': only .mat and .npz files name theirs")
    return require_numbers(_BARE[suffix](path)), ""


def _load_gray_png(path: Path) -> np.ndarray:
    photo = read_photo(path)
    if not photo.grayscale or photo.alpha is not None:
        raise BadDataError("has colours or transparency, and a detector is gray", "save it as a grayscale PNG")
    return photo.colours[..., 0]


_NAMING = (".mat", ".npz")
_BARE: Mapping[str, Callable[[Path], np.ndarray]] = {
    ".npy": load_npy,
    ".tif": load_gray,
    ".tiff": load_gray,
    ".png": _load_gray_png,
}


# Values


def _as_fraction(array: np.ndarray) -> np.ndarray:
    """Integers divided by the largest number of their type; floating point as it is."""
    return array / np.iinfo(array.dtype).max if array.dtype.kind in "iu" else array


def _below_one(values: Float[np.ndarray, "..."], *, at_most: float) -> tuple[np.ndarray, tuple[str, ...]]:
    """Counts divided by the largest of them, and a note; values that are below `at_most` as they are."""
    largest = float(values.max(initial=0))
    if largest <= at_most:
        return values, ()
    return values / np.float32(largest), (f"values up to {largest:.6g} are taken as counts: divided by the largest",)


def _cut_off(values: Float[np.ndarray, "h w_ext"]) -> tuple[str, ...]:
    """What to say of values above 1, of which noise leaves a few."""
    share = float((values > 1).mean())
    return (f"{share:.0%} of its values are above 1, and taken as 1",) if share >= CUT_OFF_SHARE else ()


def _normalised(array: np.ndarray) -> Float[np.ndarray, "h w_ext"]:
    values = _not_dark(_finite(array).clip(0, 1))
    return values / values.max() * np.float32(REAL_PEAK)


def _not_dark(values: Float[np.ndarray, "h w_ext"]) -> Float[np.ndarray, "h w_ext"]:
    if values.max() <= 0:
        raise BadDataError("is completely dark: no value is above 0")
    return values


def _finite(array: np.ndarray) -> np.ndarray:
    """As float32, a copy in memory; BadDataError for an empty array or a value that is not finite."""
    with np.errstate(over="ignore"):
        values = np.array(array, np.float32, order="C")
    if values.size == 0 or not np.isfinite(values).all():
        raise BadDataError("is empty or holds infinite or NaN values")
    return values
