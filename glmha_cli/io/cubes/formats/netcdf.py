"""netCDF 4 and plain HDF5, both by h5py: one layout is written, that of the CF conventions 1.10.

`cube` (wavelength, y, x) float32 with the coordinate `wavelength` in nm, `fwhm`, `good_band`, `band_name` along it, a
grid mapping `crs` with `crs_wkt` and GDAL's `GeoTransform`, and tags as attributes of the file.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats import prisma
from glmha_cli.io.cubes.formats.hdf5_facts import facts_of, tags_of
from glmha_cli.io.cubes.georeference.by_rasterio import wkt_of
from glmha_cli.io.cubes.hdf5 import arrays_in, on_disk, open_hdf5, require_own
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.cubes.stream import Blocks, CubeStream
from glmha_cli.io.cubes.variable import Variable
from glmha_cli.io.cubes.variables import pick_array
from glmha_cli.io.guard import require_plausible

if TYPE_CHECKING:
    import h5py

CUBE = "cube"
_ATTRIBUTE = re.compile(r"[A-Za-z][\w .:+@-]*")
_RESERVED = {"Conventions", "provenance"}
_LONGEST_ATTRIBUTE = 60_000
_CHUNK_PX = 256
_BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable. {:10d}"


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write a cube; attributes that HDF5 cannot hold are left out."""
    values, nodata = cube.stored()
    return _write(path, cube, [(0, values)], nodata, overwrite=overwrite, provenance=provenance)


def write_rows(path: Path, cube: CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """The same, block by block."""
    return _write(path, cube, cube.blocks(), cube.nodata, overwrite=overwrite, provenance=provenance)


def _write(
    path: Path, cube: Cube | CubeStream, blocks: Blocks, nodata: float | None, *, overwrite: bool, provenance: str
) -> tuple[str, ...]:
    import h5py

    tags = {name: text for name, text in cube.facts.tags.items() if name not in _RESERVED}
    fitting = {
        name: text for name, text in tags.items() if _ATTRIBUTE.fullmatch(name) and len(text) < _LONGEST_ATTRIBUTE
    }
    with atomic_output(path, overwrite=overwrite) as temporary:
        try:
            with h5py.File(temporary, "w", track_order=True) as file:
                file.attrs["Conventions"] = "CF-1.10"
                file.attrs.update(fitting | ({"provenance": provenance} if provenance else {}))
                _write_cube(file, cube, blocks, nodata)
        except RuntimeError as error:  # what h5py raises when closing a file on a full disk
            raise OSError(f"HDF5: {error}") from error
    lost = sorted(tags.keys() - fitting.keys())
    place = cube.facts.georeference
    notes = [f"tags that HDF5 has no name or room for are left out: {', '.join(lost)}"] if lost else []
    if place is not None and not place.crs and place.transform is None:
        notes.append("its georeference is no plain grid: left out")
    return tuple(notes)


def _write_cube(file: "h5py.File", cube: Cube | CubeStream, blocks: Blocks, nodata: float | None) -> None:
    height, width, bands = cube.shape
    dataset = file.create_dataset(
        CUBE,
        shape=(bands, height, width),
        dtype=np.float32,
        chunks=(1, min(height, _CHUNK_PX), min(width, _CHUNK_PX)),
        compression="gzip",
        shuffle=True,
        fillvalue=None if nodata is None else np.float32(nodata),
    )
    for start, values in blocks:
        dataset[:, start : start + len(values)] = rearrange(values, "h w bands -> bands h w")
    dataset.attrs.update({"long_name": "spectral cube", "units": "1"})
    if nodata is not None:
        dataset.attrs["_FillValue"] = np.array([nodata], np.float32)
    _write_dimensions(file, dataset, cube)
    along_bands: dict[str, np.ndarray] = {
        "fwhm": np.array(cube.facts.fwhm_nm, np.float64),
        "good_band": np.array(cube.facts.good_bands, np.int8),
        "band_name": np.array(cube.facts.band_names, object),
    }
    for name, items in along_bands.items():
        if items.size:
            is_text = items.dtype == object
            each = file.create_dataset(name, data=items, dtype=_text_type() if is_text else items.dtype)
            each.dims[0].attach_scale(dataset.dims[0][0])
    if cube.facts.fwhm_nm:
        file["fwhm"].attrs["units"] = "nm"
    if cube.facts.band_tags:
        file.create_dataset("band_tags", data=json.dumps(dict(cube.facts.band_tags)), dtype=_text_type())


def _text_type() -> Any:
    import h5py

    return h5py.string_dtype()


def _write_dimensions(file: "h5py.File", dataset: "h5py.Dataset", cube: Cube | CubeStream) -> None:
    """The coordinates wavelength, y and x, or bare dimensions where they are unknown; and the grid mapping."""
    place, (height, width, bands) = cube.facts.georeference, cube.shape
    coordinates: dict[str, Any] = {
        ("wavelength" if cube.wavelength_nm else "band"): cube.wavelength_nm,
        "y": (),
        "x": (),
    }
    if place is not None and place.transform is not None and not (place.transform[2] or place.transform[4]):
        x, dx, _, y, _, dy = place.transform
        coordinates |= {"y": y + (np.arange(height) + 0.5) * dy, "x": x + (np.arange(width) + 0.5) * dx}
    for i, (name, numbers) in enumerate(coordinates.items()):
        size = (bands, height, width)[i]
        known = len(numbers) > 0
        each = file.create_dataset(name, data=np.array(numbers, np.float64) if known else np.zeros(size, np.float32))
        each.make_scale(name if known else _BARE_DIMENSION.format(size))
        dataset.dims[i].attach_scale(each)
    if cube.wavelength_nm:
        file["wavelength"].attrs.update({"units": "nm", "standard_name": "radiation_wavelength"})
    if place is not None and (place.crs or place.transform is not None):
        mapping = file.create_dataset("crs", data=np.int32(0))
        if place.crs:
            mapping.attrs.update({"crs_wkt": wkt_of(place.crs), "spatial_ref": wkt_of(place.crs)})
        if place.transform is not None:
            mapping.attrs["GeoTransform"] = " ".join(f"{number:.17g}" for number in place.transform)
        dataset.attrs["grid_mapping"] = "crs"


def read(path: Path, options: CubeOptions) -> Stored:
    """As `open_cube`, with the values."""
    stored = open_cube(path, options)
    require_plausible(path, stored.values.shape, stored.values.dtype.itemsize)
    return replace(stored, values=stored.values[:, :, :])


def open_cube(path: Path, options: CubeOptions) -> Stored:
    """The data set `cube`, the one of three axes, or the one that the options name; with what CF says of it."""
    if path.open("rb").read(3) == b"CDF":
        raise BadDataError("is a classic netCDF file", "nccopy -k netCDF-4 in.nc out.nc")
    with open_hdf5(path) as file:
        arrays = dict(arrays_in(file))
        if options.key is None and (detectors := prisma.cubes_in(arrays)):
            return prisma.read(path, file, detectors, tags_of(file))
        key = options.key.strip("/") if options.key is not None else None
        name = pick_array({name: _variable(each) for name, each in arrays.items()}, (CUBE,), key, num_axes=(3,))
        require_own(file, name)
        if file[name].ndim != 3:
            raise BadDataError(f"'{name}' has {file[name].ndim} axes, not height x width x bands")
        return Stored(values=on_disk(path, file[name]), **facts_of(path, file, name, arrays))


def _variable(dataset: "h5py.Dataset | None") -> Variable:
    is_numeric = dataset is not None and dataset.dtype.kind in "fiub"
    shape = () if dataset is None else dataset.shape or ()
    return Variable(shape=shape, is_numeric=is_numeric, read=lambda: np.empty(0))


def _format(name: str) -> CubeFormat:
    return CubeFormat(
        name="netcdf", title=name, read=read, open=open_cube, write=write, write_rows=write_rows, names_variables=True
    )


HDF5, NETCDF = _format("an HDF5 file"), _format("a netCDF 4 file")
