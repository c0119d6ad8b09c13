"""Animated PNGs, written frame by frame: whole frames, of 8 or 16 bit (PNG third edition, sections 4.9 and 11.3.6)."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from glmha_cli.io.photos.formats.base import Frame
from glmha_cli.io.photos.formats.png import stream_of, with_metadata
from glmha_cli.io.photos.formats.png_pixels import SIGNATURE, chunk

_UNITS, _LONGEST = (1000, 100, 10, 1), 65535
"""Parts of a second: a time is a number of 16 bits of them."""
_HEADER_END = len(SIGNATURE) + 25


def encode(path: Path, frames: Iterable[Frame], count: int, quality: int) -> None:
    """The animation repeats without end, as those of other tools do."""
    sequence = 0
    with path.open("wb") as file:
        for index, frame in enumerate(frames):
            stream = stream_of(frame.samples)
            if index == 0:
                head = with_metadata(stream[:_HEADER_END], frame.metadata)
                file.write(head + chunk(b"acTL", struct.pack(">II", count, 0)))
            file.write(chunk(b"fcTL", struct.pack(">I", sequence) + _control(frame)))
            sequence += 1
            for body in _image_data(stream):
                if index == 0:
                    file.write(chunk(b"IDAT", body))
                else:
                    file.write(chunk(b"fdAT", struct.pack(">I", sequence) + body))
                    sequence += 1
        file.write(chunk(b"IEND", b""))


def _control(frame: Frame) -> bytes:
    """Size, place, time; each frame is whole, so nothing is left of the one before (blend: source)."""
    height, width = frame.samples.shape[:2]
    unit = next((unit for unit in _UNITS if frame.seconds * unit <= _LONGEST), _UNITS[-1])
    shown = min(max(1, round(frame.seconds * unit)), _LONGEST)
    return struct.pack(">4I2H2B", width, height, 0, 0, shown, unit, 0, 0)


def _image_data(stream: bytes) -> Iterator[bytes]:
    at = len(SIGNATURE)
    while at < len(stream):
        size, kind = struct.unpack_from(">I4s", stream, at)
        if kind == b"IDAT":
            yield stream[at + 8 : at + 8 + size]
        at += 12 + size
