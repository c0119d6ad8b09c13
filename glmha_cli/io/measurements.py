"""What a coded camera delivers: measurements, and the masks that coded them.

MATLAB .mat (5 and 7.3), .npz, .npy and TIFF; masks also as gray PNG.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.formats.npy import load_npy
from glmha_cli.io.cubes.formats.tiff import load_gray
from glmha_cli.io.cubes.variables import open_variables, pick, require_numbers
from glmha_cli.io.guard import reading
from glmha_cli.io.photos.read import read_photo
from glmha_cli.lookup import unknown

REAL_KEY = "meas_real"
MEASUREMENT_KEYS = ("simulation_test", REAL_KEY)
MASK_KEYS = ("mask", "mask_3d_shift")
REAL_PEAK = 0.8
DARK_MASK = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """One detector image.

    values: "simulated": Y itself, for a cube in [0, 1] between 0 and the number of bands. "real": clipped to
        [0, 1], then scaled to a maximum of 0.8; this is the scale of the networks' H = shift-back(values).
    kind: of a real one the absolute scale is unknown, which a result must say.
    """

    values: Float[np.ndarray, "h w_ext"]
    kind: Literal["simulated", "real"]

    def y(self, *, bands: int = 28) -> Float[np.ndarray, "h w_ext"]:
        """Y for a cube in [0, 1]: `values`, times bands / 2 (14) if real: H is made of Y * 2 / bands."""
        return self.values if self.kind == "simulated" else self.values * np.float32(bands / 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """values: transmission, float32, not negative: a plain mask (h, w) or a shifted one (h, w_ext, bands)."""

    values: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"]

    @property
    def is_shifted(self) -> bool:
        return self.values.ndim == 3


def read_measurement(path: Path, *, key: str | None = None, normalise: bool = False) -> Measurement:
    """Read a 2-D measurement.

    key: the variable of a .mat or .npz to read; by default `simulation_test` or `meas_real`.
    normalise: treat the file as real, as `meas_real` always is. Integers are then divided by the largest
        number of their type; without it they are refused, as counts are not Y.

    Raises:
        UsageError: unknown suffix.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, no such variable, not 2-D, not finite, or dark throughout.
    """
    with reading(path, "a measurement"):
        array, name = _read_array(path, MEASUREMENT_KEYS, key, _BARE)
        return as_measurement(array, normalise=normalise or name == REAL_KEY)


def as_measurement(array: np.ndarray, *, normalise: bool) -> Measurement:
    """An array as `read_measurement` takes it from a file. Raises BadDataError."""
    if require_numbers(array).ndim != 2:
        raise BadDataError(f"holds {_sizes(array)} values, not the height x width of one measurement")
    if normalise:
        return Measurement(values=_normalised(_as_fraction(array)), kind="real")
    if array.dtype.kind != "f":
        raise BadDataError(f"holds {array.dtype} counts, not Y", "--normalise")
    return Measurement(values=_finite(array), kind="simulated")


def read_mask(path: Path) -> Mask:
    """Read a mask: `mask` (h, w) or `mask_3d_shift` (h, w_ext, bands).

    Integers whose maximum is 1, and truth values, are taken as they are, others divided by the largest number
    of their type.

    Raises:
        UsageError: unknown suffix.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, no such variable, not 2-D or 3-D, not finite, negative, or dark throughout.
    """
    with reading(path, "a mask"):
        array, _ = _read_array(path, MASK_KEYS, None, _BARE_MASKS)
        return as_mask(array)


def as_mask(array: np.ndarray) -> Mask:
    """An array as `read_mask` takes it from a file. Raises BadDataError."""
    if require_numbers(array).ndim not in (2, 3):
        raise BadDataError(f"holds {_sizes(array)} values, not a mask of height x width (x bands)")
    is_binary = array.dtype.kind != "f" and array.max(initial=0) <= 1
    values = _finite(array if is_binary else _as_fraction(array))
    low, high = values.min(), values.max()
    if low < 0 or high < DARK_MASK:
        raise BadDataError(f"holds values from {low:.3g} to {high:.3g}, not transmissions of a mask")
    return Mask(values=values)


def check_fit(measurement: Measurement, mask: Mask, *, step: int = 2, bands: int = 28) -> None:
    """BadDataError, with the sizes that fit, unless w_ext = w + step * (bands - 1) and all else agrees."""
    h, w_ext = measurement.values.shape
    w = w_ext - step * (bands - 1)
    expected = (h, w_ext, bands) if mask.is_shifted else (h, w)
    if mask.values.shape == expected:
        return
    setting = f"with {bands} bands at step {step}"
    if w < 1:
        raise BadDataError(f"{w_ext} columns are too few for a measurement: {setting} it has over {w_ext - w}")
    raise BadDataError(
        f"a measurement of {h} x {w_ext} does not fit a mask of {_sizes(mask.values)}",
        f"{setting} this measurement needs a mask of {h} x {w}, or shifted {h} x {w_ext} x {bands}; "
        f"this mask needs a measurement of {_measurement_for(mask, step=step, bands=bands)}",
    )


def _measurement_for(mask: Mask, *, step: int, bands: int) -> str:
    h, w = mask.values.shape[:2]
    return f"{h} x {w if mask.is_shifted else w + step * (bands - 1)}"


# Files


def _read_array(
    path: Path, known: Collection[str], key: str | None, bare: Mapping[str, Callable[[Path], np.ndarray]]
) -> tuple[np.ndarray, str]:
    """The array and its name; "" from the files that name none, which the readers of `bare` are for."""
    suffix = path.suffix.lower()
    if suffix in _NAMING:
        variables = open_variables(path)
        name = pick(variables, known, key)
        return variables[name](), name
    if suffix not in bare:
        raise unknown("file format", suffix, (*_NAMING, *bare))
    if key is not None:
        raise UsageError(f"'{path}' has no variable '{key}': only .mat and .npz files name theirs")
    return require_numbers(bare[suffix](path)), ""


def _load_gray_png(path: Path) -> np.ndarray:
    photo = read_photo(path)
    if not photo.grayscale or photo.alpha is not None:
        raise BadDataError("has colours or transparency, and a mask is gray", "save it as a grayscale PNG")
    return photo.pixels[..., 0]


_NAMING = (".mat", ".npz")
_BARE = {".npy": load_npy, ".tif": load_gray, ".tiff": load_gray}
_BARE_MASKS = _BARE | {".png": _load_gray_png}


# Values


def _as_fraction(array: np.ndarray) -> np.ndarray:
    """Integers divided by the largest number of their type; floating point as it is."""
    return array / np.iinfo(array.dtype).max if array.dtype.kind in "iu" else array


def _normalised(array: np.ndarray) -> Float[np.ndarray, "h w_ext"]:
    values = _finite(array).clip(0, 1)
    if values.max() == 0:
        raise BadDataError("is completely dark: no value is above 0")
    return values / values.max() * np.float32(REAL_PEAK)


def _finite(array: np.ndarray) -> np.ndarray:
    """As float32, a copy in memory; BadDataError for an empty array or a value that is not finite."""
    if array.size == 0 or not np.isfinite(array).all():
        raise BadDataError("is empty or holds infinite or NaN values")
    return np.array(array, np.float32, order="C")


def _sizes(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))
