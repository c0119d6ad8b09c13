"""PRISMA's products (HDF-EOS 5): two cubes, of the detectors for short and for long waves, as one.

Values are stored as uint16 (row, band, column); wavelengths, widths and scales are attributes of the file. Source:
PRISMA Products Specification Document, issue 2.3.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmha_cli.io.cubes.hdf5 import read_dataset
from glmha_cli.io.cubes.model import Georeference, Stored

if TYPE_CHECKING:
    import h5py

_DETECTORS = ("Vnir", "Swir")
_LARGEST = 65535
_PIXEL_M = 30.0


def cubes_in(arrays: Mapping[str, "h5py.Dataset | None"]) -> dict[str, "h5py.Dataset"]:
    """Detector -> its cube; empty for any other file."""
    places = {name.rpartition("/")[2]: each for name, each in arrays.items() if "/PRS_" in f"/{name}"}
    found = {detector: places.get(f"{detector.upper()}_Cube") for detector in _DETECTORS}
    return {detector: each for detector, each in found.items() if each is not None}


def read(path: Path, file: "h5py.File", cubes: Mapping[str, "h5py.Dataset"], tags: Mapping[str, str]) -> Stored:
    """All bands that have a wavelength, by detector; a pixel that is 0 in all of them holds no data."""
    attributes = file.attrs
    parts: dict[str, list[np.ndarray]] = {"values": [], "wavelengths": [], "fwhm": [], "scale": [], "offset": []}
    for detector, dataset in cubes.items():
        centres = np.asarray(attributes[f"List_Cw_{detector}"], np.float64)
        used = np.flatnonzero(centres > 0)
        scale, offset = _scale_of(attributes, detector)
        parts["values"].append(read_dataset(path, dataset)[:, used])
        parts["wavelengths"].append(centres[used])
        widths = np.asarray(attributes.get(f"List_Fwhm_{detector}", np.full(len(centres), np.nan)), np.float64)
        parts["fwhm"].append(widths[used])
        parts["scale"].append(np.full(len(used), scale))
        parts["offset"].append(np.full(len(used), offset))
    values = np.concatenate(parts.pop("values"), axis=1)
    per_band = {name: np.concatenate(each) for name, each in parts.items()}
    return Stored(
        values=values,
        axes="hbw",
        wavelengths=per_band["wavelengths"].tolist(),
        fwhm=() if np.isnan(per_band["fwhm"]).any() else per_band["fwhm"].tolist(),
        scale=per_band["scale"],
        offset=per_band["offset"],
        mask=np.asarray(values.any(axis=1)),
        georeference=_place(attributes),
        tags=tags,
    )


def _scale_of(attributes: Mapping[str, Any], detector: str) -> tuple[float, float]:
    """(scale, offset): reflectance between two numbers (level 2), or radiance (level 1) as stored / scale - offset."""
    low, high = (attributes.get(f"L2Scale{detector}{end}") for end in ("Min", "Max"))
    if low is not None and high is not None:
        return (float(high) - float(low)) / _LARGEST, float(low)
    divisor, subtracted = attributes.get(f"ScaleFactor_{detector}", 1), attributes.get(f"Offset_{detector}", 0)
    return 1 / float(divisor), -float(subtracted)


def _place(attributes: Mapping[str, Any]) -> Georeference | None:
    """Of level 2D: the centre of the upper left pixel in the zone of a code of EPSG."""
    names = ("Epsg_Code", "Product_ULcorner_easting", "Product_ULcorner_northing")
    if any(name not in attributes for name in names):
        return None
    code, east, north = (float(np.ravel(attributes[name])[0]) for name in names)
    half = _PIXEL_M / 2
    return Georeference(crs=f"EPSG:{code:.0f}", transform=(east - half, _PIXEL_M, 0.0, north + half, 0.0, -_PIXEL_M))
