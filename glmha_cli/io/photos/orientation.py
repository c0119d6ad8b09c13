"""Photos upright: the samples turned as EXIF says, and no tag left that would turn them again."""

import re
import struct
from dataclasses import replace

from einops import rearrange

from glmha_cli.io.photos.exif import EXIF_IFD, LONG, ORIENTATION, dump_exif, load_exif
from glmha_cli.io.photos.formats.base import Stored

_WIDTH_HEIGHT = ((256, 257), (40962, 40963))  # ImageWidth/Length, PixelX/YDimension

# EXIF orientation (EXIF 2.32 section 4.6.4): rows and columns swapped, then step over rows, over columns.
_TO_UPRIGHT = {
    1: (False, 1, 1),
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


def upright(stored: Stored) -> Stored:
    """Turn the samples as EXIF says, and let EXIF, XMP and DPI say that they are upright."""
    old, samples = stored.metadata, stored.samples
    if not old.exif:
        return stored
    try:
        orientation = _orientation(old.exif)
        turns = _TO_UPRIGHT[1 if stored.is_upright else orientation]
        swapped, row_step, column_step = turns
        samples = rearrange(samples, "h w c -> w h c") if swapped else samples
        exif = _upright_exif(old.exif, width=samples.shape[1], height=samples.shape[0])
    except (ValueError, KeyError, struct.error):
        note = "its EXIF is damaged: dropped, and no orientation applied"
        return replace(stored, metadata=replace(old, exif=b""), notes=(*stored.notes, note))
    metadata = replace(
        old,
        exif=exif,
        xmp=old.xmp if orientation == 1 else _upright_xmp(old.xmp),
        dpi=old.dpi[::-1] if old.dpi and swapped else old.dpi,
    )
    return replace(stored, samples=samples[::row_step, ::column_step], metadata=metadata)


def _orientation(exif: bytes) -> int:
    """EXIF orientation 1..8 (1 = upright, also where it is absent or out of range)."""
    directories = load_exif(exif)
    entry = directories.root.get(ORIENTATION)
    value = directories.number(entry) if entry else 1
    return value if value in range(1, 9) else 1


def _upright_exif(data: bytes, *, width: int, height: int) -> bytes:
    """The EXIF of the same photo stored upright in `width` x `height` pixels.

    Written anew, which leaves out the thumbnail: it would show the photo before restoration. All other
    values keep their bytes. Raises ValueError, KeyError or struct.error for damaged EXIF.
    """
    exif = load_exif(data)
    upright = {ORIENTATION: 1}
    for width_tag, height_tag in _WIDTH_HEIGHT:
        upright |= {width_tag: width, height_tag: height}
    for directory in (exif.root, exif.below.get(EXIF_IFD, {})):
        for tag in directory.keys() & upright.keys():
            directory[tag] = LONG, struct.pack(exif.order + "I", upright[tag])
    return dump_exif(exif)


def _upright_xmp(xmp: bytes) -> bytes:
    """XMP repeats the orientation, and some viewers believe it."""
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[1-8]", rb"\g<1>1", xmp)
