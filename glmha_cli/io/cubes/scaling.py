"""From the numbers of a file to those of a cube: stored * scale + offset, in shares of 1."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.model import UNITS, Stored
from glmha_cli.io.cubes.real import require_real

_OF_NUMBERS = ("STATISTICS_", "default stretch", "z plot range")  # of GDAL and ENVI
_NO_UNITS, _PERCENT = ("", "1"), ("%", "percent")


def as_asked(stored: Stored, scale: float | None) -> Stored:
    """Scaled as a user says, if one does: neither as the file says nor in its units."""
    if scale is None:
        return stored
    return replace(stored, scale=scale, offset=None, value_units="", tags=_without_units(stored))


def _without_units(stored: Stored) -> dict[str, str]:
    return {name: text for name, text in stored.tags.items() if name != UNITS}


def with_units(stored: Stored) -> tuple[Stored, list[str]]:
    """With the units of the values as a tag, which ENVI's files, .npz and .mat have already; percent as shares."""
    units, others = stored.value_units or stored.tags.get(UNITS, ""), _without_units(stored)
    if units.lower() not in _PERCENT:
        return replace(stored, tags=others if units in _NO_UNITS else {**others, UNITS: units}), []
    scale, offset = 1 if stored.scale is None else stored.scale, stored.offset
    shares = replace(stored, tags=others, scale=scale / 100, offset=None if offset is None else offset / 100)
    return shares, ["its values are in percent: divided by 100"]


def require_one_per_band(stored: Stored, bands: int) -> None:
    """BadDataError for a list of gains or offsets of another length than there are bands."""
    for name, numbers in (("gain", stored.scale), ("offset", stored.offset)):
        if isinstance(numbers, np.ndarray) and numbers.size != bands:
            raise BadDataError(f"names {numbers.size} values of {name} for {bands} bands")


def scaled(values: Num[np.ndarray, "h w bands"], stored: Stored, *, is_asked: bool) -> Float[np.ndarray, "h w bands"]:
    """A copy. is_asked: a user gave the scale. BadDataError for integers without one, and for no real numbers."""
    scale, offset, changes = stored.scale, stored.offset, _changes(stored)
    require_real(values.dtype)
    if values.dtype.kind != "f" and not changes and not is_asked:
        raise BadDataError(
            f"holds {values.dtype} without a stated scale",
            "--scale 1e-4 (times that) or --scale 12bit; or save float32",
        )
    if changes:
        values = values * (1 if scale is None else scale) + (0 if offset is None else offset)
    with np.errstate(over="ignore"):
        return np.array(values, np.float32, order="C")


def _changes(stored: Stored) -> bool:
    """Whether scaling does."""
    factors = ((stored.scale, 1), (stored.offset, 0))
    return any(each is not None and bool(np.any(each != neutral)) for each, neutral in factors)


def without_old_numbers(stored: Stored) -> Stored:
    """Without what was said of numbers that scaling has changed."""
    if not _changes(stored):
        return stored
    tags = {name: text for name, text in stored.tags.items() if not name.startswith(_OF_NUMBERS)}
    band_tags = {name: texts for name, texts in stored.band_tags.items() if not name.startswith(_OF_NUMBERS)}
    return replace(stored, tags=tags, band_tags=band_tags)
