"""ENVI pair: `x.img`, the bare numbers (BSQ, float32, little-endian), and `x.hdr`, which explains them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat, files_of
from glmha_cli.io.cubes.formats.envi_files import data_of, header_of, reads
from glmha_cli.io.cubes.formats.envi_header import (
    as_item,
    as_name,
    as_value,
    header_text,
    items_of,
    listed,
    numbers_of,
    read_header,
)
from glmha_cli.io.cubes.georeference.envi import ENVI_FIELDS, from_envi, to_envi
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored, said_names
from glmha_cli.io.guard import read_into, require_partner, require_plausible, require_readable

_SHOWN_AS_RGB_NM = (640, 550, 460)
_AXES = {"bsq": "bhw", "bil": "hbw", "bip": "hwb"}
_BYTE_ORDERS = {"0": "<", "1": ">"}
_DATA_TYPES = {
    "1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8",
}  # fmt: skip
"""ENVI's code -> NumPy's; the codes of complex numbers are left out."""
_STRUCTURE = (
    "samples", "lines", "bands", "header offset", "file type", "data type", "interleave", "byte order", "description",
    "wavelength", "wavelength units", "fwhm", "band names", "bbl", "data ignore value", "data gain values",
    "data offset values", "reflectance scale factor", *ENVI_FIELDS,
)  # fmt: skip
"""Fields that a cube holds in its own way; all others are tags."""


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write both files, the header last. Each is whole or absent.

    Killed between the two moves of an overwrite, the old header stands beside the new data: it describes them
    (same size) or is refused when read (another size).
    """
    header, data = files_of(path)
    values, nodata = cube.stored()
    fields, notes = _header(cube, nodata, provenance)
    with (
        atomic_output(header, overwrite=overwrite) as temporary_header,
        atomic_output(data, overwrite=overwrite) as temporary_data,
    ):
        rearrange(values, "h w bands -> bands h w").astype("<f4").tofile(temporary_data)
        temporary_header.write_text(header_text(fields), encoding="utf-8", newline="\n")
    return notes


def _header(cube: Cube, nodata: float | None, provenance: str) -> tuple[dict[str, object], tuple[str, ...]]:
    h, w, bands = cube.values.shape
    tags, description = dict(cube.facts.tags), cube.facts.tags.get("description", "")
    for name in ("provenance", "description"):
        tags.pop(name, None)
    if provenance and not description:
        description = f"{{{_without_braces(provenance)}}}"
    elif provenance:
        tags["provenance"] = f"{{{_without_braces(provenance)}}}"
    fields: dict[str, object] = {"description": f"{{{as_value(description).strip('{}')}}}"} if description else {}
    fields |= {
        "samples": w,
        "lines": h,
        "bands": bands,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 4,
        "interleave": "bsq",
        "byte order": 0,
    }
    if nodata is not None:
        fields["data ignore value"] = f"{nodata:.17g}"
    fields |= _spectral_fields(cube)
    place, note = to_envi(cube.facts.georeference) if cube.facts.georeference else ({}, "")
    fields |= place | {as_name(name): as_value(text) for name, text in tags.items() if as_name(name) not in _STRUCTURE}
    fields |= {as_name(name): listed(map(as_item, items)) for name, items in cube.facts.band_tags.items()}
    return fields, (note,) if note else ()


def _spectral_fields(cube: Cube) -> dict[str, str]:
    names = cube.facts.band_names or tuple(f"{nm:.10g} nm" for nm in cube.wavelength_nm)
    fields = {"band names": listed(map(as_item, names))} if names else {}
    if cube.facts.good_bands:
        fields["bbl"] = listed(map(int, cube.facts.good_bands))
    if cube.wavelength_nm:
        distance = np.abs(np.subtract.outer(_SHOWN_AS_RGB_NM, cube.wavelength_nm))
        fields |= {
            "wavelength units": "Nanometers",
            "wavelength": listed(f"{nm:.10g}" for nm in cube.wavelength_nm),
            "default bands": listed(1 + distance.argmin(axis=1)),
        }
    if cube.facts.fwhm_nm:
        fields["fwhm"] = listed(f"{nm:.10g}" for nm in cube.facts.fwhm_nm)
    return fields


def _without_braces(json_text: str) -> str:
    """The inside of a JSON object: the field's own braces make it whole, others would end the field."""
    return json_text[1:-1].translate({ord(brace): f"\\u{ord(brace):04x}" for brace in "{}"})


def read(path: Path, options: CubeOptions) -> Stored:
    """Read by header or data file: any interleave, byte order and real data type, gains, offsets and scale."""
    header = header_of(path)
    require_readable(header)
    require_partner(path, header)
    fields = read_header(header)
    values = _values(require_partner(path, data_of(path)), fields)
    bands = int(fields["bands"])
    others = {name: text for name, text in fields.items() if name not in _STRUCTURE}
    listed_tags = {name: tuple(items_of(text)) for name, text in others.items() if text.startswith("{")}
    band_tags = {name: items for name, items in listed_tags.items() if len(items) == bands > 1}
    gain, offset = _scale(fields, bands)
    return Stored(
        values=values,
        axes=_AXES[fields["interleave"].lower()],
        wavelengths=numbers_of(fields, "wavelength"),
        fwhm=numbers_of(fields, "fwhm"),
        unit=fields.get("wavelength units", ""),
        scale=gain,
        offset=offset,
        band_names=said_names(items_of(fields.get("band names", ""))),
        good_bands=[number != 0 for number in numbers_of(fields, "bbl")],
        nodata=float(fields["data ignore value"]) if "data ignore value" in fields else None,
        georeference=from_envi(fields),
        tags={name: text for name, text in others.items() if name not in band_tags} | _described(fields),
        band_tags=band_tags,
    )


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


def _scale(fields: Mapping[str, str], bands: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(gain, offset) of each band, divided by the reflectance scale factor; None where the header names none."""
    gain, offset = (np.array(numbers_of(fields, f"data {name} values")) for name in ("gain", "offset"))
    for name, numbers in (("gain", gain), ("offset", offset)):
        if numbers.size not in (0, bands):
            raise BadDataError(f"names {numbers.size} values of {name} for {bands} bands")
    factor = float(fields.get("reflectance scale factor", 1))
    if not gain.size and factor == 1:
        return None, offset if offset.size else None
    return (gain if gain.size else np.ones(bands)) / factor, offset / factor if offset.size else None


def _values(data: Path, fields: Mapping[str, str]) -> Num[np.ndarray, "a b c"]:
    """The numbers as stored; BadDataError unless the file has exactly the declared size."""
    sizes = {"h": int(fields["lines"]), "w": int(fields["samples"]), "b": int(fields["bands"])}
    order = _BYTE_ORDERS[fields.get("byte order", "0")]
    dtype = np.dtype(f"{order}{_DATA_TYPES[fields['data type']]}")
    shape = tuple(sizes[axis] for axis in _AXES[fields["interleave"].lower()])
    offset = int(fields.get("header offset", "0"))
    require_plausible(data, shape, dtype.itemsize)
    declared, size_bytes = offset + math.prod(shape) * dtype.itemsize, data.stat().st_size
    if declared != size_bytes:
        raise BadDataError(f"truncated, or not the right header: {data.name} has {size_bytes} of {declared} bytes")
    stored = np.empty(shape, dtype)
    with data.open("rb") as file:
        file.seek(offset)
        read_into(file, stored)
    return stored


ENVI = CubeFormat(name="envi", title="an ENVI pair", read=read, write=write, reads=reads)
