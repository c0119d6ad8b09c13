"""Photos upright: the samples turned as EXIF says, and nothing left that would turn them again."""

import re
import struct
from dataclasses import replace

from einops import rearrange

from glmha_cli.io.photos.exif import ORIENTATION, dump_exif, load_exif
from glmha_cli.io.photos.exif_edit import upright_exif
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.metadata import Kind

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
    old, findings = stored.metadata, stored.findings
    if not old.exif:
        return stored
    try:
        exif = load_exif(old.exif)
    except (ValueError, struct.error):
        findings.damage.append("EXIF")
        return replace(stored, metadata=replace(old, exif=b""))
    findings.damage += exif.damage
    said = int(exif.number(ORIENTATION, 1))
    orientation = said if said in _TO_UPRIGHT and not stored.is_upright else 1
    swapped, row_step, column_step = _TO_UPRIGHT[orientation]
    samples = rearrange(stored.samples, "h w c -> w h c") if swapped else stored.samples
    samples = samples[::row_step, ::column_step]
    if orientation != 1 and old.of(Kind.GEO):
        findings.notes.append("its GeoTIFF keys are for the photo as it was stored, not turned upright: left out")
        old = replace(old, extras=tuple(extra for extra in old.extras if extra.kind != Kind.GEO))
    block = dump_exif(exif) if exif.damage else old.exif
    metadata = replace(
        old,
        exif=upright_exif(block, width=samples.shape[1], height=samples.shape[0]),
        xmp=old.xmp if said == 1 else _upright_xmp(old.xmp),
        dpi=old.dpi[::-1] if old.dpi and swapped else old.dpi,
    )
    return replace(stored, samples=samples, metadata=metadata)


def _upright_xmp(xmp: bytes) -> bytes:
    """XMP repeats the orientation, and some viewers believe it."""
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[1-8]", rb"\g<1>1", xmp)
