"""TIFF files opened by tifffile, after a look at their structure that no damaged or hostile file outlasts.

tifffile 2026.3 goes round for ever in a list of pages that leads back into itself.
"""

import logging
import os
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from glmha_cli.errors import BadDataError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_ORDERS = {b"II": "<", b"MM": ">"}
_CLASSIC, _BIG = ("H", "HHI4x", "I"), ("Q", "HHQ8x", "Q")  # count of entries, entry, offset of the next directory
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # TIFF 6.0, section 2
TYPE_BYTES |= {16: 8, 17: 8, 18: 8}  # BigTIFF
_UNIT_BYTES = {5: 4, 10: 4}  # a fraction is two numbers
PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS, RPC = 33550, 33922, 34264, 34735, 50844
GEOTIFF_TAGS = (PIXEL_SCALE, TIE_POINTS, 33920, TRANSFORMATION, GEO_KEYS, 34736, 34737, RPC)  # OGC GeoTIFF 1.1; RPCs
GDAL_METADATA, GDAL_NODATA = 42112, 42113
CLASSIC_MAX_BYTES = 4_000_000_000
"""Of samples: offsets have 32 bits, and what is compressed can become a little larger. Above it, BigTIFF."""
_OWN_SERIES = ("shaped", "imagej", "uniform")
"""The kinds of series whose pages all lie in the file itself; metadata of the others may name any file."""
STREAMS = {1, 8, 32773, 32946, 34925, 50000}  # Compression: none, deflate, PackBits, deflate (old), LZMA, Zstandard
_SHARED = 4  # how often pages may share the values of their tags, on average


@contextmanager
def open_tiff(source: Path | BytesIO) -> Iterator["TiffFile"]:
    """The file, or its bytes, in tifffile: which reads no more than the tags of its first page by itself, and no other
    file.

    Raises:
        BadDataError: no TIFF header; directories that form a circle, overlap, or have no end; tags that declare
            more values than the file has bytes.
    """
    import tifffile

    with nullcontext(source) if isinstance(source, BytesIO) else source.open("rb") as file:
        _require_sane_directories(file)
        file.seek(0)
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # damage is told by our error alone
    kinds = (name.removeprefix("_series_") for name in dir(tifffile.TiffFile) if name.startswith("_series_"))
    off: dict[str, Any] = {
        f"is_{kind}": False for kind in kinds if kind not in _OWN_SERIES and kind in tifffile.TIFF.FILE_FLAGS
    }
    with tifffile.TiffFile(source, **off) as tif:
        yield tif


def _require_sane_directories(file: BinaryIO) -> None:
    """All entries together fit into the file, and so do all their values, but for a little sharing.

    So a circle of directories, directories laid over each other, and billions of strips cost no more time and
    memory than an honest file of this size.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    entry_bytes = value_bytes = 0
    for table, entry_format in _directories(file):
        entry_bytes += len(table)
        for _, kind, count in struct.iter_unpack(entry_format, table):
            value_bytes += count * TYPE_BYTES.get(kind, 0)
        if entry_bytes > size_bytes or value_bytes > _SHARED * size_bytes:
            raise BadDataError("damaged: its tags declare more than the file has room for")


def _directories(file: BinaryIO) -> Iterator[tuple[bytes, str]]:
    """(entries, their struct format) of each page's directory in turn; those below a page are not followed."""
    file.seek(0)
    header = file.read(16).ljust(16, b"\0")
    order = _ORDERS.get(header[:2])
    version = struct.unpack_from(f"{order}H", header, 2)[0] if order else 0
    if version not in (42, 43):
        raise BadDataError("has no TIFF header")
    count_format, entry_format, offset_format = (f"{order}{part}" for part in (_BIG if version == 43 else _CLASSIC))
    at = struct.unpack_from(offset_format, header, 8 if version == 43 else 4)[0]
    seen = set()
    while at:
        if at in seen:
            raise BadDataError("damaged: its list of pages is circular")
        seen.add(at)
        (count,) = _unpacked(file, at, count_format)
        table_at = at + struct.calcsize(count_format)
        end = table_at + count * struct.calcsize(entry_format)
        if end > file.seek(0, os.SEEK_END):
            raise BadDataError("truncated: its list of pages has no end")
        file.seek(table_at)
        yield file.read(end - table_at), entry_format
        (at,) = _unpacked(file, end, offset_format)


def _unpacked(file: BinaryIO, at: int, fields: str) -> tuple[int, ...]:
    size = struct.calcsize(fields)
    file.seek(min(at, 2**62))
    data = file.read(size)
    if len(data) < size:
        raise BadDataError("truncated: its list of pages has no end")
    return struct.unpack(fields, data)


def raw_tags(source: "TiffFile | bytes", codes: Collection[int]) -> tuple[tuple[int, int, int, bytes], ...]:
    """Of the first page (code, type, count, bytes in little-endian order) of these tags, as far as they are there."""
    import tifffile

    if isinstance(source, bytes):
        with tifffile.TiffFile(BytesIO(source)) as tif:
            return raw_tags(tif, codes)
    found = []
    for tag in source.pages.first.tags:
        if tag.code in codes and tag.dtype in TYPE_BYTES:
            source.filehandle.seek(tag.valueoffset)
            data = np.frombuffer(source.filehandle.read(tag.valuebytecount), np.uint8)
            if source.byteorder == ">":
                data = data.reshape(-1, _UNIT_BYTES.get(tag.dtype, TYPE_BYTES[tag.dtype]))[:, ::-1].reshape(-1)
            found.append((int(tag.code), int(tag.dtype), int(tag.count), data.tobytes()))
    return tuple(found)


def pages_of(tif: "TiffFile") -> list["TiffPage"]:
    """All pages, whole: tifffile knows others that keep only what differs from the first, which we never ask for."""
    from tifffile import TiffPage

    return [page for page in tif.pages if isinstance(page, TiffPage)]


def decoded_stream(page: "TiffPage") -> np.ndarray:
    """The values of a page compressed as a plain stream of bytes (`STREAMS`), by tifffile. Blocks that GDAL left out
    (SPARSE_OK: no place and no size) hold the page's number for no data, or zeros.

    BadDataError for any other compression: tifffile's decoder of LZW can crash on a damaged strip, and it believes a
    picture within a strip (JPEG, WebP, JPEG XL) whatever size that declares; libtiff does not know blocks left out.
    """
    from tifffile import COMPRESSION

    if page.compression not in STREAMS:
        raise BadDataError(
            f"is sparse and compressed by {COMPRESSION(page.compression).name}",
            "gdal_translate -co COMPRESS=DEFLATE in.tif out.tif",
        )
    return page.asarray()
