"""What the segments of a JPEG say beside its picture (JFIF 1.02; EXIF 2.32, 4.7; XMP part 3; ICC.1 annex B.4)."""

import struct
from collections.abc import Iterator

from glmha_cli.io.photos.exif import resolution_of
from glmha_cli.io.photos.exif_edit import exif_with_provenance
from glmha_cli.io.photos.formats.jpeg_parts import (
    APP0,
    APP1,
    APP2,
    APP13,
    APP14,
    COMMENT,
    SEGMENT_MAX_BYTES,
    Parts,
    Segment,
)
from glmha_cli.io.photos.metadata import Extra, Findings, Kind, Metadata, pixel_shape, usable_dpi
from glmha_cli.io.photos.photoshop import without_thumbnails

EXIF, XMP, EXTENDED_XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
ICC, PHOTOSHOP, MULTI_PICTURE = b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"MPF\0"
_JFIF_UNITS = {1: 1.0, 2: 2.54}
_GUID_BYTES = 32
_SAYS_NOTHING = (b"JFIF\0", b"JFXX\0", b"Adobe")
"""Of the layout of samples, which the writer says anew, and of thumbnails."""


def metadata_of(parts: Parts, findings: Findings) -> Metadata:
    exif = xmp = b""
    extended: dict[bytes, dict[int, bytes]] = {}
    profile: dict[int, bytes] = {}
    photoshop, comments, left_out = b"", [], []
    profile_parts = 0
    for segment in parts.segments:
        marker, body = segment.marker, segment.body
        if marker == APP1 and body.startswith(EXIF[:5]) and not exif:  # some writers end the name otherwise
            exif = body[len(EXIF) :]
        elif marker == APP1 and body.startswith(XMP) and not xmp:
            xmp = body.removeprefix(XMP)
        elif marker == APP1 and body.startswith(EXTENDED_XMP) and len(body) >= len(EXTENDED_XMP) + 40:
            rest = body.removeprefix(EXTENDED_XMP)
            place = int.from_bytes(rest[_GUID_BYTES + 4 : _GUID_BYTES + 8])
            extended.setdefault(rest[: _GUID_BYTES + 4], {})[place] = rest[_GUID_BYTES + 8 :]
        elif marker == APP2 and body.startswith(ICC) and len(body) > len(ICC) + 2:
            profile[body[len(ICC)]] = body[len(ICC) + 2 :]
            profile_parts = body[len(ICC) + 1]
        elif marker == APP13 and body.startswith(PHOTOSHOP):
            photoshop += body.removeprefix(PHOTOSHOP)
        elif marker == COMMENT:
            comments.append(body)
        elif not (marker in (APP0, APP14) and body.startswith(_SAYS_NOTHING)) and not body.startswith(MULTI_PICTURE):
            left_out.append(segment.name)
    left_out += [f"{segment.name} behind the start of the picture" for segment in parts.late]
    findings.left_out("JPEG segments", left_out)
    if profile and set(profile) != set(range(1, profile_parts + 1)):
        findings.damage.append("ICC profile")
        profile = {}
    extras = [Extra(kind=Kind.COMMENT, body=body) for body in comments if body.strip(b"\0 ")]
    extras += _extended_xmp(xmp, extended, findings) + _photoshop(photoshop, findings)
    return Metadata(
        exif=exif,
        xmp=xmp,
        icc_profile=b"".join(profile[index] for index in sorted(profile)),
        dpi=_resolution(parts.segments, exif, extras),
        extras=tuple(extras),
    )


def _extended_xmp(xmp: bytes, extended: dict[bytes, dict[int, bytes]], findings: Findings) -> list[Extra]:
    """The part that the main packet names, whole; others are leftovers, which the standard says to ignore."""
    for head, pieces in extended.items():
        guid, whole = head[:_GUID_BYTES], b"".join(pieces[at] for at in sorted(pieces))
        if guid in xmp and len(whole) == int.from_bytes(head[_GUID_BYTES:]):
            return [Extra(kind=Kind.EXTENDED_XMP, key=guid, body=whole)]
    if extended:
        findings.damage.append("extended XMP")
    return []


def _photoshop(block: bytes, findings: Findings) -> list[Extra]:
    if not block:
        return []
    try:
        kept = without_thumbnails(block)
    except (ValueError, struct.error):
        findings.damage.append("Photoshop resources")
        return []
    return [Extra(kind=Kind.PHOTOSHOP, body=kept)] if kept else []


def _resolution(segments: list[Segment], exif: bytes, extras: list[Extra]) -> tuple[float, float] | None:
    """Of JFIF, else of EXIF, else none: 72 DPI is what others put where a file says nothing."""
    for segment in segments:
        if segment.marker == APP0 and segment.body.startswith(b"JFIF\0") and len(segment.body) >= 12:
            unit, x, y = struct.unpack_from(">BHH", segment.body, 7)
            if unit in _JFIF_UNITS:
                return usable_dpi(x * _JFIF_UNITS[unit], y * _JFIF_UNITS[unit])
            extras += pixel_shape(x, y)
    return resolution_of(exif)


def with_metadata(data: bytes, metadata: Metadata) -> bytes:
    """`data`, a JPEG with nothing but JFIF before its picture, with the segments of the metadata behind that."""
    head_end = 4 + int.from_bytes(data[4:6])  # SOI, then APP0
    return data[:head_end] + b"".join(segment.packed() for segment in _segments(metadata)) + data[head_end:]


def _segments(metadata: Metadata) -> Iterator[Segment]:
    exif = exif_with_provenance(metadata)
    if len(exif) > SEGMENT_MAX_BYTES - len(EXIF):  # no room for both
        exif = metadata.exif
        yield Segment(COMMENT, f"glmha {metadata.provenance}".encode())
    if exif:
        yield Segment(APP1, EXIF + exif)
    if metadata.xmp:
        yield Segment(APP1, XMP + metadata.xmp)
    for extra in metadata.of(Kind.EXTENDED_XMP):
        for at, piece in _pieces(extra.body, 65000):
            yield Segment(APP1, EXTENDED_XMP + extra.key + struct.pack(">II", len(extra.body), at) + piece)
    profile = list(_pieces(metadata.icc_profile, SEGMENT_MAX_BYTES - len(ICC) - 2))
    for index, (_, piece) in enumerate(profile, start=1):
        yield Segment(APP2, ICC + bytes([index, len(profile)]) + piece)
    for extra in metadata.of(Kind.PHOTOSHOP):
        for _, piece in _pieces(extra.body, SEGMENT_MAX_BYTES - len(PHOTOSHOP)):
            yield Segment(APP13, PHOTOSHOP + piece)
    for extra in metadata.of(Kind.COMMENT):
        yield Segment(COMMENT, extra.body)


def _pieces(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    return ((at, data[at : at + size]) for at in range(0, len(data), size))
