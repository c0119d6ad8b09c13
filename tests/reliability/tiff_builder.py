"""TIFF files tag by tag, for those that no honest writer makes."""

import struct

SHORT, LONG = 3, 4
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, CHANNELS, ROWS, STRIP_BYTES = (
    256, 257, 258, 259, 262, 273, 277, 278, 279,
)  # fmt: skip
PLANES, FORMAT = 284, 339
DATA_AT = 8
Tag = tuple[int, int, int]
"""Kind, count, value or position."""


def tiff_with(data: bytes, changed: dict[int, Tag], *, next_directory: int | None = None) -> bytes:
    """A gray 8-bit picture of 16 x 16 whose only strip is `data`, with some tags `changed`.

    next_directory: where the list of pages goes on; None is nowhere, a negative number counts from this directory.
    """
    tags = {
        WIDTH: (LONG, 1, 16),
        LENGTH: (LONG, 1, 16),
        BITS: (SHORT, 1, 8),
        COMPRESSION: (SHORT, 1, 1),
        PHOTOMETRIC: (SHORT, 1, 1),
        STRIP_OFFSETS: (LONG, 1, DATA_AT),
        CHANNELS: (SHORT, 1, 1),
        ROWS: (LONG, 1, 16),
        STRIP_BYTES: (LONG, 1, len(data)),
    } | changed
    directory_at = DATA_AT + len(data) + len(data) % 2
    table = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(tags.items()))
    following = (
        0 if next_directory is None else directory_at + next_directory if next_directory <= 0 else next_directory
    )
    directory = struct.pack("<H", len(tags)) + table + struct.pack("<I", following)
    return struct.pack("<2sHI", b"II", 42, directory_at) + data + b"\0" * (len(data) % 2) + directory
