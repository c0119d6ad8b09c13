"""Photos upright: the samples turned as EXIF says, and nothing left that would turn them again."""

import re
import struct
from dataclasses import replace
from functools import partial

from glmha_cli.io.photos.exif import Directories, dump_exif, load_exif
from glmha_cli.io.photos.exif_edit import PLACES, is_place, upright_exif
from glmha_cli.io.photos.exif_entries import EXIF_IFD, ORIENTATION
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.metadata import Extra, Findings, Kind
from glmha_cli.io.photos.turn import Turn, to_upright
from glmha_cli.io.photos.xmp import with_xmp
from glmha_cli.io.photos.xmp_upright import upright_xmp

_PREFIX = re.compile(rb"\A(?:Exif\0.)+", re.DOTALL)
"""Of EXIF in JPEG segments; it stands before EXIF in every other format too, and more than once."""


def upright(stored: Stored) -> Stored:
    """Turn the samples as the file says, and let EXIF, XMP and DPI say that they are upright."""
    findings = stored.findings
    old = replace(stored.metadata, exif=_PREFIX.sub(b"", stored.metadata.exif))
    exif = _readable(old.exif, findings)
    said = int(exif.number(ORIENTATION, 1))
    orientation = said if stored.orientation is None else stored.orientation
    turn = to_upright(orientation)
    samples = turn.samples(stored.samples)
    height, width = samples.shape[:2]
    if orientation != 1 and old.of(Kind.GEO):
        findings.notes.append("its GeoTIFF keys are for the photo as it was stored, not turned upright: left out")
        old = replace(old, extras=tuple(extra for extra in old.extras if extra.kind != Kind.GEO))
    of_places = to_upright(stored.turned) if stored.turned != 1 else turn
    if of_places != Turn():
        exif = _turnable(exif, findings)
    block = dump_exif(exif) if exif.damage else old.exif if exif.root or exif.below else b""
    if said != 1 or of_places != Turn():
        turned = partial(upright_xmp, turn=of_places, width=width, height=height, findings=findings)
        old = with_xmp(old, turned)
    metadata = replace(
        old,
        exif=_block_upright(block, of_places, width, height, findings),
        dpi=old.dpi[::-1] if old.dpi and turn.swapped else old.dpi,
        extras=tuple(map(_shape_turned, old.extras)) if of_places.swapped else old.extras,
    )
    return replace(stored, samples=samples, metadata=metadata)


def _block_upright(block: bytes, turn: Turn, width: int, height: int, findings: Findings) -> bytes:
    """Nothing of EXIF whose values lie over its directories, where what is changed damages what is read next."""
    try:
        return upright_exif(block, turn=turn, width=width, height=height) if block else b""
    except (ValueError, struct.error):
        findings.damage.append("EXIF")
        return b""


def _shape_turned(extra: Extra) -> Extra:
    """Pixels that are not square lie on their other side."""
    if extra.kind != Kind.ASPECT:
        return extra
    across, down, unit = struct.unpack(">IIB", extra.body)
    return replace(extra, body=struct.pack(">IIB", down, across, unit))


def _readable(exif: bytes, findings: Findings) -> Directories:
    """What of the EXIF can be read; the rest is damage."""
    try:
        found = load_exif(exif)
    except (ValueError, struct.error):
        findings.damage.append("EXIF")
        return Directories()
    findings.damage += found.damage
    return found


def _turnable(exif: Directories, findings: Findings) -> Directories:
    """Without places in the photo of a form that EXIF has not, which cannot be turned with it."""
    below = exif.below.get(EXIF_IFD, {})
    odd = [tag for tag, (kind, value) in below.items() if tag in PLACES and not is_place(tag, kind, len(value) // 2)]
    if not odd:
        return exif
    names = [f"EXIF or TIFF tag {tag}" for tag in odd]
    findings.notes.append(f"its {' and '.join(names)} cannot be turned with it: left out")
    kept = {tag: entry for tag, entry in below.items() if tag not in odd}
    return replace(exif, below={**exif.below, EXIF_IFD: kept}, damage=(*exif.damage, *names))
