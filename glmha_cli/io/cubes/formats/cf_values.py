"""What the numbers of an array mean by the CF conventions 1.10: packed (section 8.1), or missing (section 2.5.1).

`_Unsigned` and the kind of a valid range are those of the NetCDF User's Guide, appendix "Attribute Conventions".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.formats.labelled import Labelled, numbers_of, text_of
from glmha_cli.io.cubes.model import Factor
from glmha_cli.io.cubes.on_disk import OnDisk, Viewed

_MISSING = ("_fillvalue", "missing_value", "data_ignore_value", "nodata", "no_data", "nodata_value", "no_data_value")
_OTHER_KINDS = {("i", "true"): "u", ("u", "false"): "i"}
"""(kind as stored, `_Unsigned`) -> kind that is meant."""
_MOST_MISSING = 32
_LIMIT_DIGITS = 6
"""Of a limit of packed numbers that is given unpacked: dividing by the scale costs the others."""


def as_meant(values: OnDisk, attributes: Mapping[str, Any]) -> OnDisk:
    """The values of an array with these attributes, with a sign or without one as `_Unsigned` says."""
    kind = _kind_meant(values.dtype, attributes)
    return values if kind == values.dtype else Viewed(values, kind)


def said_of_values(array: Labelled) -> dict[str, Any]:
    """What `Stored` has of scale and missing data; all numbers but scale and offset are such as `as_meant` gives."""
    scale, offset = _scale(array.attributes), _factor(array.attributes.get("add_offset"))
    missing, (valid, notes) = _missing(array), _valid(array, scale, offset)
    nodata, others = (missing[0] if missing else None), missing[1:]
    others += [] if array.unwritten is None else [array.unwritten]
    return {"scale": scale, "offset": offset, "nodata": nodata, "missing": others, "valid": valid, "notes": notes}


def unpacked(array: Labelled) -> Num[np.ndarray, "..."]:
    """The numbers of a coordinate, of which there are few: in the kind of the file, unless they are packed there."""
    stored = array.read()
    values = stored.view(_kind_meant(stored.dtype, array.attributes))
    scale, offset = _scale(array.attributes), _factor(array.attributes.get("add_offset"))
    if scale is None and offset is None:
        return values
    return values * np.float64(1 if scale is None else scale) + (0 if offset is None else offset)


def _kind_meant(dtype: np.dtype, attributes: Mapping[str, Any]) -> np.dtype:
    kind = _OTHER_KINDS.get((dtype.kind, text_of(attributes.get("_Unsigned", "")).lower()))
    return dtype if kind is None else np.dtype(f"{dtype.byteorder}{kind}{dtype.itemsize}")


def _numbers_meant(value: object, array: Labelled) -> Num[np.ndarray, " n"]:
    """The numbers of an attribute that is of the array's kind."""
    numbers, kind = numbers_of(value), _kind_meant(array.dtype, array.attributes)
    return numbers if kind == array.dtype or numbers.dtype.kind == "f" else numbers.astype(np.int64).astype(kind)


def _by_lower_name(array: Labelled) -> dict[str, Any]:
    return {name.lower(): each for name, each in array.attributes.items()}


def _missing(array: Labelled) -> list[float]:
    """All numbers that stand for no data, in the order of the names, whatever their case."""
    said = _by_lower_name(array)
    found = dict.fromkeys(float(each) for name in _MISSING for each in _numbers_meant(said.get(name), array))
    if len(found) > _MOST_MISSING:
        raise BadDataError(f"names {len(found)} numbers for no data, more than {_MOST_MISSING}")
    return list(found)


def _valid(
    array: Labelled, scale: Factor | None, offset: Factor | None
) -> tuple[tuple[Factor, Factor] | None, tuple[str, ...]]:
    """(the least and the largest valid number as stored, a note); None where neither is named.

    Limits of a floating-point kind are meant of the unpacked values where integers are stored.
    """
    said = _by_lower_name(array)
    both, least, most = (_numbers_meant(said.get(f"valid_{name}"), array) for name in ("range", "min", "max"))
    low, high = (both[:1], both[1:2]) if both.size else (least[:1], most[:1])
    stated = {word: each for word, each in (("below", low), ("above", high)) if each.size}
    if not stated:
        return None, ()
    ends = {"below": -np.inf, "above": np.inf} | {word: float(each[0]) for word, each in stated.items()}
    is_unpacked = array.dtype.kind != "f" and any(each.dtype.kind == "f" for each in stated.values())
    first, last = (_packed(each, scale, offset) if is_unpacked else each for each in ends.values())
    words = " or ".join(f"{word} {ends[word]:g}" for word in stated)
    return (np.minimum(first, last), np.maximum(first, last)), (f"its values {words} are no data, as its range says",)


def _packed(limit: float, scale: Factor | None, offset: Factor | None) -> Factor:
    above_offset = np.float64(limit) - (0 if offset is None else offset)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.round(above_offset / (1 if scale is None else scale), _LIMIT_DIGITS)


def _scale(attributes: Mapping[str, Any]) -> Factor | None:
    """CF's factor; NEON's `Scale_Factor` is what values were multiplied by before they were stored, and another's below
    1 is as CF's.
    """
    factor = _factor(attributes.get("Scale_Factor"))
    if factor is None or not np.all(factor):
        return _factor(attributes.get("scale_factor"))
    return 1 / factor if np.all(np.abs(factor) >= 1) else factor


def _factor(value: object) -> Factor | None:
    """One number, if it is finite, or one of each band."""
    numbers = numbers_of(value).astype(np.float64)
    return numbers if numbers.size > 1 else next((float(each) for each in numbers if np.isfinite(each)), None)
