"""What MATLAB's and NumPy's files hold beside the values: variables by the names of `kept.KEPT`."""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmha_cli.io.cubes.kept import KEPT
from glmha_cli.io.cubes.model import Cube, CubeOptions, Georeference, Stored, as_transform
from glmha_cli.io.cubes.on_disk import OnDisk
from glmha_cli.io.cubes.variable import Variable
from glmha_cli.io.cubes.variables import Variables, open_variables, pick_array, require_numbers
from glmha_cli.io.cubes.wavelengths import as_written, in_names, in_unit, said_names

if TYPE_CHECKING:
    from glmha_cli.io.cubes.stream import CubeStream

SCALES: Mapping[str, float | None] = {
    "cube": None, "pred": None, "res": None, "truth": None, "img": None, "HSI": None,
    "img_expand": 1 / 65536, "data_slice": 1 / 65535,
}  # fmt: skip
"""Variables that hold a cube (NTIRE; MST and TSA-Net; CAVE; KAIST) and what brings them to [0, 1]."""
_SLICES = 8

_WAVELENGTHS = ("wavelength_nm", "wavelengths_nm", "bands", "wavelength", "wavelengths", "wl", "lambda")
_IN_NM = ("wavelength_nm", "wavelengths_nm")
"""By their names; of the others the numbers tell (see `_unit_told`)."""


def read(path: Path, options: CubeOptions) -> Stored:
    """As `open_cube`, with the values."""
    return _read(path, options, lambda variable: require_numbers(variable()))


def open_cube(path: Path, options: CubeOptions) -> Stored:
    """The same with the values still in the file, if that is HDF5."""
    return _read(path, options, lambda variable: variable.open() if variable.open else require_numbers(variable()))


def _read(path: Path, options: CubeOptions, values_of: Callable[[Variable], Any]) -> Stored:
    """The one cube among the variables (see `pick_array`), its wavelengths and what our own files say beside."""
    variables = open_variables(path)
    name = pick_array(variables, tuple(SCALES), options.key, num_axes=(3,))
    values = values_of(variables[name])
    folder, _ = _split(name)
    wavelengths, unit, notes = _wavelengths(variables, folder, values.shape)
    scale, scale_notes = _scale(name.removeprefix(folder), values)
    names = _names_of_bands(variables, folder)
    named = [] if wavelengths else in_names(names)
    return Stored(
        values=values,
        axes="hwb",
        states_axes=False,
        reverses_axes=variables[name].reverses_axes,
        wavelengths=named or wavelengths,
        unit="nm" if named else unit,
        band_names=said_names(names),
        scale=scale,
        notes=(*notes, *scale_notes),
        **_side(variables, folder, "nm" if named else unit),
    )


def _scale(name: str, values: np.ndarray | OnDisk) -> tuple[float | None, tuple[str, ...]]:
    """(what brings a cube of this name to [0, 1], a note); none where its values are there already: no counts are.

    Slices across tell, as the cube may be larger than memory.
    """
    scale = SCALES.get(name)
    if scale is None or values.dtype.kind != "f" or len(values.shape) != 3:
        return scale, ()
    first, second, third = values.shape
    slices = (values[:first, i : i + 1, :third] for i in range(0, second, max(1, second // _SLICES)))
    if any(np.nanmax(each, initial=0) > 1 for each in slices):
        return scale, ()
    return None, (f"its '{name}' is within [0, 1]: not divided by {1 / scale:.0f}",)


def _wavelengths(variables: Variables, folder: str, shape: tuple[int, ...]) -> tuple[list[float], str, tuple[str, ...]]:
    """(wavelengths, their unit, notes) of the variable that holds them: beside the cube, else anywhere in the file.

    One whose unit is told goes before all others.
    """
    found: list[tuple[list[float], str, tuple[str, ...]]] = []
    unfit: list[str] = []
    for name in _lists(variables, folder):
        (place, bare), size = _split(name), math.prod(variables[name].shape)
        beside = place == folder
        fits = size in (shape if beside else shape[-1:])  # lists from elsewhere do not tell which axis is of the bands
        if fits or (size and beside and bare in _IN_NM):  # of a wrong length they are refused later
            numbers = variables[name]().ravel()
            unit = "nm" if bare in _IN_NM else _unit_told(numbers, bare)
            found.append((as_written(numbers), unit, () if beside else (f"its wavelengths are those of '{name}'",)))
        elif size > 1 and beside:
            unfit.append(f"its variable '{name}' has {size} numbers, as many as no side of the cube: left out")
    wavelengths, unit, notes = next((each for each in found if each[1]), found[0] if found else ([], "nm", ()))
    return wavelengths, unit, (*notes, *unfit)


def _lists(variables: Variables, folder: str) -> list[str]:
    """The variables that may hold wavelengths, those beside the cube first."""
    found = [name for name, each in variables.items() if each.is_numeric and _split(name)[1] in _WAVELENGTHS]
    return sorted(found, key=lambda name: (_split(name)[0] != folder, _WAVELENGTHS.index(_split(name)[1])))


def _split(name: str) -> tuple[str, str]:
    """(the structure that holds a variable, with a dot behind it; its own name in lower case)."""
    at = name.rfind(".") + 1
    return name[:at], name[at:].lower()


def _unit_told(numbers: np.ndarray, name: str) -> str:
    """Between 100 and 20000 they are nm, between 0.1 and 20 µm; but whole numbers called bands may count these."""
    low, high = numbers.min(), numbers.max()
    if low >= 100 and high <= 20_000:
        return "nm"
    is_count = name == "bands" and not (numbers % 1).any()
    return "um" if low >= 0.1 and high <= 20 and not is_count else ""


def _names_of_bands(variables: Variables, folder: str) -> list[str]:
    """Texts in a list of NumPy or a cell of MATLAB, or as `variables_of` writes them: one text, a line for each."""
    place = f"{folder}band_names"
    names = [name for name in variables if name == place or re.fullmatch(r"\{\d+\}", name.removeprefix(place))]
    texts = [str(text) for name in names if variables[name].is_text for text in variables[name]().ravel()]
    return texts[0].split("\n") if len(texts) == 1 and texts[0] else texts


def _side(variables: Variables, folder: str, unit: str) -> dict:
    """What `variables_of` writes beside the values, as far as it is there; unit: that of the wavelengths."""

    def numbers(name: str) -> list[float]:
        each = variables.get(f"{folder}{name}")
        return each().ravel().tolist() if each is not None and each.is_numeric else []

    def text(name: str) -> str:
        each = variables.get(f"{folder}{name}")
        return str(each()) if each is not None and each.is_text else ""

    transform, crs, nodata = as_transform(numbers("transform")), text("crs"), numbers("nodata")
    provenance = {"provenance": text("provenance")} if text("provenance") else {}
    return {
        "fwhm": in_unit(np.array(numbers("fwhm_nm")), "nm", unit),
        "good_bands": [bool(each) for each in numbers("good_bands")],
        "nodata": nodata[0] if len(nodata) == 1 else None,
        "georeference": Georeference(crs=crs, transform=transform) if crs or transform else None,
        "tags": {name: each for name, each in _object(text("tags")).items() if isinstance(each, str)} | provenance,
        "band_tags": {
            name: tuple(map(str, each)) for name, each in _object(text("band_tags")).items() if isinstance(each, list)
        },
    }


def _object(text: str) -> dict[str, Any]:
    """An object of JSON, as `variables_of` writes it; empty for any other text, as of a file of others."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def variables_of(
    cube: "Cube | CubeStream", format_name: str, provenance: str
) -> tuple[dict[str, np.ndarray | str], tuple[str, ...]]:
    """(all but the values, as `read` finds it; notes on what is left out)."""
    place = cube.facts.georeference
    notes = place.lost_elsewhere() if place else ()
    tags = {name: text for name, text in cube.facts.tags.items() if name != "provenance"}
    found: dict[str, np.ndarray | str] = {
        _name_of_wavelengths(cube, format_name): np.array([cube.wavelength_nm], np.float64),
        "fwhm_nm": np.array([cube.facts.fwhm_nm], np.float64),
        "band_names": "\n".join(name.replace("\n", " ") for name in cube.facts.band_names),
        "good_bands": np.array([cube.facts.good_bands], np.float64),
        "nodata": np.array([[] if cube.facts.nodata is None else [cube.facts.nodata]], np.float64),
        "crs": place.crs if place else "",
        "transform": np.array([(place and place.transform) or ()], np.float64),
        "tags": json.dumps(tags) if tags else "",
        "band_tags": json.dumps(dict(cube.facts.band_tags)) if cube.facts.band_tags else "",
        "provenance": provenance,
    }
    return {name: each for name, each in found.items() if (each if isinstance(each, str) else each.size)}, notes


def _name_of_wavelengths(cube: "Cube | CubeStream", format_name: str) -> str:
    """The custom of the format, unless the numbers would not be read as nm under that name."""
    name, numbers = KEPT["wavelength_nm"][format_name], np.array(cube.wavelength_nm)
    return name if name in _IN_NM or not numbers.size or _unit_told(numbers, name) == "nm" else _IN_NM[0]
