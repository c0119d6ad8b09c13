"""What a file of named arrays says of the bands of one of them, in lists beside it or elsewhere, or in attributes."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Num

from glmha_cli.io.cubes.formats.cf_axes import axis_told, may_be_wavelengths
from glmha_cli.io.cubes.formats.cf_values import unpacked
from glmha_cli.io.cubes.formats.labelled import (
    Arrays,
    Labelled,
    attribute,
    is_bare,
    numbers_of,
    text_attribute,
    texts_of,
)
from glmha_cli.io.cubes.real import REAL
from glmha_cli.io.cubes.wavelengths import as_written, in_names, in_unit, said_names
from glmha_cli.shapes import size_text

_WAVELENGTHS = (
    "wavelength", "wavelengths", "wavelength_nm", "wavelengths_nm", "center_wavelength", "center_wavelengths", "wl",
)  # fmt: skip
WAVELENGTH_UNITS = ("wavelength_units", "wavelength_unit", "wavelength units", "wavelength unit")
_WIDTHS = ("fwhm", "fwhm_nm")
_GOOD = ("good_band", "good_bands", "good_wavelengths", "bbl")
_NAMES = ("band_name", "band_names", *_WAVELENGTHS)
"""Of texts; wavelengths may be some ("450 nm")."""
_UNITS = ("units", "unit")
Lists = Sequence[tuple[str, Labelled]]
"""(name, array), those beside the cube first."""


def said_of_bands(name: str, arrays: Arrays, dimension: str, of_file: Mapping[str, Any]) -> dict[str, Any]:
    """What `Stored` has of the bands of the array `name`; dimension: the name of their axis, "" where it is unknown.

    Lists go before attributes, those in the array's own group before those elsewhere, and attributes of the array
    before those of the file.
    """
    array, folder = arrays[name], name.rpartition("/")[0]
    assert array is not None
    lists, texts = (_lists(array, folder, arrays, kinds) for kinds in (REAL, "OS"))
    lists += [
        (place, meant)
        for place, each in texts
        if _is_called(place, _WAVELENGTHS) and (meant := _in_numbers(each)) is not None
    ]
    said = _fitting(of_file, array) | dict(array.attributes)
    names = _of_bands(_names(texts, array.attributes), array)
    numbers, unit = _wavelengths(lists, said, array, dimension)
    named = [] if numbers.size else in_names(names)
    unit = "nm" if named else unit
    widths, own = _along(lists, said, _WIDTHS)
    good, _ = _along(lists, said, _GOOD)
    missed = [*(() if numbers.size or named else _WAVELENGTHS), *(() if widths.size else _WIDTHS)]
    return {
        "wavelengths": named or as_written(numbers),
        "unit": unit,
        "fwhm": in_unit(widths, own, unit),
        "good_bands": (good != 0).tolist(),
        "band_names": said_names(names),
        "notes": _unfit(missed, folder, arrays),
    }


def _names(texts: Lists, said: Mapping[str, Any]) -> list[str]:
    listed = next((each.read() for place, each in texts if _is_called(place, _NAMES)), None)
    return texts_of(listed) or texts_of(attribute(said, "band_names")) or texts_of(said.get("long_name"))


def _wavelengths(
    lists: Lists, said: Mapping[str, Any], array: Labelled, dimension: str
) -> tuple[Num[np.ndarray, " n"], str]:
    """(wavelengths, their unit); none where neither a list nor an attribute holds them."""
    spectral = [(place, each) for place, each in lists if _is_spectral(place, each, dimension)]
    by_name = [(place, each) for place, each in spectral if _is_called(place, _WAVELENGTHS)]
    where, found = next(iter(by_name or spectral), ("", None))
    if found is not None:
        return unpacked(found), _unit_of(where, found)
    name = next((name for name in said if _is_called(name, _WAVELENGTHS)), "")
    unit = text_attribute(said, *WAVELENGTH_UNITS) or _unit_in(name)
    return _of_bands(numbers_of(said.get(name)), array), unit


def _in_numbers(texts: Labelled) -> Labelled | None:
    """A list of texts as the numbers that they hold; None where they hold something else."""
    numbers = numbers_of(texts.read())
    return replace(texts, shape=numbers.shape, dtype=numbers.dtype, read=lambda: numbers) if numbers.size else None


def _fitting(of_file: Mapping[str, Any], array: Labelled) -> dict[str, Any]:
    """The lists among the attributes of a file that are as long as a side of the array, and the unit of wavelengths."""
    lists = {
        name: each
        for name, each in of_file.items()
        if _is_called(name, (*_WAVELENGTHS, *_WIDTHS, *_GOOD)) and numbers_of(each).size in array.shape
    }
    return lists | {name: each for name, each in of_file.items() if lists and name.lower() in WAVELENGTH_UNITS}


def _unfit(names: Collection[str], folder: str, arrays: Arrays) -> tuple[str, ...]:
    """What to say of arrays by such names, beside the cube or at the root, which have no number for each band."""
    found = {place: each for place, each in arrays.items() if each is not None and _is_called(place, names)}
    sizes = {place: each.shape for place, each in found.items() if place.rpartition("/")[0] in ("", folder)}
    return tuple(
        f"its '{place}' ({size_text(shape)}) has no number for each band: left out"
        for place, shape in sizes.items()
        if math.prod(shape) > 1 and not is_bare(found[place])
    )


def _of_bands(items: Any, array: Labelled) -> Any:
    """The items; none where it is one for several bands, as the name of the array or the wavelength of a laser."""
    return items if len(items) != 1 or 1 in array.shape else items[:0]


def _lists(array: Labelled, folder: str, arrays: Arrays, kinds: str) -> list[tuple[str, Labelled]]:
    """(name, array) of the lists that are as long as a side of the array, those beside it first.

    MATLAB's lists have two axes, one of them of length 1.
    """
    there = [(place, each) for place, each in arrays.items() if each is not None and each.dtype.kind in kinds]
    found = [(place, each) for place, each in there if each.shape and np.prod(each.shape) == max(each.shape)]
    found = [(place, each) for place, each in found if max(each.shape) in array.shape and not is_bare(each)]
    return sorted(found, key=lambda pair: pair[0].rpartition("/")[0] != folder)


def _along(lists: Lists, said: Mapping[str, Any], names: Collection[str]) -> tuple[np.ndarray, str]:
    """(numbers of each band, their unit), of a list, else of an attribute; none where there is neither."""
    where, found = next((pair for pair in lists if _is_called(pair[0], names)), ("", None))
    if found is None:
        return numbers_of(attribute(said, *names)), ""
    return unpacked(found).ravel(), _unit_of(where, found)


def _unit_of(place: str, lengths: Labelled) -> str:
    return text_attribute(lengths.attributes, *_UNITS) or _unit_in(place)


def _unit_in(name: str) -> str:
    return "nm" if name.lower().endswith("_nm") else ""


def _is_called(place: str, names: Collection[str]) -> bool:
    return place.rpartition("/")[2].lower() in names


def _is_spectral(place: str, array: Labelled, dimension: str) -> bool:
    """Whether these are wavelengths: by name, or by attributes; of a unit alone, the coordinate of the bands' axis."""
    if _is_called(place, _WAVELENGTHS) or axis_told(array) == "b":
        return True
    return _is_called(place, (dimension,)) and may_be_wavelengths(array)
