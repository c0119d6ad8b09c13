"""Multi-band TIFF the way GDAL names bands: tag 42112 (GDAL_METADATA) carries wavelengths and provenance.

Written: one page, one plane per band, float32, deflate with the floating-point predictor; BigTIFF when large.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats import enmap
from glmha_cli.io.cubes.formats.gdal_items import read_items, said_of_bands, write_items
from glmha_cli.io.cubes.formats.tiff_alpha import without_alpha
from glmha_cli.io.cubes.formats.tiff_picture import mask_of, names_of_pages, open_picture, pages_and_mask, picture
from glmha_cli.io.cubes.formats.tiff_shaped import axes_said, facts_said, is_of_tifffile, said_by_tifffile
from glmha_cli.io.cubes.georeference.geotiff import from_geotiff, to_geotiff
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.cubes.stream import CubeStream
from glmha_cli.io.tiff_file import CLASSIC_MAX_BYTES, GDAL_METADATA, GDAL_NODATA, GEOTIFF_TAGS, open_tiff, raw_tags

if TYPE_CHECKING:
    from tifffile import TiffPage

_TEXTS = {270: "description", 271: "make", 272: "model", 306: "datetime", 315: "artist", 33432: "copyright"}
_PREDICTOR_FLOAT = 3
_STRIP_BYTES = 1 << 20
"""So that some rows can be read without all of a band."""
_ASCII = 2


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write a cube."""
    import tifffile

    values, nodata = cube.stored()
    tags, notes = tags_of(cube, nodata, provenance)
    with atomic_output(path, overwrite=overwrite) as temporary:
        tifffile.imwrite(
            temporary,
            rearrange(values, "h w bands -> bands h w"),
            compression="adobe_deflate",  # tag value 8; tifffile's "deflate" is the obsolete 32946
            predictor=_PREDICTOR_FLOAT,
            rowsperstrip=max(1, _STRIP_BYTES // (4 * cube.shape[1])),
            extratags=tags,
            **layout_of(cube),
        )
    return notes


def write_rows(path: Path, cube: CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """The same block by block, and so without compression: of a plane all rows come one after the other."""
    import tifffile

    height, width, bands = cube.shape
    tags, notes = tags_of(cube, cube.nodata, provenance)
    with atomic_output(path, overwrite=overwrite) as temporary:
        place = tifffile.imwrite(
            temporary,
            shape=(bands, height, width),
            dtype=np.float32,
            extratags=tags,
            returnoffset=True,
            **layout_of(cube),
        )
        assert place is not None, "planes that are not compressed lie one behind the other"
        with temporary.open("r+b") as file:
            for start, values in cube.blocks():
                for band in range(bands):
                    file.seek(place[0] + 4 * width * (band * height + start))
                    file.write(np.ascontiguousarray(values[..., band], "<f4").data)
    return notes


def layout_of(cube: Cube | CubeStream) -> dict[str, Any]:
    size_bytes = 4 * math.prod(cube.shape)
    return {
        "photometric": "minisblack",  # "rgb" would name the bands red, green and blue
        "planarconfig": "separate" if cube.shape[2] > 1 else None,
        "bigtiff": size_bytes > CLASSIC_MAX_BYTES,  # tifffile does so by itself only without compression
        "metadata": None,  # tifffile's own makes GDAL see subdatasets instead of bands
        "software": "glmha",
        "byteorder": "<",
    }


def tags_of(cube: Cube | CubeStream, nodata: float | None, provenance: str) -> tuple[list[tuple], tuple[str, ...]]:
    """(tags as tifffile takes them, notes on what is left out)."""
    place, note = to_geotiff(cube.facts.georeference) if cube.facts.georeference else ((), "")
    tags = [(code, kind, count, data, True) for code, kind, count, data in place]
    texts = {code: cube.facts.tags[name] for code, name in _TEXTS.items() if name in cube.facts.tags}
    items = {name: text for name, text in cube.facts.tags.items() if name not in (*_TEXTS.values(), "provenance")}
    texts[GDAL_METADATA] = write_items(cube, items, provenance)
    if nodata is not None:
        texts[GDAL_NODATA] = f"{nodata:.17g}"
    for code, text in texts.items():
        data = text.encode() + b"\0"
        tags.append((code, _ASCII, len(data), data, True))
    return tags, (note,) if note else ()


def read(path: Path, options: CubeOptions) -> Stored:
    """Read a cube with all that its tags and its GDAL_METADATA say of it."""
    return _read(path, picture)


def open_tiff_cube(path: Path, options: CubeOptions) -> Stored:
    """The same with the values still in the file, where its compression allows that."""
    return _read(path, lambda *of_file: open_picture(*of_file) or picture(*of_file))


def _read(path: Path, values_of: Callable[..., tuple[Any, str]]) -> Stored:
    with open_tiff(path) as tif:
        pages, mask = pages_and_mask(tif)
        values, axes = values_of(path, tif, pages)
        page = pages[0]
        by_tifffile = said_by_tifffile(page)
        order = axes_said(by_tifffile, values.shape)
        axes = order or axes
        items, damage = read_items(page.tags[GDAL_METADATA].value) if GDAL_METADATA in page.tags else ({}, ())
        values, is_data, alpha_notes = without_alpha(values, axes, page, items)
        bands = values.shape[axes.index("b")]
        names = names_of_pages(tif, pages)
        said = _filled(said_of_bands(items, bands, names), facts_said(by_tifffile, values.shape))
        nodata, notes = _nodata(page)
        return Stored(
            values=values,
            axes=axes,
            states_axes=len(pages) == 1 or order is not None,
            nodata=nodata,
            mask=mask_of(path, mask) if mask is not None else is_data,
            georeference=from_geotiff(raw_tags(tif, GEOTIFF_TAGS)),
            **_filled(said, enmap.said_of_bands(path, bands))
            | {"tags": said["tags"] | _texts(page, names), "notes": (*notes, *alpha_notes, *damage, *said["notes"])},
        )


def _filled(said: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """What is said, and what others say where it says nothing; a unit is that of wavelengths."""
    found = {name: each for name, each in others.items() if said.get(name) is None or not len(said[name])}
    unit = {"unit": others["unit"]} if "unit" in others and len(found.get("wavelengths", ())) else {}
    return {**said, **found, **unit}


def _nodata(page: "TiffPage") -> tuple[float | None, tuple[str, ...]]:
    """(GDAL_NODATA, what to say where it is no number)."""
    if GDAL_NODATA not in page.tags:
        return None, ()
    text = str(page.tags[GDAL_NODATA].value).strip("\0 ")
    try:
        return float(text), ()
    except ValueError:
        return None, (f"its number for no data, '{text}', is none: left out",)


def _texts(page: "TiffPage", names: Sequence[str]) -> dict[str, str]:
    """Tags of text, but for what describes the old file's own structure, or is the name of a page."""
    texts = {name: _text(page.tags[code].value) for code, name in _TEXTS.items() if code in page.tags}
    said = texts.get("description", "")
    if is_of_tifffile(said) or page.is_imagej or page.is_ome or said in names:
        texts.pop("description", None)
    return {name: text for name, text in texts.items() if text}


def _text(value: object) -> str:
    """One line for each text of a tag: NUL ends one, and two of them are the owners of a photo and of its edition."""
    return "\n".join(text for part in str(value).split("\0") if (text := part.strip()))


def _reads(path: Path) -> tuple[Path, ...]:
    beside = enmap.metadata_of(path)
    return (path,) if beside is None else (path, beside)


TIFF = CubeFormat(
    name="tiff",
    title="a multi-band TIFF",
    read=read,
    open=open_tiff_cube,
    write=write,
    write_rows=write_rows,
    reads=_reads,
)
