"""Upright, once, whatever way a file says its orientation and whatever way its decoder takes it."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import encoded, read_bytes
from tests.io.photos.side_data import exif, jpeg, png, raw_profile, segment

ROWS, COLUMNS = np.mgrid[:48, :64]
RAMP = np.stack([COLUMNS * 3, ROWS * 4, (ROWS + COLUMNS) * 2], axis=2).astype(np.uint8)  # any turn or flip shows
TURNS = {
    1: lambda v: v,
    2: lambda v: v[:, ::-1],
    3: lambda v: v[::-1, ::-1],
    4: lambda v: v[::-1],
    5: lambda v: v.swapaxes(0, 1),
    6: lambda v: np.rot90(v, -1),
    7: lambda v: np.rot90(v.swapaxes(0, 1), 2),
    8: lambda v: np.rot90(v),
}


def saved_tiff(pixels: np.ndarray, orientation: int, **options) -> bytes:
    buffer = io.BytesIO()
    tags = [(274, options.pop("tag_type", 3), 1, orientation, True)]
    tifffile.imwrite(buffer, pixels, metadata=None, extratags=tags, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "rgb", "compression": "jpeg"},
        {"photometric": "rgb", "compression": "jpeg", "tile": (16, 16)},
        {"photometric": "ycbcr", "compression": "jpeg", "compressionargs": {"level": 95}},
        {"photometric": "ycbcr", "compression": "jpeg", "tile": (16, 16), "bigtiff": True},
        {"photometric": "minisblack", "compression": "jpeg", "byteorder": ">"},
        {"photometric": "rgb", "compression": "zlib", "tag_type": 4},
        {"photometric": "rgb", "compression": "jpeg", "tag_type": 1},
        {"photometric": "rgb", "byteorder": ">", "tag_type": 4, "bigtiff": True},
    ],
    ids=str,
)
def test_a_tiff_is_turned_once(tmp_path, options, orientation):
    pixels = RAMP[..., 0] if options["photometric"] == "minisblack" else RAMP
    photo = read_bytes(tmp_path / "a.tif", saved_tiff(pixels, orientation, **options))
    expected = np.atleast_3d(TURNS[orientation](pixels)).astype(int)
    if options["photometric"] == "ycbcr":  # tifffile stores as YCbCr what it is given: only the way up is compared
        plain = read_bytes(tmp_path / "a.tif", saved_tiff(pixels, 1, **options)).colours
        expected = TURNS[orientation](plain).astype(int)
    assert photo.colours.shape == expected.shape
    assert np.abs(photo.colours - expected).mean() < 3


FOUR = struct.pack("<I", 6)


@pytest.mark.parametrize(
    ("kind", "value"), [(1, b"\6"), (3, b"\6\0"), (4, FOUR), (9, FOUR), (7, b"\6"), (2, b"6\0"), (6, b"\6")]
)
@pytest.mark.parametrize("carrier", ["jpeg", "png", "png with prefix", "png text", "webp"])
def test_an_orientation_counts_in_any_type_and_any_place(tmp_path, kind, value, carrier):
    block = exif([(274, kind, value), (271, 2, b"Maker\0")])
    data = {
        "jpeg": lambda: jpeg(segment(0xE1, b"Exif\0\0" + block)),
        "png": lambda: png((b"eXIf", block)),
        "png with prefix": lambda: png((b"eXIf", b"Exif\0\0" + block)),
        "png text": lambda: png(raw_profile(b"APP1", b"Exif\0\0" + block)),
        "webp": lambda: encoded(RAMP[:12, :16], "WEBP", exif=b"Exif\0\0" + block),
    }[carrier]()
    photo = read_bytes(tmp_path / "a", data)
    assert photo.colours.shape[:2] == (16, 12) and photo.notes == ()
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        assert write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo, overwrite=True) == []
        with Image.open(tmp_path / f"b{suffix}") as written:
            tags = dict(written.getexif())
        assert (tags[274], tags[271]) == (1, "Maker")
        assert read_photo(tmp_path / f"b{suffix}").colours.shape[:2] == (16, 12)


def test_the_place_of_a_turned_orthophoto_is_said_to_be_lost(tmp_path):
    buffer = io.BytesIO()
    tags = [(274, 3, 1, 6, True), (33550, 12, 3, (10.0, 10.0, 0.0), True)]
    tifffile.imwrite(buffer, RAMP, photometric="rgb", metadata=None, extratags=tags)
    photo = read_bytes(tmp_path / "a.tif", buffer.getvalue())
    assert "GeoTIFF" in photo.notes[0]
    write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert 33550 not in tif.pages[0].tags
