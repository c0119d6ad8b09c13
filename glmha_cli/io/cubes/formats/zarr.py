"""Zarr, version 3, by the library of that name (the optional extra `zarr`): a folder, laid out as `cf` says.

Zarr's attributes are JSON: names of bands and tags of any name have their place there.
"""

import base64
import importlib.util
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.atomic_store import atomic_store
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats import cf
from glmha_cli.io.cubes.formats.cf_facts import facts_of
from glmha_cli.io.cubes.formats.cf_values import as_meant
from glmha_cli.io.cubes.formats.labelled import Labelled, variable_of
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.cubes.on_disk import size_bytes
from glmha_cli.io.cubes.real import is_real
from glmha_cli.io.cubes.stream import Blocks, CubeStream, as_written
from glmha_cli.io.cubes.variables import pick_array
from glmha_cli.io.cubes.windows import blocks as blocks_of
from glmha_cli.io.cubes.zarr_store import ZarrArray, arrays_in, metadata_of
from glmha_cli.io.guard import MAX_BYTES
from glmha_cli.shapes import size_text

if TYPE_CHECKING:
    from zarr import Group

_CHUNK_ROWS, _CHUNK_COLUMNS = 256, 4096
_FILL = "_FillValue"


def write(path: Path, cube: Cube | CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write a cube, one by rows block by block. UsageError where the library is not installed."""
    _require_library()
    import zarr

    blocks, nodata = as_written(cube)
    tags = {
        **cf.tags_of_file(cube),
        "Conventions": cf.CONVENTIONS,
        **({"provenance": provenance} if provenance else {}),
    }
    with atomic_store(path, overwrite=overwrite) as temporary:
        group = zarr.create_group(zarr.storage.LocalStore(temporary), zarr_format=3, attributes=tags)
        _write_cube(group, cube, blocks, nodata)
    return cf.notes_on_place(cube)


def _write_cube(group: "Group", cube: Cube | CubeStream, blocks: Blocks, nodata: float | None) -> None:
    (height, width, bands), coordinates = cube.shape, cf.coordinates_of(cube)
    mapping = cf.grid_mapping_of(cube)
    said = {
        _FILL: None if nodata is None else _encoded(nodata),
        "grid_mapping": cf.GRID_MAPPING if mapping else "",
        "band_names": list(cube.facts.band_names),
        "band_tags": {name: list(texts) for name, texts in cube.facts.band_tags.items()},
    }
    # A block of rows is a row of chunks, so that each is written once.
    _, rows = next(blocks_of(cube.shape))
    array = group.create_array(
        cf.CUBE,
        shape=(bands, height, width),
        dtype="float32",
        chunks=(1, min(rows, _CHUNK_ROWS), min(width, _CHUNK_COLUMNS)),
        dimension_names=list(coordinates),
        fill_value=0.0 if nodata is None else nodata,
        attributes={**cf.attributes_of(cube), **{name: each for name, each in said.items() if each}},
        config={"write_empty_chunks": True},
    )
    for start, values in blocks:
        array[:, start : start + len(values)] = rearrange(values, "h w bands -> bands h w")
    axis = next(iter(coordinates))
    lines = {name: (name, numbers) for name, numbers in coordinates.items() if numbers.size}
    lines |= {name: (axis, numbers) for name, numbers in cf.along_bands(cube).items()}
    for name, (dimension, numbers) in lines.items():
        _write_small(group, name, numbers, [dimension], cf.ATTRIBUTES.get(name, {}))
    if mapping:
        _write_small(group, cf.GRID_MAPPING, np.array(0, np.int32), [], mapping)


def _write_small(
    group: "Group", name: str, numbers: np.ndarray, dimensions: list[str], attributes: Mapping[str, str]
) -> None:
    config: Any = {"write_empty_chunks": True}
    group.create_array(name, data=numbers, dimension_names=dimensions, attributes=dict(attributes), config=config)


def _encoded(nodata: float) -> str:
    """As xarray writes a `_FillValue` of floats in version 3: a little-endian double in base 64."""
    return base64.standard_b64encode(struct.pack("<d", nodata)).decode()


def read(path: Path, options: CubeOptions) -> Stored:
    """As `open_cube`, with the values."""
    stored = open_cube(path, options)
    if size_bytes(stored.values) > MAX_BYTES:
        raise BadDataError(f"declares {size_text(stored.values.shape)} values, which do not fit into memory")
    return replace(stored, values=stored.values[:, :, :])


def open_cube(path: Path, options: CubeOptions) -> Stored:
    """The array `cube`, the one of three axes, or the one that the options name; with what CF says of it."""
    _require_library()
    arrays = dict(arrays_in(path))
    labelled = {name: _labelled(each) for name, each in arrays.items()}
    key = options.key.strip("/") if options.key is not None else None
    name = pick_array({name: variable_of(each) for name, each in labelled.items()}, (cf.CUBE,), key, num_axes=(3,))
    array = arrays[name]
    if array is None:
        raise BadDataError(f"'{name}' is a link to another place, which is not followed")
    if len(array.shape) != 3:
        raise BadDataError(f"'{name}' has {len(array.shape)} axes, not height x width x bands")
    if not is_real(array.dtype):
        raise BadDataError(f"holds {array.metadata['data_type']}, not real numbers")
    values, note = array.on_disk()
    facts = facts_of(name, labelled, array.dimensions, metadata_of(path).get("attributes", {}))
    tags = array.attributes.get("band_tags")
    if isinstance(tags, dict):
        facts["band_tags"] = {name: tuple(map(str, texts)) for name, texts in tags.items()}
    facts["notes"] = (*([note] if note else []), *facts["notes"])
    return Stored(values=as_meant(values, array.attributes), **facts)


def _labelled(array: ZarrArray | None) -> Labelled | None:
    if array is None:
        return None
    return Labelled(shape=array.shape, dtype=array.dtype, attributes=_decoded(array), read=array.read)


def _decoded(array: ZarrArray) -> Mapping[str, Any]:
    """The attributes, with a `_FillValue` of floats as a number."""
    found = array.attributes.get(_FILL)
    if not isinstance(found, str) or array.dtype.kind != "f":
        return array.attributes
    return {**array.attributes, _FILL: struct.unpack("<d", base64.standard_b64decode(found))[0]}


def _require_library() -> None:
    if importlib.util.find_spec("zarr") is None:
        raise UsageError("stores of Zarr need the optional package zarr", extra_command("zarr"))


ZARR = CubeFormat(
    name="zarr",
    title="a store of Zarr",
    read=read,
    open=open_cube,
    write=write,
    write_rows=write,
    names_variables=True,
)
