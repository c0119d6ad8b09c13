"""What is written of a cube by the CF conventions 1.10, the same in netCDF, plain HDF5 and Zarr.

`cube` (wavelength, y, x) float32 with the coordinate `wavelength` in nm, `fwhm` and `good_band` along it, and a grid
mapping `crs` with `crs_wkt` and GDAL's `GeoTransform`.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.io.cubes.georeference.by_rasterio import wkt_of
from glmha_cli.io.cubes.model import UNITS, Cube
from glmha_cli.io.cubes.stream import CubeStream

CUBE, GRID_MAPPING, CONVENTIONS = "cube", "crs", "CF-1.10"
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "wavelength": {"units": "nm", "standard_name": "radiation_wavelength"},
    "fwhm": {"units": "nm"},
}
"""Of the arrays beside the cube that have some."""


def attributes_of(cube: Cube | CubeStream) -> dict[str, str]:
    """Of the cube itself; without a word on its units they are shares of 1."""
    return {"long_name": "spectral cube", "units": cube.facts.tags.get(UNITS, "1")}


def tags_of_file(cube: Cube | CubeStream) -> dict[str, str]:
    """The tags that are no attributes of the cube."""
    return {name: text for name, text in cube.facts.tags.items() if name != UNITS}


def coordinates_of(cube: Cube | CubeStream) -> dict[str, Float[np.ndarray, " n"]]:
    """Dimension -> its numbers, of bands, rows and columns in that order; empty where they are unknown."""
    place, (height, width, _) = cube.facts.georeference, cube.shape
    rows: np.ndarray = np.empty(0)
    columns: np.ndarray = np.empty(0)
    if place is not None and place.transform is not None and not (place.transform[2] or place.transform[4]):
        x, dx, _, y, _, dy = place.transform
        rows, columns = y + (np.arange(height) + 0.5) * dy, x + (np.arange(width) + 0.5) * dx
    bands = np.array(cube.wavelength_nm, np.float64)
    return {("wavelength" if bands.size else "band"): bands, "y": rows, "x": columns}


def along_bands(cube: Cube | CubeStream) -> dict[str, Num[np.ndarray, " bands"]]:
    """Numbers of each band that are known."""
    found: dict[str, np.ndarray] = {
        "fwhm": np.array(cube.facts.fwhm_nm, np.float64),
        "good_band": np.array(cube.facts.good_bands, np.int8),
    }
    return {name: numbers for name, numbers in found.items() if numbers.size}


def grid_mapping_of(cube: Cube | CubeStream) -> dict[str, str]:
    """Attributes of the grid mapping; none where no place is known."""
    place = cube.facts.georeference
    if place is None:
        return {}
    wkt = {"crs_wkt": wkt_of(place.crs), "spatial_ref": wkt_of(place.crs)} if place.crs else {}
    if place.transform is None:
        return wkt
    return wkt | {"GeoTransform": " ".join(f"{number:.17g}" for number in place.transform)}


def notes_on_place(cube: Cube | CubeStream) -> tuple[str, ...]:
    """What CF cannot say of where the pixels lie."""
    place = cube.facts.georeference
    return () if place is None else place.lost_elsewhere()
