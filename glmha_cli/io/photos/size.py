"""The size of photos: how large they may be, and how large one is by its file's first bytes, which costs nothing: for
estimates, never for what is allocated.
"""

import os
import struct
from pathlib import Path

from glmha_cli.io.photos.formats.jpeg_parts import FRAMES

MAX_PIXELS = 400_000_000
"""Of photos that are read where nothing else is asked for."""
FIRST_BYTES = 1 << 16
_BYTES_PER_PIXEL = 3


def rough_size(path: Path) -> tuple[int, int]:
    """(h, w) as the header of a PNG or JPEG says, with or without EXIF's turn; of other files a square of so many
    pixels as an uncompressed photo of their length has. (0, 0) for one that cannot be read, or is no file: opening a
    pipe waits for whoever writes into it.
    """
    if not os.path.isfile(path):
        return 0, 0
    try:
        with path.open("rb") as file:
            head = file.read(FIRST_BYTES)
        return _png(head) or _jpeg(head) or _square(path.stat().st_size)
    except OSError:
        return 0, 0


def _square(size_bytes: int) -> tuple[int, int]:
    side = max(1, int((size_bytes / _BYTES_PER_PIXEL) ** 0.5))
    return side, side


def _png(head: bytes) -> tuple[int, int] | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n") or len(head) < 24:
        return None
    width, height = struct.unpack_from(">II", head, 16)
    return height, width


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """From the frame header, past the segments before it."""
    at = 2
    while head.startswith(b"\xff\xd8\xff") and at + 9 <= len(head) and head[at] == 0xFF:
        if head[at + 1] in FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return height, width
        at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return None
