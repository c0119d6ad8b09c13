"""Sheets of pictures with captions, as one picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from glmha_cli.printable import printable

FONT_PX, CAPTION_PX, GAP_PX = 15, 24, 8


def caption(text: str, width: int) -> UInt8[np.ndarray, "h width"]:
    """A strip with the text, black on white; what has no room is left out at its end."""
    font, text = ImageFont.load_default(FONT_PX), printable(text)
    room = width - 2 * GAP_PX
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    strip = Image.new("L", (width, CAPTION_PX), 255)
    ImageDraw.Draw(strip).text((GAP_PX, CAPTION_PX // 2), text, fill=0, font=font, anchor="lm")
    return np.asarray(strip)


def captioned(picture: UInt8[np.ndarray, "h w 3"], text: str) -> UInt8[np.ndarray, "h_more w 3"]:
    strip = caption(text, picture.shape[1])
    return np.concatenate([np.repeat(strip[..., None], 3, axis=2), picture])


def sheet(rows: Sequence[Sequence[UInt8[np.ndarray, "h w 3"]]]) -> UInt8[np.ndarray, "h w 3"]:
    """Rows of pictures, one below the other, with gaps; what is beside a shorter row is white."""
    lines = [_beside(row) for row in rows]
    width = max(line.shape[1] for line in lines)
    parts = []
    for line in lines:
        parts += [np.pad(line, ((0, GAP_PX), (0, width - line.shape[1]), (0, 0)), constant_values=255)]
    return np.concatenate(parts)[:-GAP_PX]


def _beside(row: Sequence[UInt8[np.ndarray, "h w 3"]]) -> UInt8[np.ndarray, "h w 3"]:
    height = max(picture.shape[0] for picture in row)
    padded = [
        np.pad(picture, ((0, height - picture.shape[0]), (0, GAP_PX), (0, 0)), constant_values=255) for picture in row
    ]
    return np.concatenate(padded, axis=1)[:, :-GAP_PX]
