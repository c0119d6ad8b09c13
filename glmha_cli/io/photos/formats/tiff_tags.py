"""Where TIFF keeps metadata (TIFF 6.0; EXIF 2.32 for the sub-directories; OGC GeoTIFF 1.1)."""

import io
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Literal

from glmha_cli.io.photos.exif import Directories, dump_exif, load_exif
from glmha_cli.io.photos.exif_entries import (
    INTEROP_IFD,
    ORIENTATION,
    RESOLUTION_UNIT,
    SOFTWARE,
    X_RESOLUTION,
    Y_RESOLUTION,
    Directory,
)
from glmha_cli.io.photos.gdal import without_statistics
from glmha_cli.io.photos.metadata import Extra, Findings, Kind, Metadata, pixel_shape
from glmha_cli.io.photos.photoshop import iptc_of, without_thumbnails, wrapped_iptc
from glmha_cli.io.tiff_file import GDAL_METADATA, GDAL_NODATA, GEOTIFF_TAGS

# Description Make Model Orientation Software DateTime Artist HostComputer, two Ratings, Copyright, XPTitle...
_TEXTS = {270, 271, 272, ORIENTATION, SOFTWARE, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)}
_COLOURS = {301, 318, 319}  # TransferFunction, WhitePoint, PrimaryChromaticities: root tags of EXIF too
_GEO = {*GEOTIFF_TAGS, GDAL_METADATA, GDAL_NODATA}
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_RESOLUTION = {X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT}
_TAKEN = {_XMP, _IPTC, _PHOTOSHOP, _ICC, *_RESOLUTION}
_STRUCTURE = {254, 255, *range(256, 267), 273, *range(277, 282), 284, *range(288, 294), 317, *range(320, 329)}
_STRUCTURE |= {*range(332, 335), *range(336, 342), 346, 347, *range(512, 522), 529, 530, 531, 532}
_STRUCTURE |= {32995, 32996, 32997, 32998, 40965, 50674, 50838, 50839}
"""Says how the samples are laid out, which the writer says anew."""
_DEPENDENT = {330: "SubIFDs", 34665: "EXIF", 34853: "GPS", INTEROP_IFD: "interoperability", 37724: "ImageSourceData"}
_DEPENDENT |= {400: "GlobalParametersIFD", 33424: "KodakIFD"}
_DEPENDENT |= {52545: "of content credentials"}  # of C2PA: they sign the file as it was
_POINTERS = {13, 18}  # types IFD, IFD8
_BYTE, _UNDEFINED = 1, 7
_NO_UNIT = 1  # ResolutionUnit: an aspect ratio


def read_directories(data: bytes, page_at: int, findings: Findings) -> Directories:
    """Of the page whose directory is at `page_at`; EXIF and GPS of the first page where that has none."""
    file = io.BytesIO(data)
    directories = Directories.read(file, at=page_at)
    findings.damage += directories.damage
    if directories.below:
        return directories
    first = Directories.read(file)
    return replace(directories, below=first.below, maker_note_at=first.maker_note_at)


def metadata_of(directories: Directories, findings: Findings) -> Metadata:
    root = directories.root
    of_exif = {tag: entry for tag, entry in root.items() if tag in _TEXTS | _COLOURS}
    exif = replace(directories, root=of_exif, big=False)
    return Metadata(
        exif=dump_exif(exif) if exif.root or exif.below else b"",
        icc_profile=root.get(_ICC, (0, b""))[1],
        xmp=root.get(_XMP, (0, b""))[1],
        dpi=directories.dpi(),
        extras=(*_photoshop(root, findings), *_shape(directories), *_further(directories, findings)),
    )


def _shape(directories: Directories) -> list[Extra]:
    """Of the pixels, which a resolution without a unit says."""
    if directories.number(RESOLUTION_UNIT) != _NO_UNIT:
        return []
    return pixel_shape(*(directories.number(tag) for tag in (X_RESOLUTION, Y_RESOLUTION)))


def _photoshop(root: Directory, findings: Findings) -> list[Extra]:
    """Resources, with the IPTC data that TIFF also keeps in a tag of its own."""
    block, iptc = (root.get(tag, (0, b""))[1] for tag in (_PHOTOSHOP, _IPTC))
    try:
        block = without_thumbnails(block)
    except (ValueError, struct.error):
        findings.damage.append("Photoshop resources")
        block = b""
    if iptc and not iptc_of(block):
        block += wrapped_iptc(iptc)
    return [Extra(kind=Kind.PHOTOSHOP, body=block)] if block else []


def _further(directories: Directories, findings: Findings) -> list[Extra]:
    """All other tags, as TIFF structures; those that point into the file cannot be taken over."""
    root = without_statistics(directories.root)
    known = _TEXTS | _COLOURS | _GEO | _TAKEN | _STRUCTURE
    pointing = _pointing(root) - known
    if pointing:
        names = ", ".join(_DEPENDENT.get(tag, str(tag)) for tag in sorted(pointing))
        findings.notes.append(f"its TIFF tags {names} were left out")
    groups = {Kind.GEO: root.keys() & _GEO, Kind.TIFF_TAGS: root.keys() - known - pointing}
    structures = ((kind, {tag: root[tag] for tag in tags}) for kind, tags in groups.items() if tags)
    return [
        Extra(kind=kind, body=dump_exif(Directories(order=directories.order, root=entries)))
        for kind, entries in structures
    ]


def _pointing(root: Directory) -> set[int]:
    """The tags whose values lead to other places of the file, or sign what is there."""
    return {tag for tag, (kind, _) in root.items() if tag in _DEPENDENT or kind in _POINTERS}


ByteOrder = Literal["<", ">"]


def byteorder(metadata: Metadata) -> ByteOrder:
    """The byte order in which a TIFF can take over all directories as they are."""
    blocks = [metadata.exif, *(extra.body for extra in _structures(metadata))]
    order = next((load_exif(block).order for block in blocks if block), "<")
    return ">" if order == ">" else "<"


def _structures(metadata: Metadata) -> list[Extra]:
    return metadata.of(Kind.GEO) + metadata.of(Kind.TIFF_TAGS)


def add_metadata(path: Path, metadata: Metadata, exif: bytes) -> None:
    """Give a TIFF of the byte order of its metadata the directories of `exif` and the describing tags.

    tifffile writes no EXIF directories. They go to the end of the file, with a new root directory whose
    entries (positions of strips among them) are those of the old one.
    """
    extra = load_exif(exif)
    added = {tag: entry for tag, entry in extra.root.items() if tag not in _STRUCTURE | _TAKEN | _pointing(extra.root)}
    for structure in _structures(metadata):
        added |= load_exif(structure.body).root
    for resources in metadata.of(Kind.PHOTOSHOP):
        added[_PHOTOSHOP] = _BYTE, resources.body
        if iptc := iptc_of(resources.body):
            added[_IPTC] = _UNDEFINED, iptc
    if metadata.xmp:
        added[_XMP] = _BYTE, metadata.xmp
    if not added and not extra.below and metadata.dpi:
        return
    with path.open("r+b") as file:
        tiff = Directories.read(file)
        if metadata.dpi is None:  # tifffile invents 1 x 1 of no unit
            for tag in _RESOLUTION:
                tiff.root.pop(tag, None)
            added |= {tag: extra.root[tag] for tag in _RESOLUTION & extra.root.keys()}
        at = file.seek(0, os.SEEK_END)
        at += at % 2
        # `byteorder` chose the order of the file by what has numbers; EXIF of another order is a text made for it.
        moved = replace(extra, order=tiff.order, big=tiff.big, root=tiff.root | added)
        body, root_at = moved.packed(at)
        file.seek(at)
        file.write(body)
        file.seek(8 if tiff.big else 4)
        file.write(struct.pack(tiff.order + ("Q" if tiff.big else "I"), root_at))
