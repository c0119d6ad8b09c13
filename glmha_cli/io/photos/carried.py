"""What of a photo's side data goes into a file of another format, and what is said of the rest."""

import math
import re
import struct
from dataclasses import replace
from functools import partial

from glmha_cli.io.photos.colours import colours_of
from glmha_cli.io.photos.exif import dump_exif, load_exif, resolution_of
from glmha_cli.io.photos.formats import PhotoFormat
from glmha_cli.io.photos.formats.jpeg_parts import SEGMENT_MAX_BYTES
from glmha_cli.io.photos.icc import is_gray_profile, is_of_other_colours
from glmha_cli.io.photos.metadata import COLOURS, Extra, Kind, Metadata
from glmha_cli.io.photos.xmp import without_extension

_DESCRIPTION = 270  # ImageDescription
_SEVERAL = re.compile(rb"""\nimages=(?!1\s)\d|\sSize[ZT]="(?!1")\d""")
_OTHER_COLOURS = "so the photo will show other colours"


def carried(metadata: Metadata, target: PhotoFormat, *, grayscale: bool) -> tuple[Metadata, list[str]]:
    """The metadata that a file of the format holds, and a note for each loss. grayscale: the file will be gray."""
    metadata, notes = _with_colours(metadata, target, grayscale=grayscale)
    kept: list[Extra] = []
    lost: list[Extra] = []
    for extra in metadata.extras:
        (kept if extra.kind in target.keeps and _fits(extra, target) else lost).append(extra)
    names = dict.fromkeys(extra.kind for extra in lost if extra.kind not in COLOURS)
    notes += [f"{target.name} holds no {name}: dropped" for name in names]
    metadata = replace(metadata, extras=tuple(kept))
    if Kind.EXTENDED_XMP in names:
        metadata = replace(metadata, xmp=without_extension(metadata.xmp))
    if metadata.dpi and not target.dpi and not _says_resolution(metadata.exif, metadata.dpi):
        notes.append(f"{target.name} holds no DPI: dropped")
    for name in ("exif", "xmp"):
        if len(getattr(metadata, name)) > target.max_metadata_bytes:
            notes.append(f"{target.name} holds no {name.upper()} data of this size: dropped")
            metadata = replace(metadata, exif=b"") if name == "exif" else replace(metadata, xmp=b"")
    return metadata, notes


def of_one_page(metadata: Metadata, target: PhotoFormat) -> tuple[Metadata, list[str]]:
    """Without a description by ImageJ or OME of the pages of a whole file, which readers would look for in one that has
    one page; and a note.
    """
    try:
        exif = load_exif(metadata.exif)
    except (ValueError, struct.error):
        return metadata, []
    text = exif.root.get(_DESCRIPTION, (0, b""))[1]
    is_list = (text.startswith(b"ImageJ=") or b"<OME" in text) and _SEVERAL.search(text)
    if target.several != "pages" or not is_list:
        return metadata, []
    root = {tag: entry for tag, entry in exif.root.items() if tag != _DESCRIPTION}
    block = dump_exif(replace(exif, root=root)) if root or exif.below else b""
    return replace(metadata, exif=block), ["its description by ImageJ or OME is of all its pages: left out"]


def _fits(extra: Extra, target: PhotoFormat) -> bool:
    """Comments are of any bytes, where PNG holds text."""
    if extra.kind != Kind.COMMENT:
        return True
    if target.name == "JPEG":
        return len(extra.body) <= SEGMENT_MAX_BYTES
    try:
        return b"\0" not in extra.body.rstrip(b"\0") and bool(extra.body.decode())
    except UnicodeDecodeError:
        return False


def _says_resolution(exif: bytes, dpi: tuple[float, float]) -> bool:
    """Whether EXIF says the same: what changes a photo's resolution often leaves that of the camera there."""
    said = resolution_of(exif)
    return said is not None and all(map(partial(math.isclose, rel_tol=0.01), said, dpi))


def _with_colours(metadata: Metadata, target: PhotoFormat, *, grayscale: bool) -> tuple[Metadata, list[str]]:
    """What says the colours in the target: as it is where there is a place, else as an ICC profile."""
    colours = colours_of(metadata)
    metadata, notes = _with_fit_profile(metadata, target, grayscale=grayscale)
    lost = [extra.kind for extra in metadata.extras if extra.kind in COLOURS - target.keeps]
    if colours.is_srgb or colours.source == "ICC profile":
        return metadata, notes
    if colours.source in ("cICP", "gAMA and cHRM") and not lost:
        return metadata, notes
    what = lost[0] if lost else colours.source
    profile = b"" if grayscale else colours.profile()
    if profile:
        notes += [f"{target.name} holds no {what}: written as an ICC profile"] if lost else []
        return replace(metadata, icc_profile=profile), notes
    return metadata, notes + ([f"{target.name} holds no {what}: dropped, {_OTHER_COLOURS}"] if lost else [])


def _with_fit_profile(metadata: Metadata, target: PhotoFormat, *, grayscale: bool) -> tuple[Metadata, list[str]]:
    """Without an ICC profile that the file cannot have, and why it cannot."""
    profile = metadata.icc_profile
    is_gray = is_gray_profile(profile)
    if is_gray and not grayscale:
        why = "it is for gray, and the photo is written as RGB"
    elif profile and is_of_other_colours(profile):
        why = "it is for neither RGB nor gray"
    elif profile and not is_gray and grayscale and target.name == "PNG":  # third edition, section 11.3.2.3
        why = "it is for RGB, and a gray PNG can have one for gray alone"
    elif len(profile) > target.max_profile_bytes:
        why = f"{target.name} has no room for one of this size, {_OTHER_COLOURS}"
    else:
        return metadata, []
    is_usual = grayscale and colours_of(Metadata(icc_profile=profile)).is_srgb  # which is how gray is seen without one
    return replace(metadata, icc_profile=b""), [] if is_usual else [f"its ICC profile was dropped: {why}"]
