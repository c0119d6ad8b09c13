"""Multi-band TIFF the way GDAL names bands: tag 42112 (GDAL_METADATA) carries wavelengths and provenance.

Written: one page, one plane per band, float32, deflate with the floating-point predictor; BigTIFF when large.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from einops import rearrange
from jaxtyping import Bool, Num

from glmha_cli.errors import BadDataError, CannotCreateError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats.gdal_items import read_items, said_of_bands, write_items
from glmha_cli.io.cubes.georeference.geotiff import GEOTIFF_TAGS, from_geotiff, to_geotiff
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.guard import require_plausible
from glmha_cli.io.tiff_file import CLASSIC_MAX_BYTES, open_tiff, pages_of, raw_tags
from glmha_cli.shapes import size_text

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

GDAL_METADATA, GDAL_NODATA = 42112, 42113
_TEXTS = {270: "description", 271: "make", 272: "model", 306: "datetime", 315: "artist", 33432: "copyright"}
_STREAMS = {1, 8, 32773, 32946, 34925, 50000}  # Compression: none, deflate, PackBits, deflate (old), LZMA, Zstandard
_PREDICTOR_FLOAT = 3
_ASCII = 2


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write a cube. An .aux.xml left by GDAL beside `path` would override the new metadata: it is removed."""
    import tifffile

    sidecar = path.with_name(f"{path.name}.aux.xml")
    if sidecar.exists() and not overwrite:
        raise CannotCreateError(f"'{sidecar}' exists and would override '{path.name}'", "--overwrite")
    values, nodata = cube.stored()
    tags, notes = _tags(cube, nodata, provenance)
    with atomic_output(path, overwrite=overwrite) as temporary:
        tifffile.imwrite(
            temporary,
            rearrange(values, "h w bands -> bands h w"),
            photometric="minisblack",  # "rgb" would name the bands red, green and blue
            planarconfig="separate" if values.shape[2] > 1 else None,
            bigtiff=values.nbytes > CLASSIC_MAX_BYTES,  # tifffile does so by itself only without compression
            metadata=None,  # tifffile's own makes GDAL see subdatasets instead of bands
            software="glmha",
            compression="adobe_deflate",  # tag value 8; tifffile's "deflate" is the obsolete 32946
            predictor=_PREDICTOR_FLOAT,
            extratags=tags,
        )
    sidecar.unlink(missing_ok=True)
    return notes


def _tags(cube: Cube, nodata: float | None, provenance: str) -> tuple[list[tuple], tuple[str, ...]]:
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
    with open_tiff(path) as tif:
        pages, mask = _pages(tif)
        values, axes = _picture(path, tif, pages)
        page = pages[0]
        items, damage = read_items(page.tags[GDAL_METADATA].value) if GDAL_METADATA in page.tags else ({}, ())
        said = said_of_bands(items, values.shape[axes.index("b")])
        nodata, notes = _nodata(page)
        return Stored(
            values=values,
            axes=axes,
            states_axes=len(pages) == 1,
            nodata=nodata,
            mask=_mask(path, mask) if mask is not None else None,
            georeference=from_geotiff(raw_tags(tif, GEOTIFF_TAGS)),
            notes=(*notes, *damage),
            **said | {"tags": said["tags"] | _texts(page)},
        )


def load_gray(path: Path) -> Num[np.ndarray, "h w"]:
    """The numbers of one gray picture; BadDataError for one of several bands."""
    with open_tiff(path) as tif:
        values, axes = _picture(path, tif, _pages(tif)[0])
    values = rearrange(values, f"{' '.join(axes)} -> h w b")
    if values.shape[2] != 1:
        raise BadDataError(f"holds {size_text(values.shape)} values, not one gray picture")
    return values[..., 0]


def _pages(tif: "TiffFile") -> tuple[list["TiffPage"], "TiffPage | None"]:
    """(pages of the picture, its mask); smaller copies (overviews) are left aside."""
    whole = [page for page in pages_of(tif) if not page.is_reduced]
    masks, pages = [page for page in whole if page.is_mask], [page for page in whole if not page.is_mask]
    if not pages:
        raise BadDataError("holds no full-size picture")
    first, listed = pages[0], tif.series[0]
    if any((page.shape, page.dtype) != (first.shape, first.dtype) for page in pages):
        raise BadDataError(f"holds {len(pages)} pictures of several sizes or kinds, not one cube")
    if len(listed.shape) > 3 or listed.size > len(pages) * first.size:
        sizes = size_text(listed.shape)
        raise BadDataError(f"has axes {listed.axes} of {sizes}, not those of one cube listed page by page")
    return pages, masks[0] if masks else None


def _picture(path: Path, tif: "TiffFile", pages: list["TiffPage"]) -> tuple[Num[np.ndarray, "a b c"], str]:
    """(values as stored, their axes) of one page whose bands are interleaved or planes, or of pages, one a band."""
    first = pages[0]
    itemsize = np.dtype(first.dtype).itemsize
    require_plausible(path, (len(pages), *first.shape) if len(pages) > 1 else first.shape, itemsize)
    require_plausible(path, first.chunks, itemsize)  # a tile is decoded whole
    _require_whole(tif, pages)
    axes = {"YX": "bhw", "YXS": "hwb", "SYX": "bhw"}.get(first.axes)
    if axes is None or (len(pages) > 1 and first.axes != "YX"):
        raise BadDataError(f"has axes {first.axes} of {' x '.join(map(str, first.shape))}, not those of one cube")
    if first.axes != "YX":
        return _decoded(path, first), axes
    values = np.empty((len(pages), *first.shape), first.dtype)
    for plane, page in zip(values, pages, strict=True):
        plane[...] = _decoded(path, page)
    return values, axes


def _decoded(path: Path, page: "TiffPage") -> np.ndarray:
    """By tifffile, but what is no plain stream of bytes by libtiff.

    tifffile's decoder of LZW can crash on a damaged strip, and it believes a picture within a strip (JPEG, WebP, JPEG
    XL) whatever size that declares.
    """
    if page.compression in _STREAMS:
        return page.asarray()
    import imagecodecs
    from tifffile import COMPRESSION

    if not all(page.databytecounts):
        raise BadDataError(
            f"is sparse and compressed by {COMPRESSION(page.compression).name}",
            "gdal_translate -co COMPRESS=DEFLATE in.tif out.tif",
        )
    return imagecodecs.tiff_decode(path.read_bytes(), index=page.index).reshape(page.shape)


def _require_whole(tif: "TiffFile", pages: list["TiffPage"]) -> None:
    """BadDataError unless all pages and data are there: tifffile skips or zero-fills what is not.

    A block without offset and size is one that GDAL left out (SPARSE_OK): no data, or zeros.
    """
    tif.filehandle.seek(tif.pages.next_page_offset or 0)
    if tif.filehandle.read(tif.tiff.offsetsize) != bytes(tif.tiff.offsetsize):
        raise BadDataError("truncated: its list of pages has no end")
    for page in pages:
        blocks = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        outside = any((at and not size) or at + size > tif.filehandle.size for at, size in blocks)
        if outside or len(blocks) < math.prod(page.chunked) or not any(size for _, size in blocks):
            raise BadDataError("truncated: parts of its picture are missing")


def _mask(path: Path, page: "TiffPage") -> Bool[np.ndarray, "h w"]:
    """True where the picture holds data."""
    require_plausible(path, page.shape, 1)
    return np.squeeze(_decoded(path, page)).astype(bool)


def _nodata(page: "TiffPage") -> tuple[float | None, tuple[str, ...]]:
    """(GDAL_NODATA, what to say where it is no number)."""
    if GDAL_NODATA not in page.tags:
        return None, ()
    text = str(page.tags[GDAL_NODATA].value).strip("\0 ")
    try:
        return float(text), ()
    except ValueError:
        return None, (f"its number for no data, '{text}', is none: left out",)


def _texts(page: "TiffPage") -> dict[str, str]:
    """Tags of text, but for what describes the old file's own structure."""
    texts = {name: str(page.tags[code].value).strip() for code, name in _TEXTS.items() if code in page.tags}
    if page.is_shaped or page.is_imagej or page.is_ome:
        texts.pop("description", None)
    return {name: text for name, text in texts.items() if text}


TIFF = CubeFormat(name="tiff", title="a multi-band TIFF", read=read, write=write)
