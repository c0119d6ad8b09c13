"""What MATLAB's and NumPy's files hold beside the values: variables by the names of `kept.KEPT`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Num

from glmha_cli.io.cubes.formats.named_bands import IN_NM, names_of_bands, split, unit_told, wavelengths_of
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
    folder, _ = split(name)
    wavelengths, unit, notes = wavelengths_of(variables, folder, values.shape)
    scale, scale_notes = _scale(name.removeprefix(folder), values)
    names = names_of_bands(variables, folder)
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
        **_of_bands(variables, folder, "nm" if named else unit, is_told=bool(named or wavelengths)),
        **_side(variables, folder),
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


def _of_bands(variables: Variables, folder: str, unit: str, *, is_told: bool) -> dict[str, Any]:
    """Widths and good bands beside the cube; unit: that of its wavelengths, in which `fwhm` is too. is_told: there are
    some.
    """
    in_nm, widths = (_numbers(variables, folder, *names) for names in (("fwhm_nm",), ("fwhm", "FWHM")))
    good = _numbers(variables, folder, "good_bands", "bbl")
    return {
        "fwhm": in_unit(in_nm, "nm", unit) if in_nm.size or not is_told else as_written(widths),
        "good_bands": (good != 0).tolist(),
    }


def _numbers(variables: Variables, folder: str, *names: str) -> Num[np.ndarray, " n"]:
    """Those of the first variable beside the cube with one of the names; none where there is none."""
    found = (variables[f"{folder}{name}"] for name in names if f"{folder}{name}" in variables)
    return next((each().ravel() for each in found if each.is_numeric), np.empty(0))


def _side(variables: Variables, folder: str) -> dict[str, Any]:
    """What `variables_of` writes beside the values of the cube as a whole, as far as it is there."""

    def text(name: str) -> str:
        each = variables.get(f"{folder}{name}")
        return str(each()) if each is not None and each.is_text else ""

    transform, nodata = (_numbers(variables, folder, name).tolist() for name in ("transform", "nodata"))
    transform, crs = as_transform(transform), text("crs")
    provenance = {"provenance": text("provenance")} if text("provenance") else {}
    return {
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
    return name if name in IN_NM or not numbers.size or unit_told(numbers, name) == "nm" else IN_NM[0]
