"""What a file of named arrays says of the bands of one of them, in lists beside it or elsewhere, or in attributes."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

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

_WAVELENGTHS = ("wavelength", "wavelengths", "wavelength_nm", "center_wavelength", "center_wavelengths", "wl")
_WIDTHS = ("fwhm", "fwhm_nm")
_GOOD = ("good_band", "good_bands", "good_wavelengths", "bbl")
_NAMES = ("band_name", "band_names", *_WAVELENGTHS)
"""Of texts; wavelengths may be some ("450 nm")."""
_UNITS = ("units", "unit")


def said_of_bands(name: str, arrays: Arrays, dimension: str) -> dict[str, Any]:
    """What `Stored` has of the bands of the array `name`; dimension: the name of their axis, "" where it is unknown.

    Lists go before attributes, those in the array's own group before those elsewhere.
    """
    array, folder = arrays[name], name.rpartition("/")[0]
    assert array is not None
    numeric, texts = (_lists(array, folder, arrays, kinds) for kinds in (REAL, "OS"))
    said = array.attributes
    listed = next((each.read() for place, each in texts if _is_called(place, _NAMES)), None)
    names = texts_of(listed) or texts_of(attribute(said, "band_names")) or texts_of(said.get("long_name"))
    names = _of_bands(names, array)
    spectral = [(place, each) for place, each in numeric if _is_spectral(place, each, dimension)]
    by_name = [(place, each) for place, each in spectral if _is_called(place, _WAVELENGTHS)]
    where, wavelengths = next(iter(by_name or spectral), ("", None))
    if wavelengths is None:
        numbers = _of_bands(numbers_of(attribute(said, *_WAVELENGTHS)), array)
        unit = text_attribute(said, "wavelength_units", "wavelength_unit")
    else:
        numbers = unpacked(wavelengths)
        unit = _unit_of(where, wavelengths)
    named = [] if numbers.size else in_names(names)
    unit = "nm" if named else unit
    widths, own = _along(numeric, said, _WIDTHS)
    good, _ = _along(numeric, said, _GOOD)
    return {
        "wavelengths": named or as_written(numbers),
        "unit": unit,
        "fwhm": in_unit(widths, own, unit),
        "good_bands": (good != 0).tolist(),
        "band_names": said_names(names),
    }


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


def _along(lists: Sequence[tuple[str, Labelled]], said: Any, names: Collection[str]) -> tuple[np.ndarray, str]:
    """(numbers of each band, their unit), of a list, else of an attribute; none where there is neither."""
    where, found = next((pair for pair in lists if _is_called(pair[0], names)), ("", None))
    if found is None:
        return numbers_of(attribute(said, *names)), ""
    return unpacked(found).ravel(), _unit_of(where, found)


def _unit_of(place: str, lengths: Labelled) -> str:
    return text_attribute(lengths.attributes, *_UNITS) or ("nm" if place.lower().endswith("_nm") else "")


def _is_called(place: str, names: Collection[str]) -> bool:
    return place.rpartition("/")[2].lower() in names


def _is_spectral(place: str, array: Labelled, dimension: str) -> bool:
    """Whether these are wavelengths: by name, or by attributes; of a unit alone, the coordinate of the bands' axis."""
    if _is_called(place, _WAVELENGTHS) or axis_told(array) == "b":
        return True
    return _is_called(place, (dimension,)) and may_be_wavelengths(array)
