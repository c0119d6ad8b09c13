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
from tests.io.photos.side_data import PICTURE, chunk, exif, jpeg, png, saved, segment

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


JPEG = jpeg()
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
    "a gamma of 0": png((b"gAMA", bytes(4))),
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
