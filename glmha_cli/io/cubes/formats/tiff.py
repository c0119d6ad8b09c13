"""Multi-band TIFF the way GDAL names bands: tag 42112 (GDAL_METADATA) carries wavelengths and provenance.

Written: one page, one plane per band, float32, deflate with the floating-point predictor; BigTIFF when large.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from einops import rearrange
from jaxtyping import Num

from glmha_cli.errors import BadDataError, CannotCreateError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import Cube, CubeFormat, band_widths_nm, checked_cube, to_nanometres
from glmha_cli.io.guard import require_plausible
from glmha_cli.io.tiff_file import CLASSIC_MAX_BYTES, open_tiff

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

GDAL_METADATA = 42112
_STREAMS = {1, 8, 32773, 32946, 34925, 50000}  # Compression: none, deflate, PackBits, deflate (old), LZMA, Zstandard
_PREDICTOR_FLOAT = 3
Items = dict[tuple[str, int], str]
"""(name of the item, 0-based band) -> text."""


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> None:
    """Write a cube. An .aux.xml left by GDAL beside `path` would override the new metadata: it is removed."""
    import tifffile

    sidecar = path.with_name(f"{path.name}.aux.xml")
    if sidecar.exists() and not overwrite:
        raise CannotCreateError(f"'{sidecar}' exists and would override '{path.name}'", "--overwrite")
    with atomic_output(path, overwrite=overwrite) as temporary:
        tifffile.imwrite(
            temporary,
            rearrange(cube.values, "h w bands -> bands h w"),
            photometric="minisblack",  # "rgb" would name the bands red, green and blue
            planarconfig="separate" if cube.values.shape[2] > 1 else None,
            bigtiff=cube.values.nbytes > CLASSIC_MAX_BYTES,  # tifffile does so by itself only without compression
            metadata=None,  # tifffile's own makes GDAL see subdatasets instead of bands
            software="glmha",
            compression="adobe_deflate",  # tag value 8; tifffile's "deflate" is the obsolete 32946
            predictor=_PREDICTOR_FLOAT,
            extratags=[(GDAL_METADATA, "s", 0, _gdal_metadata(cube, provenance), True)],
        )
    sidecar.unlink(missing_ok=True)


def _gdal_metadata(cube: Cube, provenance: str) -> str:
    root = ElementTree.Element("GDALMetadata")

    def add(text: str, **attributes: str) -> None:
        ElementTree.SubElement(root, "Item", attributes).text = text

    if provenance:
        add(_without_markup(provenance), name="GLMHA_PROVENANCE")
    for i, nm in enumerate(cube.wavelength_nm):
        add(f"{nm:.10g} nm", name="DESCRIPTION", sample=str(i), role="description")
        add(f"{nm / 1000:.4f}", name="CENTRAL_WAVELENGTH_UM", sample=str(i), domain="IMAGERY")
        add(f"{nm:.10g}", name="wavelength", sample=str(i))
        add("Nanometers", name="wavelength_units", sample=str(i))
    for i, nm in enumerate(band_widths_nm(cube.wavelength_nm)):
        add(f"{nm / 1000:.4f}", name="FWHM_UM", sample=str(i), domain="IMAGERY")
    return ElementTree.tostring(root, encoding="unicode")


def _without_markup(json_text: str) -> str:
    """JSON without & < >: GDAL resolves XML entities twice and cuts the text at a lone &."""
    return json_text.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "&<>"})


def read(path: Path) -> Cube:
    """Read a cube with the wavelengths, scale and offset that its GDAL_METADATA names."""
    values, items = load_tiff(path)
    scale, offset = (_per_band(items, name, values.shape[2]) for name in ("SCALE", "OFFSET"))
    return checked_cube(
        values,
        _wavelength_nm(items, values.shape[2]),
        scale=np.array(scale) if scale else None,
        offset=np.array(offset) if offset else 0.0,
    )


def load_tiff(path: Path) -> tuple[Num[np.ndarray, "h w bands"], Items]:
    """Values as stored, and GDAL's items, of one picture whose bands are interleaved, planes or pages."""
    with open_tiff(path) as tif:
        if len(tif.series) != 1:
            raise BadDataError(f"holds {len(tif.series)} pictures, not one")
        series = tif.series[0]
        require_plausible(path, series.shape, series.dtype.itemsize)
        require_plausible(path, series.keyframe.chunks, series.dtype.itemsize)  # a tile is decoded whole
        _require_whole(tif, series)
        tag = series.keyframe.tags.get(GDAL_METADATA)
        return _bands_last(_decoded(path, series), series.axes), _items(tag.value) if tag else {}


def _decoded(path: Path, series: "TiffPageSeries") -> np.ndarray:
    """By tifffile, but what is no plain stream of bytes by libtiff.

    tifffile's decoder of LZW can crash on a damaged strip, and it believes a picture within a strip (JPEG, WebP, JPEG
    XL) whatever size that declares.
    """
    if series.keyframe.compression in _STREAMS:
        return series.asarray()
    import imagecodecs

    return imagecodecs.tiff_decode(path.read_bytes(), index=None).reshape(series.shape)


def _require_whole(tif: "TiffFile", series: "TiffPageSeries") -> None:
    """BadDataError unless all pages and data are there: tifffile skips or zero-fills what is not."""
    tif.filehandle.seek(tif.pages.next_page_offset)
    if tif.filehandle.read(tif.tiff.offsetsize) != bytes(tif.tiff.offsetsize):
        raise BadDataError("truncated: its list of pages has no end")
    if series.dataoffset is not None:
        ends = [series.dataoffset + series.nbytes]
    else:
        pages = [(page.dataoffsets, page.databytecounts) for page in series.pages]
        ends = [at + size if size else np.inf for page in pages for at, size in zip(*page, strict=True)]
    if max(ends, default=np.inf) > tif.filehandle.size:
        raise BadDataError("truncated: parts of its picture are missing")


def _bands_last(values: np.ndarray, axes: str) -> np.ndarray:
    if axes == "YX":
        return rearrange(values, "h w -> h w 1")
    if axes == "YXS":
        return values
    if len(axes) == 3 and axes.endswith("YX"):
        return rearrange(values, "bands h w -> h w bands")
    raise BadDataError(f"has axes {axes} of {' x '.join(map(str, values.shape))}, not those of one cube")


def _items(xml: str) -> Items:
    elements = ElementTree.fromstring(xml).iter("Item")
    return {(e.get("name", ""), int(e.get("sample", -1))): (e.text or "").strip() for e in elements}


def _per_band(items: Items, name: str, bands: int) -> list[float]:
    """The item's number for each band; empty unless all bands have it."""
    texts = [items.get((name, i)) for i in range(bands)]
    return [float(text) for text in texts] if None not in texts else []


def _wavelength_nm(items: Items, bands: int) -> list[float]:
    """`wavelength` first: it has all digits, CENTRAL_WAVELENGTH_UM (GDAL's own) has four."""
    values = to_nanometres(_per_band(items, "wavelength", bands), items.get(("wavelength_units", 0), ""))
    return values or to_nanometres(_per_band(items, "CENTRAL_WAVELENGTH_UM", bands), "um")


TIFF = CubeFormat(title="a multi-band TIFF", read=read, write=write)
