"""Wavelengths as files name them, in nm and in order."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError, UsageError

_NM_PER_UNIT = {"nm": 1.0, "um": 1e3, "mm": 1e6, "cm": 1e7, "m": 1e9, "a": 0.1}
_SPELLINGS = {
    "nm": "nm", "nanometer": "nm", "nanometre": "nm", "nano-meter": "nm", "nanom": "nm",
    "um": "um", "µm": "um", "μm": "um", "micron": "um", "micrometer": "um", "micrometre": "um", "micro-meter": "um",
    "mm": "mm", "millimeter": "mm", "millimetre": "mm",
    "cm": "cm", "centimeter": "cm", "centimetre": "cm",
    "m": "m", "meter": "m", "metre": "m",
    "a": "a", "å": "a", "angstrom": "a", "ångström": "a",
}  # fmt: skip
"""Spelling without plural, in lower case (µ as either sign) -> unit."""


def unit_of(text: str) -> str:
    """The unit of length that a text means, such as "nm"; empty for any other ("Index", "Unknown", nothing)."""
    word = text.strip().strip("'\"[](){}").strip().lower()
    return _SPELLINGS.get(word) or _SPELLINGS.get(word.removesuffix("s"), "")


def to_nanometres(wavelengths: Sequence[float], units: str) -> list[float]:
    """Wavelengths in nm; none where the unit is not one of length."""
    unit = unit_of(units)
    return [round(float(value) * _NM_PER_UNIT[unit], 6) for value in wavelengths] if unit else []


def in_unit(numbers: Num[np.ndarray, " n"], own: str, unit: str) -> list[float]:
    """Lengths in the unit `unit`; as they are where their own is unknown, or is the same."""
    factor = _NM_PER_UNIT.get(unit_of(own), 1.0) / _NM_PER_UNIT.get(unit_of(unit), 1.0)
    is_known = unit_of(own) and unit_of(unit)
    return [each * factor if is_known else each for each in as_written(numbers)]


def as_written(numbers: Num[np.ndarray, " n"]) -> list[float]:
    """Numbers as someone wrote them: of a single 0.45 there is 0.45, not the 0.449999988 that is nearest to it."""
    return [float(str(each)) for each in numbers.ravel()]


_NAMED = re.compile(r"(?<![\d.])(?<!\d[-\u2013])(?:(?<!\w)[-+])?(?:\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[^\W\d_]+)\)?$")
"""A number begins at none of its digits but the first, for the time's sake, and is not the end of a range (450-500)."""


def in_names(names: Sequence[str]) -> list[float]:
    """Wavelengths in nm as names of bands end with them ("450 nm", "Band 3 (0.55 Micrometers)"); none unless all do."""
    found = [_NAMED.search(name.strip()) for name in names]
    if not names or not all(each and unit_of(each["unit"]) in ("nm", "um") for each in found):
        return []
    numbers = [(each[0].rstrip(")").removesuffix(each["unit"]), each["unit"]) for each in found if each]
    return [to_nanometres([float(number)], unit)[0] for number, unit in numbers]


def said_names(names: Sequence[str]) -> Sequence[str]:
    """Names of bands, if they say more than a wavelength or a number, which programs fill in by themselves."""
    bare = [name.lower().removeprefix("band").removesuffix("nm").strip().replace(".", "") for name in names]
    return () if all(not name or name.isdigit() for name in bare) else names


def require_unit(text: str) -> None:
    """UsageError unless `text` is a unit of length, as a user gives it."""
    if not unit_of(text):
        raise UsageError(f"'{text}' is not a unit of length", "--unit nm, or um")


def require_plausible_wavelengths(wavelength_nm: Sequence[float], bands: int) -> None:
    """BadDataError unless there is one for each band (or none), between 1 nm and 1 mm."""
    if len(wavelength_nm) not in (0, bands):
        raise BadDataError(f"names {len(wavelength_nm)} wavelengths for {bands} bands")
    if not all(1 <= nm <= 1e6 for nm in wavelength_nm):
        raise BadDataError("names wavelengths that are not between 1 nm and 1 mm")


def rising(wavelength_nm: Sequence[float]) -> tuple[np.ndarray | None, str]:
    """(order that sorts the bands, what to say of it); (None, "") where they rise already.

    Detectors overlap, and products come detector by detector; bands of one wavelength stay in their order.
    """
    steps = np.diff(wavelength_nm)
    if (steps > 0).all():
        return None, ""
    if (steps >= 0).all():
        return None, "several of its bands have the same wavelength"
    how = "falling" if (steps <= 0).all() else "no"
    repeated = ", some of them equal" if len(set(wavelength_nm)) < len(wavelength_nm) else ""
    order = np.argsort(wavelength_nm, kind="stable")
    return order, f"its bands came in {how} order of wavelength{repeated}: sorted"
