"""ENVI pair: `x.img`, the bare numbers (BSQ, float32, little-endian), and `x.hdr`, which explains them."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats import envi_write
from glmha_cli.io.cubes.formats.envi_files import data_of, header_of, reads
from glmha_cli.io.cubes.formats.envi_header import (
    STRUCTURE,
    choice_of,
    count_of,
    items_of,
    number_of,
    numbers_of,
    read_header,
)
from glmha_cli.io.cubes.georeference.envi import from_envi
from glmha_cli.io.cubes.model import CubeOptions, Factor, Stored
from glmha_cli.io.cubes.on_disk import RawArray, size_bytes
from glmha_cli.io.cubes.wavelengths import in_names, said_names, unit_of
from glmha_cli.io.guard import require_partner, require_plausible, require_readable

_AXES = {"bsq": "bhw", "bil": "hbw", "bip": "hwb"}
_BYTE_ORDERS = {"0": "<", "1": ">"}
_DATA_TYPES = {
    1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
"""ENVI's code -> NumPy's; the codes of complex numbers are left out."""
_TO_REFLECTANCE = ("data reflectance gain values", "data reflectance offset values")
_TO_UNITS, _SCALE_FACTOR = ("data gain values", "data offset values"), "reflectance scale factor"


def read(path: Path, options: CubeOptions) -> Stored:
    """Read by header or data file: any interleave, byte order and real data type, gains, offsets and scale."""
    stored = open_pair(path, options)
    require_plausible(data_of(path), stored.values.shape, stored.values.dtype.itemsize)
    return replace(stored, values=stored.values[:, :, :])


def open_pair(path: Path, options: CubeOptions) -> Stored:
    """The same with the values still in the file."""
    header = header_of(path)
    require_readable(header)
    require_partner(path, header)
    fields = read_header(header)
    axes = _AXES[choice_of(fields, "interleave", _AXES)]
    values = _values(require_partner(path, data_of(path)), fields, axes)
    gain, offset, notes = _scale(fields)
    names = items_of(fields.get("band names", ""))
    listed, unit = numbers_of(fields, "wavelength"), fields.get("wavelength units", "")
    named = [] if listed and unit_of(unit) else in_names(names)
    tags, band_tags = _tags(fields, values.shape[axes.index("b")])
    return Stored(
        values=values,
        axes=axes,
        wavelengths=named or listed,
        fwhm=numbers_of(fields, "fwhm"),
        unit="nm" if named else unit,
        scale=gain,
        offset=offset,
        band_names=said_names(names),
        good_bands=[number != 0 for number in numbers_of(fields, "bbl")],
        nodata=number_of(fields, "data ignore value"),
        georeference=from_envi(fields),
        tags=tags | _described(fields),
        band_tags=band_tags,
        notes=notes,
    )


def _tags(fields: Mapping[str, str], bands: int) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """(of the whole, of each band) all fields that a cube does not hold in its own way."""
    others = {name: text for name, text in fields.items() if name not in STRUCTURE}
    lists = {name: tuple(items_of(text)) for name, text in others.items() if text.startswith("{")}
    of_bands = {name: items for name, items in lists.items() if len(items) == bands > 1}
    return {name: text for name, text in others.items() if name not in of_bands}, of_bands


def _described(fields: Mapping[str, str]) -> dict[str, str]:
    """The description as a tag: the provenance where it is one of ours."""
    found: dict[str, str] = {}
    for name, text in (("description", fields.get("description", "")), ("provenance", fields.get("provenance", ""))):
        inside = text.strip().strip("{}").strip()
        try:
            json.loads(f"{{{inside}}}")
            found |= {"provenance": f"{{{inside}}}"} if inside else {}
        except ValueError:
            found |= {name: inside} if name == "description" else {}
    return found


def _scale(fields: Mapping[str, str]) -> tuple[Factor | None, Factor | None, tuple[str, ...]]:
    """(gain, offset, notes): those to reflectance if they change anything, else the others, divided by the reflectance
    scale factor. None where the header names none.
    """
    (gain, offset), to_units = (
        [np.array(numbers_of(fields, name)) for name in names] for names in (_TO_REFLECTANCE, _TO_UNITS)
    )
    if (gain != 1).any() or (offset != 0).any():
        unused = [name for name in (*_TO_UNITS, _SCALE_FACTOR) if name in fields]
        note = f"its {', '.join(unused)}: not applied, as its gains to reflectance are"
        return gain if gain.size else None, offset if offset.size else None, (note,) if unused else ()
    (gain, offset), factor = to_units, number_of(fields, _SCALE_FACTOR) or 1
    scale = gain / factor if gain.size else 1 / factor
    return scale if gain.size or factor != 1 else None, offset / factor if offset.size else None, ()


def _values(data: Path, fields: Mapping[str, str], axes: str) -> RawArray:
    """The numbers as stored; BadDataError unless the file has exactly the declared size, and nothing between them."""
    sizes = {axis: count_of(fields, name) for axis, name in (("h", "lines"), ("w", "samples"), ("b", "bands"))}
    first, second, third = (sizes[axis] for axis in axes)
    if any(numbers_of(fields, "major frame offsets") + numbers_of(fields, "minor frame offsets")):
        raise BadDataError("has bytes between its lines or bands (frame offsets)", "save it without them")
    if number_of(fields, "file compression"):
        raise BadDataError(
            "has compressed data, which are not read", "unpack them, and set 'file compression = 0' in the header"
        )
    offset = count_of(fields, "header offset", 0)
    array = RawArray(data, offset, (first, second, third), _dtype(fields))
    require_plausible(data, array.shape, array.dtype.itemsize, most_bytes=math.inf)
    declared, stored_bytes = offset + size_bytes(array), data.stat().st_size
    if min(array.shape) < 1 or declared != stored_bytes:
        raise BadDataError(f"truncated, or not the right header: {data.name} has {stored_bytes} of {declared} bytes")
    return array


def _dtype(fields: Mapping[str, str]) -> np.dtype:
    """Of the numbers, little-endian where nothing says otherwise; BadDataError for what are no real numbers."""
    order = _BYTE_ORDERS[choice_of({"byte order": "0", **fields}, "byte order", _BYTE_ORDERS)]
    data_type = count_of(fields, "data type")
    if data_type not in _DATA_TYPES:
        kind = "complex numbers" if data_type in (6, 9) else "an unknown kind of number"
        raise BadDataError(f"holds {kind} (data type {data_type})", "save real numbers: data type 4 (float32)")
    return np.dtype(f"{order}{_DATA_TYPES[data_type]}")


ENVI = CubeFormat(
    name="envi",
    title="an ENVI pair",
    read=read,
    open=open_pair,
    write=envi_write.write,
    write_rows=envi_write.write,
    reads=reads,
)
