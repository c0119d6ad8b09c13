"""netCDF 4 and plain HDF5, both by h5py: one layout is written, that of `cf`, with `band_name` along the bands and tags
as attributes of the file.
"""

import json
import math
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats import prisma
from glmha_cli.io.cubes.formats.cf import (
    ATTRIBUTES,
    CONVENTIONS,
    CUBE,
    GRID_MAPPING,
    along_bands,
    attributes_of,
    coordinates_of,
    grid_mapping_of,
    notes_on_place,
    tags_of_file,
)
from glmha_cli.io.cubes.formats.cf_facts import facts_of, tags_of
from glmha_cli.io.cubes.formats.cf_values import as_meant
from glmha_cli.io.cubes.formats.labelled import BARE_DIMENSION, Labelled, variable_of
from glmha_cli.io.cubes.hdf5 import arrays_in, on_disk, open_hdf5, read_dataset, require_own
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.cubes.stream import Blocks, CubeStream, as_written
from glmha_cli.io.cubes.variables import pick_array
from glmha_cli.io.guard import require_plausible

if TYPE_CHECKING:
    import h5py

_ATTRIBUTE = re.compile(r"[A-Za-z][\w .:+@-]*")
_RESERVED = {"Conventions", "provenance"}
_LONGEST_ATTRIBUTE = 60_000
_CHUNK_PX = 256
_FILL = "_FillValue"
_UNWRITTEN = {
    "f4": 9.9692099683868690e36, "f8": 9.9692099683868690e36, "i2": -(2**15) + 1, "u2": 2**16 - 1,
    "i4": -(2**31) + 1, "u4": 2**32 - 1, "i8": -(2**63) + 2, "u8": 2**64 - 2,
}  # fmt: skip
"""Kind of number -> its default fill value (NetCDF User's Guide, netcdf.h); bytes have none."""


def write(path: Path, cube: Cube | CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write a cube, one by rows block by block; attributes that HDF5 cannot hold are left out."""
    import h5py

    blocks, nodata = as_written(cube)
    tags = {name: text for name, text in tags_of_file(cube).items() if name not in _RESERVED}
    fitting = {
        name: text for name, text in tags.items() if _ATTRIBUTE.fullmatch(name) and len(text) < _LONGEST_ATTRIBUTE
    }
    with atomic_output(path, overwrite=overwrite) as temporary:
        try:
            with h5py.File(temporary, "w", track_order=True) as file:
                file.attrs["Conventions"] = CONVENTIONS
                file.attrs.update(fitting | ({"provenance": provenance} if provenance else {}))
                _write_cube(file, cube, blocks, nodata)
        except RuntimeError as error:  # what h5py raises when closing a file on a full disk
            raise OSError(f"HDF5: {error}") from error
    lost = sorted(tags.keys() - fitting.keys())
    notes = (f"tags that HDF5 has no name or room for are left out: {', '.join(lost)}",) if lost else ()
    return notes + notes_on_place(cube)


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
    if nodata is not None:
        dataset.attrs[_FILL] = np.array([nodata], np.float32)
    _write_dimensions(file, dataset, cube)
    names = np.array(cube.facts.band_names, object)
    for name, items in (along_bands(cube) | ({"band_name": names} if names.size else {})).items():
        each = file.create_dataset(name, data=items, dtype=_text_type() if items is names else items.dtype)
        each.dims[0].attach_scale(dataset.dims[0][0])
    if cube.facts.band_tags:
        file.create_dataset("band_tags", data=json.dumps(dict(cube.facts.band_tags)), dtype=_text_type())
    dataset.attrs.update(attributes_of(cube))
    for name in ATTRIBUTES.keys() & file.keys():
        file[name].attrs.update(ATTRIBUTES[name])


def _text_type() -> Any:
    import h5py

    return h5py.string_dtype()


def _write_dimensions(file: "h5py.File", dataset: "h5py.Dataset", cube: Cube | CubeStream) -> None:
    """The coordinates wavelength, y and x, or bare dimensions where they are unknown; and the grid mapping."""
    for i, (name, numbers) in enumerate(coordinates_of(cube).items()):
        size = dataset.shape[i]
        each = file.create_dataset(name, data=numbers if numbers.size else np.zeros(size, np.float32))
        each.make_scale(name if numbers.size else f"{BARE_DIMENSION}. {size:10d}")
        dataset.dims[i].attach_scale(each)
    if mapping := grid_mapping_of(cube):
        file.create_dataset(GRID_MAPPING, data=np.int32(0)).attrs.update(mapping)
        dataset.attrs["grid_mapping"] = GRID_MAPPING


def read(path: Path, options: CubeOptions) -> Stored:
    """As `open_cube`, with the values."""
    stored = open_cube(path, options)
    require_plausible(path, stored.values.shape, stored.values.dtype.itemsize)
    return replace(stored, values=stored.values[:, :, :])


def open_cube(path: Path, options: CubeOptions) -> Stored:
    """The data set `cube`, the one of three axes, or the one that the options name; with what CF says of it."""
    with path.open("rb") as start:
        if start.read(3) == b"CDF":
            raise BadDataError("is a classic netCDF file", "nccopy -k netCDF-4 in.nc out.nc")
    with open_hdf5(path) as file:
        arrays = dict(arrays_in(file))
        if options.key is None and (detectors := prisma.cubes_in(arrays)):
            return prisma.read(path, file, detectors, tags_of(file.attrs))
        key = options.key.strip("/") if options.key is not None else None
        labelled = {each: _labelled(path, dataset) for each, dataset in arrays.items()}
        name = pick_array({each: variable_of(array) for each, array in labelled.items()}, (CUBE,), key, num_axes=(3,))
        require_own(file, name)
        if file[name].ndim != 3:
            raise BadDataError(f"'{name}' has {file[name].ndim} axes, not height x width x bands")
        dimensions = [_dimension(file[name], axis) for axis in range(3)]
        values = as_meant(on_disk(path, file[name]), file[name].attrs)
        facts = facts_of(name, labelled, dimensions, file.attrs)
        return Stored(values=values, **facts | {"notes": (*_of_chunks(file[name]), *facts["notes"])})


def _labelled(path: Path, dataset: "h5py.Dataset | None") -> Labelled | None:
    if dataset is None:
        return None
    read = partial(read_dataset, path, dataset)
    unwritten = _unwritten(dataset)
    return Labelled(
        shape=dataset.shape or (), dtype=dataset.dtype, attributes=dataset.attrs, read=read, unwritten=unwritten
    )


def _unwritten(dataset: "h5py.Dataset") -> float | None:
    """What netCDF puts where nothing was written, unless the file names another number for that."""
    fill = _UNWRITTEN.get(dataset.dtype.str[1:])
    is_default = fill is not None and _FILL not in dataset.attrs and dataset.fillvalue == dataset.dtype.type(fill)
    return fill if is_default else None


def _of_chunks(dataset: "h5py.Dataset") -> tuple[str, ...]:
    """What to say of chunks that were never written, as of a measurement that was broken off."""
    count = math.prod(
        -(-side // length) for side, length in zip(dataset.shape, dataset.chunks or dataset.shape, strict=True)
    )
    there = dataset.id.get_num_chunks() if dataset.chunks else count
    fill = f"its fill value, {dataset.fillvalue:g}"
    return (f"{count - there} of its {count} chunks were never written, and hold {fill}",) if there < count else ()


def _dimension(dataset: "h5py.Dataset", axis: int) -> str:
    """The name of an axis, in lower case; empty where it has none."""
    scales = dataset.dims[axis]
    return str(scales[0].name if len(scales) else scales.label).rpartition("/")[2].lower()


def _format(name: str) -> CubeFormat:
    return CubeFormat(
        name="netcdf", title=name, read=read, open=open_cube, write=write, write_rows=write, names_variables=True
    )


HDF5, NETCDF = _format("an HDF5 file"), _format("a netCDF 4 file")
