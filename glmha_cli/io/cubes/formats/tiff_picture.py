"""The picture in a multi-band TIFF: which of its pages are bands, and their numbers."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from einops import rearrange
from jaxtyping import Bool, Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.on_disk import Read
from glmha_cli.io.guard import require_plausible
from glmha_cli.io.tiff_file import STREAMS, decoded_stream, open_tiff, pages_of
from glmha_cli.shapes import size_text

_LARGEST_BLOCK_BYTES = 16 << 20
"""Of a strip or tile, which is decoded anew for each window that touches it."""
_WHITE_IS_ZERO = 0  # of PhotometricInterpretation
_TEXT, _PAGE_NAME = 270, 285  # TIFF 6.0, sections 8 and 12
_AXES = {"YX": "bhw", "YXS": "hwb", "SYX": "bhw"}

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage


def load_gray(path: Path) -> Num[np.ndarray, "h w"]:
    """The numbers of one gray picture, the larger the brighter; BadDataError for one of several bands."""
    with open_tiff(path) as tif:
        pages = pages_and_mask(tif)[0]
        values, axes = picture(path, tif, pages)
        page = pages[0]
    if page.photometric == _WHITE_IS_ZERO and values.dtype.kind in "bu":  # as fax, ImageMagick and Photoshop have bits
        values = ~values if values.dtype.kind == "b" else (1 << page.bitspersample) - 1 - values
    values = rearrange(values, f"{' '.join(axes)} -> h w b")
    if values.shape[2] != 1:
        raise BadDataError(f"holds {size_text(values.shape)} values, not one gray picture")
    return values[..., 0]


def pages_and_mask(tif: "TiffFile") -> tuple[list["TiffPage"], "TiffPage | None"]:
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


def names_of_pages(tif: "TiffFile", pages: Sequence["TiffPage"]) -> list[str]:
    """What pages are called, each a band: ImageJ's labels of slices, PageName or ImageDescription, if no two are alike
    and each is one line, not what a microscope writes of its settings; else none.
    """
    found = [(tif.imagej_metadata or {}).get("Labels") or []]
    found += [[page.tags[code].value if code in page.tags else "" for page in pages] for code in (_PAGE_NAME, _TEXT)]
    listed = ([str(text).strip() for text in texts] for texts in found)
    named = (texts for texts in listed if all(len(text.splitlines()) == 1 for text in texts))
    return next((texts for texts in named if len(set(texts)) == len(pages) > 1), [])


def picture(path: Path, tif: "TiffFile", pages: list["TiffPage"]) -> tuple[Num[np.ndarray, "a b c"], str]:
    """(values as stored, their axes) of one page whose bands are interleaved or planes, or of pages, one a band."""
    first = pages[0]
    itemsize = np.dtype(first.dtype).itemsize
    require_plausible(path, (len(pages), *first.shape) if len(pages) > 1 else first.shape, itemsize)
    require_plausible(path, first.chunks, itemsize)  # a tile is decoded whole
    _require_whole(tif, pages)
    axes = _AXES.get(first.axes)
    if axes is None or (len(pages) > 1 and first.axes != "YX"):
        raise BadDataError(f"has axes {first.axes} of {' x '.join(map(str, first.shape))}, not those of one cube")
    if first.axes != "YX":
        return _decoded(path, first), axes
    values = np.empty((len(pages), *first.shape), first.dtype)
    for plane, page in zip(values, pages, strict=True):
        plane[...] = _decoded(path, page)
    return values, axes


def open_picture(path: Path, tif: "TiffFile", pages: list["TiffPage"]) -> tuple[Read, str] | None:
    """As `picture`, with the numbers still in the file; None where compression or strips
    are such that it is read as a whole."""
    first = pages[0]
    if any(page.compression not in STREAMS for page in pages) or first.axes not in _AXES:
        return None
    itemsize, axes = np.dtype(first.dtype).itemsize, _AXES[first.axes]
    if math.prod(first.chunks) * itemsize > _LARGEST_BLOCK_BYTES:
        return None
    shape = (len(pages), *first.shape) if first.axes == "YX" else first.shape
    require_plausible(path, shape, itemsize, most_bytes=math.inf)
    _require_whole(tif, pages)

    def read(window: Sequence[slice]) -> np.ndarray:
        with open_tiff(path) as again:
            found = pages_and_mask(again)[0]
            if first.axes == "YX":
                bands, rows, columns = window
                return np.stack([rows_of(again, page, rows)[0, ..., 0] for page in found[bands]])[..., columns]
            if first.axes == "SYX":
                bands, rows, columns = window
                return rows_of(again, found[0], rows, bands)[:, :, columns, 0]
            rows, columns, bands = window
            return rows_of(again, found[0], rows)[0, :, columns, bands]

    return Read(shape, np.dtype(first.dtype), read), axes


def rows_of(
    tif: "TiffFile", page: "TiffPage", rows: slice, planes: slice = slice(0, 1)
) -> Num[np.ndarray, "planes rows w samples"]:
    """Some rows of a page, of the strips or tiles that hold them; what a sparse file leaves out is its no data."""
    skip = page.axes == "SYX"
    (down, across), height = page.chunked[skip : skip + 2], page.chunks[0]
    samples = 1 if skip else page.samplesperpixel
    counts = planes.stop - planes.start, rows.stop - rows.start
    values = np.full((*counts, page.imagewidth, samples), page.nodata, page.dtype)
    for plane in range(planes.start, planes.stop):
        for row in range(rows.start // height, -(-rows.stop // height)):
            for column in range(across):
                index = (plane * down + row) * across + column
                tif.filehandle.seek(page.dataoffsets[index])
                data = tif.filehandle.read(page.databytecounts[index])
                block, place, shape = page.decode(data, index) if data else (None, None, None)
                if block is None or place is None or shape is None:
                    continue
                top, left = place[2], place[3]
                start, stop = max(top, rows.start), min(top + shape[1], rows.stop)
                right = min(left + shape[2], page.imagewidth)
                part = block[0, start - top : stop - top, : right - left]
                values[plane - planes.start, start - rows.start : stop - rows.start, left:right] = part
    return values


def _decoded(path: Path, page: "TiffPage") -> np.ndarray:
    """By tifffile, but what is no plain stream of bytes by libtiff."""
    if page.compression in STREAMS or not all(page.databytecounts):
        return decoded_stream(page)
    import imagecodecs

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


def mask_of(path: Path, page: "TiffPage") -> Bool[np.ndarray, "h w"]:
    """True where the picture holds data."""
    require_plausible(path, page.shape, 1)
    return np.squeeze(_decoded(path, page)).astype(bool)
