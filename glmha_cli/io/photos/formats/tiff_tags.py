"""Where TIFF keeps metadata (TIFF 6.0; EXIF 2.32 for the two sub-directories)."""

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from glmha_cli.io.photos.exif import ORIENTATION, SOFTWARE, Directories, dump_exif, load_exif
from glmha_cli.io.photos.metadata import Metadata, usable_dpi

if TYPE_CHECKING:
    from tifffile import TiffPage

# Description Make Model Orientation Software DateTime Artist HostComputer, two Ratings, Copyright, XPTitle...
_TEXTS = {270, 271, 272, ORIENTATION, SOFTWARE, 306, 315, 316, 18246, 18249, 33432}
_TEXTS |= set(range(40091, 40096))
_ICC, XMP = 34675, 700
_UNITS_PER_INCH = {2: 1.0, 3: 2.54}  # ResolutionUnit inch, centimetre; 1 is an aspect ratio


def metadata_of(page: "TiffPage") -> Metadata:
    """Metadata of the first page of an open TIFF file."""
    tags = page.tags
    unit = _UNITS_PER_INCH.get(int(tags.valueof(296, default=2)))
    resolution = [_ratio(tags.valueof(code, default=(0, 1))) for code in (282, 283)]
    directories = Directories.read(page.parent.filehandle)
    texts = {tag: entry for tag, entry in directories.root.items() if tag in _TEXTS}
    exif = replace(directories, root=texts, big=False)
    return Metadata(
        exif=dump_exif(exif) if exif.root or exif.below else b"",
        icc_profile=bytes(tags.valueof(_ICC, default=b"")),
        xmp=bytes(tags.valueof(XMP, default=b"")),
        dpi=usable_dpi(*(v * unit for v in resolution)) if unit else None,
    )


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / value[1] if value[1] else 0.0


def byteorder(metadata: Metadata) -> str:
    """The byte order in which a TIFF can take over the EXIF values as they are."""
    return load_exif(metadata.exif).order


def add_exif(path: Path, exif: bytes) -> None:
    """Give a TIFF of the byte order of `exif` its directories and describing tags.

    tifffile writes no EXIF directories. They go to the end of the file, with a new root directory whose
    entries (positions of strips among them) are those of the old one.
    """
    extra = load_exif(exif)
    with path.open("r+b") as file:
        tiff = Directories.read(file)
        texts = {tag: entry for tag, entry in extra.root.items() if tag in _TEXTS}
        end = file.seek(0, os.SEEK_END)
        at = end + end % 2
        body, root_at = replace(tiff, root=tiff.root | texts, below=extra.below).packed(at)
        file.seek(at)
        file.write(body)
        file.seek(8 if tiff.big else 4)
        file.write(struct.pack(tiff.order + ("Q" if tiff.big else "I"), root_at))
