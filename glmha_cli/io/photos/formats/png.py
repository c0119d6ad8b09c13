"""PNG (W3C PNG specification, third edition); its pixels: png_pixels.py, what its chunks say: png_metadata.py."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_size, squeezed_gray
from glmha_cli.io.photos.formats.png_animation import frame_of
from glmha_cli.io.photos.formats.png_metadata import PROVENANCE, RAW_PROFILE, XMP, metadata_of
from glmha_cli.io.photos.formats.png_pixels import SIGNATURE, Chunks, Header, checksum, chunk, decoded
from glmha_cli.io.photos.metadata import METRES_PER_INCH, Findings, Kind, Metadata

_HEADER_END = len(SIGNATURE) + 25  # the signature and the IHDR chunk, always first
_WRITTEN = {Kind.TEXTS, Kind.CICP, Kind.PNG_COLOURS, Kind.LIGHT_LEVELS, Kind.CHUNK, Kind.ASPECT}


def decode(data: bytes, max_pixels: int, frame: int = 0) -> Stored:
    findings = Findings()
    chunks = list(_chunks(data, findings))
    header = _header(chunks, max_pixels)
    if any(kind == b"acTL" and int.from_bytes(body[:4]) > 1 for kind, body in chunks):
        return frame_of(header, chunks, frame, metadata_of(chunks, findings), findings)
    if any(kind == b"fdAT" for kind, _ in chunks):
        findings.notes.append("its animation of less than two frames was left out: its still picture is read")
    return Stored(samples=decoded(header, chunks, findings), metadata=metadata_of(chunks, findings), findings=findings)


def _header(chunks: Chunks, max_pixels: int) -> Header:
    """One header, first, of an allowed size; several would let a small one vouch for a large one."""
    if [kind for kind, _ in chunks].count(b"IHDR") != 1 or chunks[0][0] != b"IHDR":
        raise BadDataError("damaged: it does not begin with a valid header")
    width, height = struct.unpack_from(">II", chunks[0][1])
    require_size(width, height, max_pixels)
    return Header.read(chunks[0][1])


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    path.write_bytes(with_metadata(stream_of(samples), metadata))


def stream_of(samples: np.ndarray) -> bytes:
    """A PNG stream of pixels only."""
    import imagecodecs

    # The library's own guess is too small for narrow noise: each row has a byte of its own, each 8 KiB a head.
    most = samples.nbytes + samples.nbytes // 64 + 2 * samples.shape[0] + 4096
    return bytes(imagecodecs.png_encode(squeezed_gray(samples), out=most))


def _chunks(data: bytes, findings: Findings) -> Iterator[tuple[bytes, bytes]]:
    """(type, body) of every chunk up to IEND. BadDataError for an end before that, or damage to what makes the picture.

    Other chunks with a wrong checksum are left out (section 13.2).
    """
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            break
        body = data[at + 8 : at + 8 + size]
        is_whole = data[at + 8 + size : at + 12 + size] == checksum(kind, body)
        if is_whole:
            yield kind, body
        elif not kind.isalpha() or kind[:1].isupper() or kind == b"tRNS":
            raise BadDataError("damaged: the checksum of a chunk is wrong")
        else:
            findings.damage.append(f"chunk {kind.decode('ascii')}")
        if kind == b"IEND":
            findings.behind(data[at + 12 + size :])
            return
        at += 12 + size
    raise BadDataError("truncated: it ends before its last chunk")


def with_metadata(data: bytes, metadata: Metadata) -> bytes:
    """`data`, a PNG stream of pixels only, with the metadata chunks after its header."""
    chunks = b"".join(chunk(extra.key, extra.body) for extra in metadata.extras if extra.kind in _WRITTEN)
    if metadata.icc_profile:
        chunks += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        per_metre = (round(v / METRES_PER_INCH) for v in metadata.dpi)
        chunks += chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if metadata.exif:
        chunks += chunk(b"eXIf", metadata.exif)
    for extra in metadata.of(Kind.PHOTOSHOP):
        chunks += chunk(b"zTXt", RAW_PROFILE + b"iptc\0\0" + zlib.compress(_as_raw_profile(b"iptc", extra.body)))
    comments = ((b"Comment", extra.body) for extra in metadata.of(Kind.COMMENT))
    for keyword, text in (*comments, (XMP, metadata.xmp), (PROVENANCE, metadata.provenance.encode())):
        if text:  # keyword, "not compressed" twice, no language, no translated keyword, text
            chunks += chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)
    return data[:_HEADER_END] + chunks + data[_HEADER_END:]


def _as_raw_profile(name: bytes, data: bytes) -> bytes:
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\n%s\n%8d\n%s\n" % (name, len(data), lines)
