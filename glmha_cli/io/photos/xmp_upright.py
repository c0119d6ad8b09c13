"""What XMP says of the way up, the size and places of a photo, made true of the photo upright."""

import re

from glmha_cli.io.photos.metadata import Findings
from glmha_cli.io.photos.turn import Turn

_IS = rb"""(?:\s*=\s*["']|>)\s*"""  # between a name and its value, of an attribute and of an element
_ORIENTATION = re.compile(rb"(tiff:Orientation" + _IS + rb")[1-8]")
_WIDTH = re.compile(rb"((?:tiff:ImageWidth|exif:PixelXDimension)" + _IS + rb")\d+")
_HEIGHT = re.compile(rb"((?:tiff:ImageLength|exif:PixelYDimension)" + _IS + rb")\d+")
_REGION = re.compile(rb"((?:stArea|stDim):)([xywh])(" + _IS + rb")([-+.\deE]*)")
"""Of faces and the like (MWG Guidelines 2.0, section 5.9): centre and size in fractions of the photo as it is stored;
stDim has its size. The end of an element matches too, without a number.
"""
_OTHER_REGION = re.compile(rb":(?:Rectangle|rb[XY])" + _IS + rb"[-+.\d]|<exif:Subject(?:Area|Location)[\s>]")
"""Of Microsoft's people tags and of IPTC, in the fractions or pixels of which way up, writers do not agree; and Adobe's
copy of what EXIF says of the subject, which is turned there.
"""
_QUALIFIED = re.compile(rb"<(?:stArea|stDim):[xywh]\s+[^\s>]")  # an element with attributes of its own
_DIGITS = 32
_SWAPPED = {b"x": b"y", b"y": b"x", b"w": b"h", b"h": b"w"}


def upright_xmp(xmp: bytes, turn: Turn, *, width: int, height: int, findings: Findings) -> bytes:
    """The packet of the same photo turned by `turn` to `width` x `height` pixels, for viewers that believe XMP."""
    xmp = _ORIENTATION.sub(rb"\g<1>1", xmp)
    for pattern, side in ((_WIDTH, width), (_HEIGHT, height)):
        xmp = pattern.sub(rb"\g<1>%d" % side, xmp)
    if turn == Turn():
        return xmp
    if _OTHER_REGION.search(xmp):
        findings.notes.append(
            "its regions in XMP by Microsoft, IPTC or EXIF are left as they are: not turned with the photo"
        )
    numbers = [number for _, axis, _, number in _REGION.findall(xmp) if number and axis in b"xy"]
    if _QUALIFIED.search(xmp) or any(_fraction(number) is None for number in numbers):
        findings.notes.append("its regions in XMP are not plain fractions of its size: not turned with the photo")
        return xmp
    return _REGION.sub(lambda match: _turned(match, turn), xmp)


def _fraction(number: bytes) -> float | None:
    try:
        value = float(number[:_DIGITS])
    except ValueError:
        return None
    return value if 0 <= value <= 1 and len(number) < _DIGITS else None


def _turned(match: re.Match[bytes], turn: Turn) -> bytes:
    """One number: it stands for the other axis where rows and columns are swapped, and is counted from the other end
    where they are taken backwards.
    """
    prefix, axis, between, number = match.groups()
    axis = _SWAPPED[axis] if turn.swapped else axis
    is_back = {b"x": turn.columns_back, b"y": turn.rows_back}.get(axis, False)
    if is_back and number:
        number = b"%.9g" % (1 - float(number))
    return prefix + axis + between + number
