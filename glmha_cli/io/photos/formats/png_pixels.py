"""The pixels of a PNG, by imagecodecs, which keeps 16 bit; Pillow reads 16-bit RGB as 8 bit without a word.

libpng writes its warnings to stderr, of interlaced pictures too. So it is given only what it reads without one.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.metadata import Findings

Chunks = list[tuple[bytes, bytes]]  # (type, body)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples of a pixel
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PALETTE = 3
_CLEAR_BYTES = {0: 2, 2: 6}  # of tRNS, by colour type
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_WHOLE = ((0, 0, 1, 1),)
_PIECE_BYTES = 1 << 16
_ZLIB_HEAD_BYTES = 2


@dataclass(frozen=True)
class Header:
    """IHDR (PNG third edition, section 11.2.1)."""

    width: int
    height: int
    bit_depth: int
    colour_type: int
    compression: int
    filtering: int
    interlacing: int

    @classmethod
    def read(cls, body: bytes) -> "Header":
        header = cls(*struct.unpack(">IIBBBBB", body))
        if header.bit_depth not in _DEPTHS.get(header.colour_type, ()) or header.compression or header.filtering:
            raise BadDataError("damaged: its header declares a colour type or bit depth that PNG does not have")
        if header.interlacing > 1:
            raise BadDataError("damaged: its header declares an unknown interlacing")
        return header

    def passes(self) -> Iterator[tuple[tuple[slice, slice], int, int, int]]:
        """(rows and columns of the picture, height, width, bytes) of each part that the data holds in turn."""
        for row, column, row_step, column_step in _ADAM7 if self.interlacing else _WHOLE:
            height, width = -((row - self.height) // row_step), -((column - self.width) // column_step)
            if height > 0 and width > 0:
                bits = width * self.bit_depth * _CHANNELS[self.colour_type]
                place = slice(row, None, row_step), slice(column, None, column_step)
                yield place, height, width, height * (1 + (bits + 7) // 8)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Length, type, body, CRC-32 of type and body (section 5.3)."""
    return struct.pack(">I", len(body)) + kind + body + checksum(kind, body)


def checksum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def decoded(header: Header, chunks: Chunks, findings: Findings) -> Num[np.ndarray, "h w c"]:
    """uint8 or uint16; palettes and samples of fewer bits expanded to 8, tRNS to alpha."""
    import imagecodecs

    data = b"".join(body for kind, body in chunks if kind == b"IDAT")
    expected = sum(size for *_, size in header.passes())
    colours = _colours(header, dict(chunks), findings)
    if not header.interlacing and _is_sound(data, expected):
        return np.atleast_3d(imagecodecs.png_decode(_png(header, header.width, header.height, colours, data)))
    raw, at, picture = _inflated(data, expected), 0, None
    for place, height, width, size in header.passes():
        stream = zlib.compress(raw[at : at + size], 1)
        part = np.atleast_3d(imagecodecs.png_decode(_png(header, width, height, colours, stream)))
        if picture is None:
            picture = np.empty((header.height, header.width, part.shape[2]), part.dtype)
        picture[place] = part
        at += size
    assert picture is not None  # there is a first pixel, and the first pass has it
    return picture


def _png(header: Header, width: int, height: int, colours: bytes, data: bytes) -> bytes:
    ihdr = struct.pack(">IIBBBBB", width, height, header.bit_depth, header.colour_type, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", ihdr) + colours + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _colours(header: Header, bodies: dict[bytes, bytes], findings: Findings) -> bytes:
    """The chunks PLTE, where it is the palette and no suggestion, and tRNS."""
    palette, clear = bodies.get(b"PLTE", b""), bodies.get(b"tRNS", b"")
    is_palette = header.colour_type == _PALETTE
    if is_palette and (len(palette) % 3 or not 3 <= len(palette) <= 3 << header.bit_depth):
        raise BadDataError("damaged: its palette has a wrong length")
    most = len(palette) // 3 if is_palette else _CLEAR_BYTES.get(header.colour_type, 0)
    if clear and (len(clear) > most or (not is_palette and len(clear) != most)):
        findings.damage.append("transparency (tRNS)")
        clear = b""
    return (chunk(b"PLTE", palette) if is_palette else b"") + (chunk(b"tRNS", clear) if clear else b"")


def _is_sound(data: bytes, expected: int) -> bool:
    """Whether the data is one zlib stream of the expected length, with the right checksum and nothing behind it."""
    stream, size, pending = zlib.decompressobj(), 0, data
    try:
        while not stream.eof and size <= expected:
            piece = stream.decompress(pending, _PIECE_BYTES)
            size, pending = size + len(piece), stream.unconsumed_tail
            if not piece and not pending:
                break
    except zlib.error:
        return False
    return stream.eof and size == expected and not stream.unused_data


def _inflated(data: bytes, expected: int) -> bytes:
    """Exactly the bytes of the picture; a wrong checksum behind them is ignored, as other readers do."""
    try:
        raw = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data[_ZLIB_HEAD_BYTES:], expected)
    except zlib.error as error:
        raise BadDataError("damaged: its pixels cannot be unpacked") from error
    if len(raw) < expected:
        raise BadDataError("truncated: parts of its picture are missing")
    return raw
