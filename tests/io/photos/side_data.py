"""A photo with each kind of side data, in each format that is read; and the page that says what becomes of it.

`python -m tests.io.photos.side_data` writes docs/side-data.md anew; test_side_data.py holds that it is up to date.
"""

import hashlib
import io
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from glmha_cli.io.photos.formats import FORMATS
from glmha_cli.io.photos.photoshop import wrapped_iptc
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo

ROWS, COLUMNS = np.mgrid[:12, :16]
PICTURE = np.stack([ROWS * 20, COLUMNS * 15, ROWS + COLUMNS], axis=2).astype(np.uint8)
PAGE = Path(__file__).parents[3] / "docs" / "side-data.md"
IPTC = b"\x1c\x02\x78" + struct.pack(">H", 24) + b"Rain over the old bridge"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r note="a packet of XMP"/></x:xmpmeta>'
VIDEO = struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + bytes(300)


@dataclass(frozen=True)
class Sample:
    """data: a file of the format with one kind of side data. needle: bytes of it. words: one of them is in the note."""

    source: str
    kind: str
    data: bytes
    needle: bytes
    words: tuple[str, ...] = ()


def saved(kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind, **options)
    return buffer.getvalue()


def exif(root=(), below=(), interop=(), order="<") -> bytes:
    """An EXIF block of entries (tag, type, value bytes), as another writer would lay it out."""
    sizes = {3: 2, 4: 4, 5: 8, 9: 4, 12: 8}

    def directory(entries, at: int) -> bytes:
        table, values = struct.pack(order + "H", len(entries)), b""
        values_at = at + 2 + 12 * len(entries) + 4
        for tag, kind, value in sorted(entries):
            place = value
            if len(value) > 4:
                place, values = (
                    struct.pack(order + "I", values_at + len(values)),
                    values + value + b"\0" * (len(value) % 2),
                )
            table += struct.pack(order + "HHI4s", tag, kind, len(value) // sizes.get(kind, 1), place)
        return table + bytes(4) + values

    def pointer(at: int) -> bytes:
        return struct.pack(order + "I", at)

    at_below = 8 + len(directory([*root, (0x8769, 4, bytes(4))], 8))
    with_interop = [*below, (0xA005, 4, bytes(4))] if interop else below
    at_interop = at_below + len(directory(with_interop, at_below))
    parts = directory([*root, (0x8769, 4, pointer(at_below))], 8)
    parts += directory([*below, (0xA005, 4, pointer(at_interop))] if interop else below, at_below)
    parts += directory(interop, at_interop) if interop else b""
    return (b"II*\0" if order == "<" else b"MM\0*") + pointer(8) + parts


MAKER_NOTE = bytes(range(60))
RESOLUTION = struct.pack("<II", 34567, 100)
BLOCK = exif([(271, 2, b"Maker of cameras\0")], [(0x927C, 7, MAKER_NOTE), (0x9000, 7, b"0230")])
UTF8 = exif([(315, 129, "Zoë Ångström\0".encode())], [(0x9000, 7, b"0300")])
ADOBE_RGB = exif([(271, 2, b"Maker\0")], [(0xA001, 3, b"\xff\xff")], [(1, 2, b"R03\0")])


# JPEG


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(*segments: bytes, trailer: bytes = b"") -> bytes:
    data = saved("JPEG", quality=95)
    return data[:20] + b"".join(segments) + data[20:] + trailer


def extended_xmp() -> bytes:
    part = b"<more>" + b"k" * 70_000 + b"</more>"
    guid = hashlib.md5(part).hexdigest().upper().encode()
    main = XMP.replace(b"<r ", b'<r xmpNote:HasExtendedXMP="' + guid + b'" ')
    pieces = (part[at : at + 60_000] for at in (0, 60_000))
    heads = (guid + struct.pack(">II", len(part), at) for at in (0, 60_000))
    more = [b"http://ns.adobe.com/xmp/extension/\0" + head + piece for head, piece in zip(heads, pieces, strict=True)]
    return jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main), *(segment(0xE1, body) for body in more))


def jpegs() -> Iterator[Sample]:
    def sample(kind: str, data: bytes, needle: bytes, *words: str) -> Sample:
        return Sample("JPEG", kind, data, needle, words)

    yield sample("EXIF with a maker note", jpeg(segment(0xE1, b"Exif\0\0" + BLOCK)), MAKER_NOTE, "EXIF")
    yield sample("EXIF 3.0 text (UTF-8)", jpeg(segment(0xE1, b"Exif\0\0" + UTF8)), "Zoë Ångström".encode(), "EXIF")
    document = exif([(269, 2, b"a document\0")], [(0x9000, 7, b"0230")])
    yield sample("name of the document in EXIF", jpeg(segment(0xE1, b"Exif\0\0" + document)), b"a document", "EXIF")
    yield sample("Adobe RGB by EXIF", jpeg(segment(0xE1, b"Exif\0\0" + ADOBE_RGB)), b"R03", "EXIF")
    yield sample("XMP", jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)), XMP, "XMP")
    yield sample("extended XMP", extended_xmp(), b"k" * 10_000, "extended XMP")
    block = b"Photoshop 3.0\0" + wrapped_iptc(IPTC)
    yield sample("IPTC", jpeg(segment(0xED, block)), IPTC, "IPTC")
    yield sample("comment", jpeg(segment(0xFE, "Über den Fluß".encode())), "Über den Fluß".encode(), "comment")
    yield sample("comment of other bytes", jpeg(segment(0xFE, b"\xff\xfe no text")), b"\xff\xfe no text", "comment")
    late = jpeg()[:-2] + segment(0xE1, b"Exif\0\0" + BLOCK) + jpeg()[-2:]
    yield sample("EXIF behind the pixels", late, MAKER_NOTE, "behind the start")
    yield sample("APP0 of a maker", jpeg(segment(0xE0, b"CIFF of 1997")), b"CIFF of 1997", "APP0")
    yield sample("segment of a maker", jpeg(segment(0xE4, b"MAKER\0of a maker")), b"of a maker", "APP4")
    yield sample("content credentials (JUMBF)", jpeg(segment(0xEB, b"JP\0\1of its making")), b"of its making", "APP11")
    yield sample("video behind the picture", jpeg(trailer=VIDEO), VIDEO, "video")
    yield sample("data behind the picture", jpeg(trailer=b"SEFH" + bytes(20) + b"SEFT"), b"SEFT", "left out")
    second = jpeg(segment(0xE2, b"MPF\0II*\0"), trailer=saved("JPEG", quality=10))
    yield sample("second picture (MPF)", second, saved("JPEG", quality=10), "multi-picture")
    density = jpeg()
    density = density[:13] + struct.pack(">BHH", 0, 2, 1) + density[18:]
    yield sample("shape of its pixels", density, struct.pack(">IIB", 2, 1, 0), "pixels")


# PNG


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    data = saved("PNG")
    return data[:33] + b"".join(chunk(*each) for each in chunks) + data[33:]


def raw_profile(name: bytes, data: bytes) -> tuple[bytes, bytes]:
    text = b"\n%s\n%8d\n%s\n" % (name, len(data), data.hex().encode())
    return b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(text)


def pngs() -> Iterator[Sample]:
    def sample(kind: str, chunks, needle: bytes, *words: str) -> Sample:
        return Sample("PNG", kind, png(*([chunks] if isinstance(chunks[0], bytes) else chunks)), needle, words)

    yield sample("EXIF with a maker note", (b"eXIf", BLOCK), MAKER_NOTE, "EXIF")
    yield sample("EXIF with the prefix of JPEG", (b"eXIf", b"Exif\0\0" + BLOCK), MAKER_NOTE, "EXIF")
    yield sample("EXIF as text", raw_profile(b"exif", b"Exif\0\0" + BLOCK), MAKER_NOTE, "EXIF")
    yield sample("IPTC as text", raw_profile(b"iptc", wrapped_iptc(IPTC)), IPTC, "IPTC")
    yield sample("IPTC as text, without resources", raw_profile(b"iptc", IPTC), wrapped_iptc(IPTC), "IPTC")
    yield sample("XMP as text", raw_profile(b"xmp", XMP), XMP, "XMP")
    yield sample("XMP", (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), XMP, "XMP")
    yield sample("tEXt", (b"tEXt", b"Copyright\0somebody"), b"somebody", "texts")
    yield sample("zTXt", (b"zTXt", b"Comment\0\0" + zlib.compress(b"long ago")), b"long ago", "texts")
    yield sample("iTXt", (b"iTXt", b"Title\0\0\0de\0Titel\0" + "Brücke".encode()), "Brücke".encode(), "texts")
    gamma, wide = struct.pack(">I", 55556), struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    yield sample("gAMA", (b"gAMA", gamma), b"gAMA" + gamma, "gAMA")
    yield sample("gAMA and cHRM", ((b"gAMA", gamma), (b"cHRM", wide)), b"cHRM" + wide, "cHRM")
    yield sample("cICP (Display P3)", (b"cICP", b"\x0c\x0d\0\1"), b"cICP\x0c\x0d\0\1", "cICP")
    yield sample("cICP (HDR)", (b"cICP", b"\x09\x10\0\1"), b"cICP\x09\x10\0\1", "cICP")
    levels = struct.pack(">II", 10_000_000, 4_000_000)
    yield sample("HDR light levels", (b"cLLI", levels), levels, "light levels")
    yield sample("HDR mastering display", (b"mDCV", bytes(range(24))), bytes(range(24)), "light levels")
    yield sample("time", (b"tIME", b"\x07\xe8\1\2\3\4\5"), b"\x07\xe8\1\2\3\4\5", "chunks")
    yield sample("background", (b"bKGD", bytes(range(6))), b"bKGD", "bKGD")
    yield sample("suggested palette", (b"sPLT", b"name\0\x08" + bytes(6)), b"sPLT", "sPLT")
    yield sample("significant bits", (b"sBIT", b"\5\6\5"), b"sBIT", "sBIT")
    yield sample("private chunk, safe to copy", (b"maKr", b"of a maker"), b"of a maker", "chunks")
    yield sample("private chunk, unsafe to copy", (b"maKR", b"of a maker"), b"of a maker", "maKR")
    yield sample("shape of its pixels", (b"pHYs", struct.pack(">IIB", 2, 1, 0)), struct.pack(">IIB", 2, 1, 0), "pixels")
    yield Sample("PNG", "data behind the picture", png() + b"SEFT", b"SEFT", ("left out",))


# TIFF


def tiff(*tags, order: str = ">") -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PICTURE, photometric="rgb", metadata=None, software=False, byteorder=order, extratags=tags)
    return buffer.getvalue()


def tiffs() -> Iterator[Sample]:
    def sample(kind: str, tag: int, dtype: int, value, needle: bytes, *words: str) -> Sample:
        count = len(value) if not isinstance(value, int) else 1
        return Sample("TIFF", kind, tiff((tag, dtype, count, value, True)), needle, words)

    place = (500_000.0, 4_649_776.0, 0.0)
    yield sample("GeoTIFF keys", 33922, 12, (0.0, 0.0, 0.0, *place), struct.pack(">d", place[1]), "GeoTIFF")
    yield sample("GDAL metadata", 42112, 2, "<GDALMetadata/>", b"<GDALMetadata/>", "GeoTIFF")
    yield sample("IPTC", 33723, 7, IPTC, IPTC, "IPTC")
    yield sample("Photoshop resources with IPTC", 34377, 1, wrapped_iptc(IPTC), IPTC, "IPTC")
    yield sample("XMP", 700, 1, XMP, XMP, "XMP")
    for name, tag in (("description", 270), ("artist", 315), ("copyright", 33432)):
        yield sample(name, tag, 2, f"the {name} of it", f"the {name} of it".encode(), "EXIF")
    yield sample("name of the document", 269, 2, "a document", b"a document", "TIFF tags")
    yield sample("private tag", 65000, 2, "of a maker", b"of a maker", "TIFF tags")
    yield sample("directory of a maker", 65001, 13, 8, b"no such bytes", "65001")
    yield sample(
        "layers of Photoshop", 37724, 7, b"Adobe Photoshop Document Data Block", b"Document Data", "ImageSourceData"
    )
    yield sample("content credentials (JUMBF)", 52545, 7, b"\0\0\0\x10jumbjumd", b"jumbjumd", "credentials")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PICTURE, photometric="rgb", metadata=None, resolution=(2, 1), resolutionunit=1)
    shape = struct.pack(">IIB", 2, 1, 0)
    yield Sample("TIFF", "shape of its pixels", buffer.getvalue(), shape, ("pixels",))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tif")
        path.write_bytes(saved("TIFF", exif=Image.Exif(), tiffinfo={34665: {0x927C: MAKER_NOTE, 0x9000: b"0230"}}))
        yield Sample("TIFF", "EXIF with a maker note", path.read_bytes(), MAKER_NOTE, ("EXIF",))


# WebP and AVIF


def webp(*chunks: tuple[bytes, bytes], **options) -> bytes:
    data = saved("WEBP", **options)
    for kind, body in chunks:
        data += kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def webps() -> Iterator[Sample]:
    yield Sample("WebP", "EXIF with a maker note", saved("WEBP", exif=BLOCK), MAKER_NOTE, ("EXIF",))
    resolution = exif([(282, 5, RESOLUTION), (283, 5, RESOLUTION)], [(0x9000, 7, b"0230")])
    yield Sample("WebP", "resolution in EXIF", saved("WEBP", exif=resolution), RESOLUTION, ("EXIF",))
    yield Sample("WebP", "XMP", saved("WEBP", xmp=XMP), XMP, ("XMP",))
    yield Sample("WebP", "chunk of a maker", webp((b"MAKR", b"of a maker"), exif=BLOCK), b"of a maker", ("MAKR",))
    yield Sample("WebP", "data behind the picture", saved("WEBP") + b"SEFT", b"SEFT", ("left out",))


def avifs() -> Iterator[Sample]:
    yield Sample("AVIF", "EXIF with a maker note", saved("AVIF", exif=BLOCK), MAKER_NOTE, ("EXIF",))
    yield Sample("AVIF", "XMP", saved("AVIF", xmp=XMP), XMP, ("XMP",))
    yield Sample("AVIF", "video behind the picture", saved("AVIF") + motion_box(), VIDEO, ("video",))


def motion_box() -> bytes:
    return struct.pack(">I", 8 + len(VIDEO)) + b"mpvd" + VIDEO


def samples() -> list[Sample]:
    from tests.io.photos import read_only_side_data

    return [*jpegs(), *pngs(), *tiffs(), *webps(), *avifs(), *read_only_side_data.samples()]


def outcome(sample: Sample, row_name: str, folder: Path) -> tuple[str, str]:
    """What becomes of the side data in a format: "kept", "said" or "lost"; and all notes."""
    source, target = folder / "in", folder / f"out{FORMATS[row_name].suffixes[0]}"
    source.write_bytes(sample.data)
    photo = read_photo(source)
    notes = " | ".join((*photo.notes, *write_photo(target, photo.pixels, like=photo, overwrite=True)))
    if sample.needle in unpacked(target.read_bytes()):
        return "kept", notes
    return ("said" if any(word in notes for word in sample.words) else "lost"), notes


def unpacked(data: bytes) -> bytes:
    """The bytes of a file, and once more what a PNG keeps deflated or as hexadecimal digits."""
    found = [data]
    at = 8 if data.startswith(b"\x89PNG") else len(data)
    while at + 8 < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind in (b"zTXt", b"iCCP"):
            text = zlib.decompress(body[body.index(b"\0") + 2 :])
            found += [text, bytes.fromhex(text.split(b"\n", 3)[3].decode()) if b"Raw profile" in body else b""]
        at += 12 + size
    return b"\n".join(found)


HEAD = """# What becomes of what a photo carries

Written by `python -m tests.io.photos.side_data`, from files with one kind of side data each: *kept* byte for byte, or
*said* to be left out (or, of colours, written as an ICC profile instead) in a line on stderr. Nothing is lost in
silence.
Thumbnails inside EXIF, XMP, Photoshop resources and TIFF files are left out without a word: they show the photo before
restoration. So are GDAL's statistics of its values, and what only describes how the old file stored its samples.

## Formats

| format | file names | read | written | bits | alpha | gray |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    lines = [HEAD.rstrip("\n")]
    yes = {True: "yes", False: "no"}
    for row in FORMATS.values():
        if row.suffixes:
            written = (
                [", ".join(map(str, row.bit_depths)), yes[row.alpha], yes[row.grayscale]] if row.encode else [""] * 3
            )
            cells = [row.name, " ".join(row.suffixes), "yes", yes[bool(row.encode)], *written]
            lines.append(f"| {' | '.join(cells)} |")
    targets = [name for name, row in FORMATS.items() if row.encode]
    lines += ["", "## Side data", "", f"| from | what | {' | '.join(f'to {name}' for name in targets)} |"]
    lines.append(f"|---|---|{'---|' * len(targets)}")
    with tempfile.TemporaryDirectory() as folder:
        for sample in samples():
            cells = [outcome(sample, name, Path(folder))[0] for name in targets]
            lines.append(f"| {sample.source} | {sample.kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
