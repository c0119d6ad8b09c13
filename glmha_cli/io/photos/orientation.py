"""Photos upright: the samples turned as EXIF says, and nothing left that would turn them again."""

import re
import struct
from dataclasses import replace

from einops import rearrange

from glmha_cli.io.photos.exif import Directories, dump_exif, load_exif
from glmha_cli.io.photos.exif_edit import upright_exif
from glmha_cli.io.photos.exif_entries import ORIENTATION
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.metadata import Findings, Kind

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

_PREFIX = re.compile(rb"\A(?:Exif\0.)+", re.DOTALL)
"""Of EXIF in JPEG segments; it stands before EXIF in every other format too, and more than once."""


def upright(stored: Stored) -> Stored:
    """Turn the samples as the file says, and let EXIF, XMP and DPI say that they are upright."""
    findings = stored.findings
    old = replace(stored.metadata, exif=_PREFIX.sub(b"", stored.metadata.exif))
    exif = _readable(old.exif, findings)
    said = int(exif.number(ORIENTATION, 1))
    orientation = said if stored.orientation is None else stored.orientation
    swapped, row_step, column_step = _TO_UPRIGHT.get(orientation, _TO_UPRIGHT[1])
    samples = rearrange(stored.samples, "h w c -> w h c") if swapped else stored.samples
    samples = samples[::row_step, ::column_step]
    if orientation != 1 and old.of(Kind.GEO):
        findings.notes.append("its GeoTIFF keys are for the photo as it was stored, not turned upright: left out")
        old = replace(old, extras=tuple(extra for extra in old.extras if extra.kind != Kind.GEO))
    block = dump_exif(exif) if exif.damage else old.exif if exif.root or exif.below else b""
    metadata = replace(
        old,
        exif=upright_exif(block, width=samples.shape[1], height=samples.shape[0]) if block else b"",
        xmp=_upright_xmp(old.xmp) if said != 1 or orientation != 1 else old.xmp,
        dpi=old.dpi[::-1] if old.dpi and swapped else old.dpi,
    )
    return replace(stored, samples=samples, metadata=metadata)


def _readable(exif: bytes, findings: Findings) -> Directories:
    """What of the EXIF can be read; the rest is damage."""
    try:
        found = load_exif(exif)
    except (ValueError, struct.error):
        findings.damage.append("EXIF")
        return Directories()
    findings.damage += found.damage
    return found


def _upright_xmp(xmp: bytes) -> bytes:
    """XMP repeats the orientation, and some viewers believe it."""
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[1-8]", rb"\g<1>1", xmp)
