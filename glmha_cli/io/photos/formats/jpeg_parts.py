"""A JPEG taken apart into segments and picture (ITU-T T.81 annex B)."""

import re
import struct
from dataclasses import dataclass

from glmha_cli.errors import BadDataError

APP0, APP1, APP2, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
FRAMES, _JPEG_LS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}, 0xF7  # ITU-T T.81, table B.1; T.87, table C.1
SEGMENT_MAX_BYTES = 65533
_CONVERT = "convert it to PNG or TIFF first"
_WITHOUT_BODY = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True)
class Segment:
    marker: int
    body: bytes

    def packed(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.body) + 2) + self.body

    @property
    def is_beside(self) -> bool:
        """Holds application data or a comment, and no part of the picture."""
        return self.marker == COMMENT or APP0 <= self.marker <= 0xEF

    @property
    def name(self) -> str:
        """Such as "APP11 (JP)"."""
        if self.marker == COMMENT:
            return "comment"
        label = re.match(rb"[ -~]{2,}", self.body[:32])
        return f"APP{self.marker - APP0}" + (f" ({label[0].decode('ascii')})" if label else "")


@dataclass(frozen=True)
class Parts:
    """A JPEG file taken apart.

    segments: application data and comments before the first scan. late: those behind it, where no reader looks.
    picture: all that decoding needs. trailer: what is behind the end of the picture.
    """

    segments: list[Segment]
    late: list[Segment]
    picture: bytes
    trailer: bytes


def taken_apart(data: bytes) -> Parts:
    """BadDataError for a picture of another kind, or one without an end: libjpeg makes gray of what is missing."""
    segments, kept, at = [], [data[:2]], 2
    while marker := re.compile(rb"\xff([^\x00\xff])", re.DOTALL).search(data, at):
        code, end = marker[1][0], marker.end()
        if code in _WITHOUT_BODY:
            at = end
            continue
        size = int.from_bytes(data[end : end + 2])
        if code in (_END_OF_IMAGE, _START_OF_SCAN) or size < 2:
            break
        segment = Segment(code, data[end + 2 : end + size])
        _require_known(segment)
        segments += [segment] if segment.is_beside else []
        if code in (APP0, APP14) or not segment.is_beside:
            kept.append(data[marker.start() : end + size])
        at = end + size
    picture_end, late = _end(data, at)
    return Parts(segments, late, b"".join([*kept, data[at:picture_end]]), data[picture_end:])


def _require_known(segment: Segment) -> None:
    """BadDataError for a frame of another kind than is read."""
    if segment.marker == _JPEG_LS:
        raise BadDataError("its picture is JPEG-LS", _CONVERT)
    if segment.marker in FRAMES and segment.body[:1] not in (b"", b"\x08"):
        raise BadDataError(f"its picture is a JPEG of {segment.body[0]} bit", _CONVERT)


def _end(data: bytes, at: int) -> tuple[int, list[Segment]]:
    """Where the picture ends, from a marker outside of any scan at or behind `at`; and what stands between scans."""
    late: list[Segment] = []
    markers = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
    while marker := markers.search(data, at):
        if marker[1][0] == _END_OF_IMAGE:
            return marker.end(), late
        begin = marker.end()
        at = begin + int.from_bytes(data[begin : begin + 2])
        segment = Segment(marker[1][0], data[begin + 2 : at])
        late += [segment] if segment.is_beside else []
    raise BadDataError("truncated: its picture data has no end")
