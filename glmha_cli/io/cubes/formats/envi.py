"""ENVI pair: `x.img`, the bare numbers (BSQ, float32, little-endian), and `x.hdr`, which explains them."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Num

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import Cube, CubeFormat, band_widths_nm, checked_cube, files_of, to_nanometres
from glmha_cli.io.guard import read_into, require_partner, require_plausible, require_readable

_HEADER_MAX_BYTES = 16 << 20
_SHOWN_AS_RGB_NM = (640, 550, 460)
_DATA_SUFFIXES = (".img", "", ".dat", ".raw", ".bsq", ".bil", ".bip")
_INTERLEAVES = {"bsq": "bands h w", "bil": "h bands w", "bip": "h w bands"}
_BYTE_ORDERS = {"0": "<", "1": ">"}
_DATA_TYPES = {
    "1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8",
}  # fmt: skip
"""ENVI's code -> NumPy's; the codes of complex numbers are left out."""


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> None:
    """Write both files, the header last. Each is whole or absent.

    Killed between the two moves of an overwrite, the old header stands beside the new data: it describes them
    (same size) or is refused when read (another size).
    """
    header, data = files_of(path)
    with (
        atomic_output(header, overwrite=overwrite) as temporary_header,
        atomic_output(data, overwrite=overwrite) as temporary_data,
    ):
        rearrange(cube.values, "h w bands -> bands h w").astype("<f4").tofile(temporary_data)
        temporary_header.write_text(_header(cube, provenance), encoding="ascii", newline="\n")


def _header(cube: Cube, provenance: str) -> str:
    h, w, bands = cube.values.shape
    fields: dict[str, object] = {"description": f"{{{_without_braces(provenance)}}}"} if provenance else {}
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
    if cube.wavelength_nm:
        fields |= _spectral_fields(cube.wavelength_nm)
    return "ENVI\n" + "".join(f"{name} = {value}\n" for name, value in fields.items())


def _spectral_fields(wavelength_nm: Sequence[float]) -> dict[str, str]:
    distance = np.abs(np.subtract.outer(_SHOWN_AS_RGB_NM, wavelength_nm))
    return {
        "wavelength units": "Nanometers",
        "wavelength": _list(f"{nm:.10g}" for nm in wavelength_nm),
        "fwhm": _list(f"{nm:.10g}" for nm in band_widths_nm(wavelength_nm)),
        "band names": _list(f"{nm:.10g} nm" for nm in wavelength_nm),
        "default bands": _list(1 + distance.argmin(axis=1)),
    }


def _list(items: Iterable[object]) -> str:
    return f"{{{', '.join(map(str, items))}}}"


def _without_braces(json_text: str) -> str:
    """The inside of a JSON object: the field's own braces make it whole, others would end the field."""
    return json_text[1:-1].translate({ord(brace): f"\\u{ord(brace):04x}" for brace in "{}"})


def read(path: Path) -> Cube:
    """Read by header or data file: any interleave, byte order and real data type, the header's scale."""
    header = _header_of(path)
    require_readable(header)
    require_partner(path, header)
    fields = _fields(_header_text(header))
    data = require_partner(path, _data_of(path))
    scale = fields.get("reflectance scale factor")
    wavelengths = [float(text) for text in _listed(fields.get("wavelength", ""))]
    return checked_cube(
        _values(data, fields),
        to_nanometres(wavelengths, fields.get("wavelength units", "")),
        scale=None if scale is None else 1 / float(scale),
    )


def _header_text(header: Path) -> str:
    if header.stat().st_size > _HEADER_MAX_BYTES:
        raise BadDataError("is too large for an ENVI header")
    return header.read_text(encoding="utf-8", errors="replace")


def _fields(text: str) -> dict[str, str]:
    """Lower-case name -> text of `name = value` or `name = {value, which may go on over lines}`."""
    if not text.startswith("ENVI"):
        raise BadDataError("has no ENVI header")
    fields, lines = {}, iter(text.splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or name.lstrip().startswith(";"):
            continue
        if value.lstrip().startswith("{"):
            value = "\n".join(_braced(value, lines))
        fields[name.strip().lower()] = value.strip()
    return fields


def _braced(first: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a value up to the one with its closing brace."""
    line: str | None = first
    while line is not None:
        yield line.partition("}")[0] + ("}" if "}" in line else "")
        if "}" in line:
            return
        line = next(lines, None)
    raise BadDataError("its header is cut off")


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.strip("{}").split(",") if item.strip()]


def reads(path: Path) -> tuple[Path, ...]:
    """Header and data, as far as they are there."""
    header = _header_of(path)
    try:
        return header, _data_of(path)
    except NoInputError:
        return (header,)


def _header_of(data: Path) -> Path:
    """Itself, or of `x.img` `x.hdr`, or where there is none `x.img.hdr` (GDAL reads both), in capitals or not."""
    if data.suffix.lower() == ".hdr":
        return data
    names = [data.with_suffix(".hdr"), data.with_suffix(".HDR"), data.with_name(data.name + ".hdr")]
    return next((name for name in names if os.path.isfile(name)), names[0])


def _data_of(header: Path) -> Path:
    """Itself, or the file beside a header that has its name and a suffix of data."""
    if header.suffix.lower() != ".hdr":
        return header
    for suffix in chain(*((each, each.upper()) for each in _DATA_SUFFIXES)):
        if os.path.isfile(data := header.with_suffix(suffix)):
            return data
    raise NoInputError(f"'{header}' has no data file beside it", f"'{header.with_suffix('.img').name}' is missing")


def _values(data: Path, fields: Mapping[str, str]) -> Num[np.ndarray, "h w bands"]:
    """The numbers as stored; BadDataError unless the file has exactly the declared size."""
    axes = _INTERLEAVES[fields["interleave"].lower()]
    sizes = {"h": int(fields["lines"]), "w": int(fields["samples"]), "bands": int(fields["bands"])}
    order = _BYTE_ORDERS[fields.get("byte order", "0")]
    dtype = np.dtype(f"{order}{_DATA_TYPES[fields['data type']]}")
    shape, offset = tuple(sizes[axis] for axis in axes.split()), int(fields.get("header offset", "0"))
    require_plausible(data, shape, dtype.itemsize)
    declared, size_bytes = offset + math.prod(shape) * dtype.itemsize, data.stat().st_size
    if declared != size_bytes:
        raise BadDataError(f"truncated or not of one pair: {data.name} has {size_bytes} bytes of {declared}")
    stored = np.empty(shape, dtype)
    with data.open("rb") as file:
        file.seek(offset)
        read_into(file, stored)
    return rearrange(stored, f"{axes} -> h w bands")


ENVI = CubeFormat(title="an ENVI pair", read=read, write=write, reads=reads)
