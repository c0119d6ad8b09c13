"""PNG (W3C PNG specification, third edition): imagecodecs for the pixels, which keeps 16 bit; own chunks.

Pillow reads 16-bit RGB as 8 bit without a word.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_single, require_size, squeezed_gray
from glmha_cli.io.photos.metadata import Metadata, usable_dpi

ICC_MAX_BYTES = 16 << 20  # the largest profiles in use have a few MB; a compressed one could declare anything
METRES_PER_INCH = 0.0254
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 25  # the signature and the IHDR chunk, always first
_XMP, _PROVENANCE = b"XML:com.adobe.xmp", b"glmha"
_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_SRGB_GAMMA = 45455  # in gAMA, 100000 / 2.2
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_COPIED = {b"cICP", b"gAMA", b"cHRM", b"sRGB"} | _TEXTS


def decode(data: bytes, max_pixels: int) -> Stored:
    import imagecodecs

    chunks = list(_chunks(data))
    _require_one_picture(chunks, max_pixels)
    # Nothing else reaches the decoder: it would warn on stderr of profiles, and inflate whatever they declare.
    picture = b"".join(_chunk(kind, body) for kind, body in chunks if kind in _PICTURE)
    samples = imagecodecs.png_decode(_SIGNATURE + picture)
    return Stored(samples=np.atleast_3d(samples), metadata=_metadata(chunks))


def _require_one_picture(chunks: list[tuple[bytes, bytes]], max_pixels: int) -> None:
    """One header, first, of an allowed size; several would let a small one vouch for a large one."""
    if [kind for kind, _ in chunks].count(b"IHDR") != 1 or chunks[0][0] != b"IHDR":
        raise BadDataError("damaged: its header is not one, at its beginning")
    require_size(*struct.unpack_from(">II", chunks[0][1]), max_pixels)
    for kind, body in chunks:
        if kind == b"acTL":
            require_single(int.from_bytes(body[:4]), "frames (animated PNG)")


def has_texts(metadata: Metadata) -> bool:
    """Whether a PNG carried texts of its own, beside XMP."""
    return any(kind in _TEXTS for kind, _ in metadata.png_chunks)


def has_other_colours(metadata: Metadata) -> bool:
    """Whether a PNG's own chunks, and no profile, say that its colours are not sRGB's."""
    chunks = dict(metadata.png_chunks)
    gamma = int.from_bytes(chunks.get(b"gAMA", _SRGB_GAMMA.to_bytes(4)))
    said = b"cICP" in chunks or (b"sRGB" not in chunks and abs(gamma - _SRGB_GAMMA) > 1000)
    return said and not metadata.icc_profile


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    import imagecodecs

    stream = imagecodecs.png_encode(squeezed_gray(samples))
    path.write_bytes(_with_metadata(stream, metadata))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, body) of every chunk up to IEND. BadDataError for a wrong checksum or an end before IEND."""
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            break
        body = data[at + 8 : at + 8 + size]
        if data[at + 8 + size : at + 12 + size] != _checksum(kind, body):
            raise BadDataError("damaged: the checksum of a chunk is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + size
    raise BadDataError("truncated: it ends before its last chunk")


def _metadata(chunks: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """Metadata of all chunks of a PNG: eXIf, iCCP, pHYs, XMP in iTXt, and the copied chunks."""
    exif = icc_profile = xmp = b""
    dpi, copied = None, []
    for kind, body in chunks:
        keyword = body.split(b"\0", 1)[0]
        if kind == b"eXIf":
            exif = body
        elif kind == b"iCCP":
            icc_profile = _inflate(body[len(keyword) + 2 :])
        elif kind == b"pHYs" and body[8] == 1:  # unit 1 is the metre; 0 is an aspect ratio
            dpi = usable_dpi(*(v * METRES_PER_INCH for v in struct.unpack_from(">II", body)))
        elif kind == b"iTXt" and keyword == _XMP:
            xmp = _international_text(body[len(keyword) + 1 :])
        elif kind in _COPIED and keyword != _PROVENANCE:
            copied.append((kind, body))
    return Metadata(exif=exif, icc_profile=icc_profile, xmp=xmp, dpi=dpi, png_chunks=tuple(copied))


def _with_metadata(data: bytes, metadata: Metadata) -> bytes:
    """`data`, a PNG stream of pixels only, with the metadata chunks after its header."""
    chunks = b"".join(_chunk(kind, body) for kind, body in metadata.png_chunks)
    if metadata.icc_profile:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        per_metre = (round(v / METRES_PER_INCH) for v in metadata.dpi)
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if metadata.exif:
        chunks += _chunk(b"eXIf", metadata.exif)
    for keyword, text in ((_XMP, metadata.xmp), (_PROVENANCE, metadata.provenance.encode())):
        if text:  # keyword, "not compressed" twice, no language, no translated keyword, text
            chunks += _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)
    return data[:_HEADER_END] + chunks + data[_HEADER_END:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    """Length, type, body, CRC-32 of type and body (section 5.3)."""
    return struct.pack(">I", len(body)) + kind + body + _checksum(kind, body)


def _checksum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _international_text(body: bytes) -> bytes:
    compressed = body[0] == 1
    text = body[2:].split(b"\0", 2)[2]
    return _inflate(text) if compressed else text


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    inflated = stream.decompress(data, ICC_MAX_BYTES)
    if not stream.eof:
        raise BadDataError("its compressed metadata is cut or larger than 16 MiB")
    return inflated
