"""Files that are odd beside their pixels, as cameras, editors and attackers leave them: the photo is read, what is lost
is said, and every format can be written of it.
"""

import struct
import zlib

import numpy as np
import pytest

from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import SRGB, read_bytes
from tests.io.photos.side_data import PICTURE, chunk, exif, jpeg, png, raw_profile, saved, segment, webp

HALF = len(SRGB) // 2
CIRCLE = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 0)
XAP = b"http://ns.adobe.com/xap/1.0/\0"
LAUGHS = b"<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><x:xmpmeta xmlns:x='adobe:ns:meta/'>&b;</x:xmpmeta>"


def profile_part(data: bytes, number: int, count: int) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + data)


def behind_start(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def exif_segment(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def orientation(kind: int, value: bytes) -> bytes:
    return exif([(0x0112, kind, value)])


JPEG = jpeg()
XMP_CHUNK = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")
NAMED = [segment(0xE4, b"MAKER%d\0" % number) for number in range(300)]
QUIET = {
    "parts of a profile in another order": behind_start(
        JPEG, profile_part(SRGB[HALF:], 2, 2), profile_part(SRGB[:HALF], 1, 2)
    ),
    "a profile twice": behind_start(JPEG, profile_part(SRGB, 1, 1), profile_part(SRGB, 1, 1)),
    "an EXIF directory that names itself": behind_start(JPEG, exif_segment(CIRCLE)),
    "no EXIF behind its prefix": behind_start(JPEG, exif_segment(b"")),
    "an orientation of 9": behind_start(JPEG, exif_segment(exif([(0x0112, 3, struct.pack("<H", 9))]))),
    "an orientation of 0": behind_start(JPEG, exif_segment(exif([(0x0112, 3, struct.pack("<H", 0))]))),
    "XMP that is no XML": behind_start(JPEG, segment(0xE1, XAP + b"<x:xmpmeta><broken")),
    "XMP that multiplies": behind_start(JPEG, segment(0xE1, XAP + LAUGHS)),
    "a comment of zeros": behind_start(JPEG, segment(0xFE, bytes(60_000))),
    "fill bytes before a marker": JPEG[:2] + b"\xff\xff\xff" + JPEG[2:],
    "zeros behind a JPEG": JPEG + bytes(512),
    "EXIF behind the pixels of a PNG": png()[:-12] + chunk(b"eXIf", exif()) + chunk(b"IEND", b""),
    "a resolution of 0": png((b"pHYs", struct.pack(">IIB", 0, 0, 1))),
    "cICP that says nothing": png((b"cICP", b"\2\2\0\1")),
    "a thumbnail of JFIF": behind_start(JPEG, segment(0xE0, b"JFXX\0\x10" + bytes(30))),
    "an orientation of NaN": behind_start(JPEG, exif_segment(orientation(12, struct.pack("<d", float("nan"))))),
    "an infinite orientation": behind_start(JPEG, exif_segment(orientation(12, struct.pack("<d", float("inf"))))),
    "an orientation that reads nan": behind_start(JPEG, exif_segment(orientation(2, b"nan\0"))),
    "an orientation over 0": behind_start(JPEG, exif_segment(orientation(5, struct.pack("<II", 6, 0)))),
    "primaries that are one point": png((b"gAMA", struct.pack(">I", 45455)), (b"cHRM", bytes(32))),
    "cICP with numbers of no standard": png((b"cICP", bytes([200, 200, 0, 1]))),
    "a text that unpacks to 100 MB": png((b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000)))),
}
SAID = {
    "a profile with a part missing": (behind_start(JPEG, profile_part(SRGB[:HALF], 1, 2)), "ICC"),
    "a profile that does not unpack": (png((b"iCCP", b"x\0\0garbage")), "iCCP"),
    "a profile that unpacks to 100 MB": (png((b"iCCP", b"x\0\0" + zlib.compress(bytes(100_000_000)))), "iCCP"),
    "a text without its end": (png((b"tEXt", b"no separator")), "tEXt"),
    "EXIF that is none": (saved("WEBP", exif=b"Exif\0\0garbage"), "EXIF"),
    "a profile that is none": (saved("WEBP", icc_profile=b"not a profile"), "ICC"),
    "an archive behind a JPEG": (JPEG + b"PK\3\4hello", "9 bytes"),
    "an archive behind a PNG": (png() + b"PK\3\4hello", "9 bytes"),
    "EXIF twice": (behind_start(JPEG, exif_segment(exif()), exif_segment(exif())), "Exif"),
    "EXIF twice in a PNG": (png((b"eXIf", exif()), (b"eXIf", exif())), "eXIf after the first"),
    "XMP twice in a PNG": (png(XMP_CHUNK, XMP_CHUNK), "iTXt after the first"),
    "EXIF twice in a WebP": (webp((b"EXIF", exif()), exif=exif()), "EXIF"),
    "EXIF behind the pixels of a JPEG": (JPEG[:-2] + exif_segment(exif()) + JPEG[-2:], "APP1 (Exif) behind"),
    "a comment behind the pixels of a JPEG": (JPEG[:-2] + segment(0xFE, b"late") + JPEG[-2:], "comment behind"),
    "EXIF behind a JPEG": (JPEG + exif_segment(exif()), "behind the picture"),
    "what cameras of 1997 put in APP0": (behind_start(JPEG, segment(0xE0, b"II\x1a\0\0\0HEAPJPGM")), "APP0 (II)"),
    "a field of motion JPEG": (behind_start(JPEG, segment(0xE0, b"AVI1" + bytes(10))), "AVI1"),
    "a gamma of 0": (png((b"gAMA", bytes(4))), "gAMA"),
    "a gamma of three bytes": (png((b"gAMA", bytes(3))), "gAMA"),
    "cICP of three bytes": (png((b"cICP", b"\1\2\3")), "cICP"),
    "segments of hundreds of names": (behind_start(JPEG, *NAMED), "and 292 more"),
}


def require_photo(folder, data):
    """What is read can be written in every format, and shown in sRGB."""
    photo = read_bytes(folder / "a.photo", data)
    assert photo.colours.shape == PICTURE.shape and np.abs(photo.colours.astype(int) - PICTURE).mean() < 8
    srgb_colours(photo)
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        write_photo(folder / f"out{suffix}", photo.pixels, like=photo)
    return photo


@pytest.mark.parametrize("name", QUIET)
def test_odd_but_nothing_lost(tmp_path, name):
    assert require_photo(tmp_path, QUIET[name]).notes == ()


@pytest.mark.parametrize("name", SAID)
def test_what_is_lost_is_said(tmp_path, name):
    data, word = SAID[name]
    assert any(word in note for note in require_photo(tmp_path, data).notes)


PREFIXES = {"the usual": b"Exif\0\0", "another end": b"Exif\0\xff", "twice": b"Exif\0\0Exif\0\0"}
CARRIERS = {
    "JPEG": lambda block: behind_start(JPEG, segment(0xE1, block)),
    "PNG": lambda block: png((b"eXIf", block)),
    "PNG as text": lambda block: png(raw_profile(b"exif", block)),
    "PNG as text, by the name of the segment": lambda block: png(raw_profile(b"APP1", block)),
    "WebP": lambda block: webp((b"EXIF", block)),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_exif_is_found_behind_any_prefix(tmp_path, carrier, prefix):
    block = exif([(0x0112, 3, struct.pack("<H", 6)), (315, 2, b"Zoe who took it\0")])
    photo = read_bytes(tmp_path / "a.photo", CARRIERS[carrier](PREFIXES[prefix] + block))
    assert photo.colours.shape == (16, 12, 3) and photo.notes == ()
    assert b"Zoe who took it" in photo.metadata.exif and photo.metadata.exif.startswith(b"II*\0")


@pytest.mark.parametrize("name", [b"exif", b"APP1"])
def test_exif_as_text_without_a_prefix_is_exif(tmp_path, name):
    photo = read_bytes(tmp_path / "a.png", png(raw_profile(name, orientation(3, struct.pack("<H", 6)))))
    assert photo.colours.shape == (16, 12, 3) and not photo.metadata.xmp and not photo.metadata.extras
