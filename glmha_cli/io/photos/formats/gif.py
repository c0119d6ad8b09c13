"""GIF by Pillow, read only: still, or the frames of an animation as they are seen, each on what was there before."""

import io
from collections.abc import Iterator

from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.formats.pillow import one_frame
from glmha_cli.io.photos.metadata import Findings, Metadata, pixel_shape

_EXTENSION, _PICTURE, _END = 0x21, 0x2C, 0x3B
_COMMENT, _TEXT, _APPLICATION = 0xFE, 0x01, 0xFF
_OF_ANIMATIONS = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}


def decode(data: bytes, max_pixels: int, frame: int = 0) -> Stored:
    from PIL.GifImagePlugin import GifImageFile

    image = GifImageFile(io.BytesIO(data))
    require_size(*image.size, max_pixels)
    findings = Findings()
    try:
        findings.left_out("GIF extensions", _beside(data, findings))
    except IndexError:  # the list of blocks is cut; Pillow says what that means for the picture
        findings.damage.append("list of blocks")
    shape = pixel_shape(64, data[12] + 15) if data[12] else ()  # GIF89a, section 18: width by height of a pixel
    return one_frame(image, frame, Metadata(extras=tuple(shape)), findings)


def _beside(data: bytes, findings: Findings) -> Iterator[str]:
    """The names of all extensions that hold data beside the pictures (GIF89a, sections 19 to 26)."""
    at = 13 + _table_bytes(data[10])
    while data[at] != _END:
        kind, label = data[at], data[at + 1]
        if kind == _EXTENSION:
            name = data[at + 3 : at + 3 + data[at + 2]]
            if label in (_COMMENT, _TEXT):
                yield "comment" if label == _COMMENT else "plain text"
            elif label == _APPLICATION and name not in _OF_ANIMATIONS:
                yield name.decode("latin-1")
            at = _behind_blocks(data, at + 2)
        elif kind == _PICTURE:
            at = _behind_blocks(data, at + 11 + _table_bytes(data[at + 9]))
        else:
            raise IndexError
    findings.behind(data[at + 1 :])


def _table_bytes(flags: int) -> int:
    """Of the table of colours that the flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1
