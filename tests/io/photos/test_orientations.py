"""Upright, once, whatever way a file says its orientation and whatever way its decoder takes it."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from glmha_cli.io.photos.exif import load_exif
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.formats.jpegxl_header import read_header
from glmha_cli.io.photos.metadata import Kind, Metadata, pixel_shape
from glmha_cli.io.photos.orientation import upright
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


SUBJECT_AREA, SUBJECT_LOCATION = 0x9214, 0xA214


def with_subject(orientation: int, area: tuple[int, ...], kind: int = 3) -> bytes:
    form = {3: "H", 4: "I"}[kind]
    below = [(SUBJECT_AREA, kind, struct.pack(f"<{len(area)}{form}", *area))]
    below.append((SUBJECT_LOCATION, 3, struct.pack("<2H", *area[:2])))
    return segment(0xE1, b"Exif\0\0" + exif([(274, 3, bytes([orientation, 0]))], below))


def subject_of(photo, tag: int) -> tuple[int, ...]:
    value = load_exif(photo.metadata.exif).below[0x8769][tag][1]
    return struct.unpack(f"<{len(value) // 2}H", value)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("further", [(), (5,), (6, 4)])
def test_the_subject_is_where_it_was_in_the_picture(tmp_path, orientation, further):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(with_subject(orientation, (10, 3, *further))))
    marked = np.zeros((12, 16), bool)
    marked[3, 10] = True
    row, column = np.argwhere(TURNS[orientation](marked))[0]
    x, y, *size = subject_of(photo, SUBJECT_AREA)
    assert (x, y) == subject_of(photo, SUBJECT_LOCATION) == (column, row)
    assert tuple(size) == (further[::-1] if orientation > 4 else further)


def test_a_subject_that_cannot_be_turned_is_left_out_with_a_note(tmp_path):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(with_subject(6, (10, 3, 6, 4), kind=4)))
    assert photo.notes == (f"its EXIF or TIFF tag {SUBJECT_AREA} cannot be turned with it: left out",)
    below = load_exif(photo.metadata.exif).below[0x8769]
    assert SUBJECT_AREA not in below and subject_of(photo, SUBJECT_LOCATION) == (8, 10)
    upright = read_bytes(tmp_path / "b.jpg", jpeg(with_subject(1, (10, 3, 6, 4), kind=4)))
    assert upright.notes == () and SUBJECT_AREA in load_exif(upright.metadata.exif).below[0x8769]


@pytest.mark.parametrize("orientation", TURNS)
def test_places_turn_with_a_picture_that_its_decoder_turns(orientation):
    """As libheif and libjxl do: the EXIF is still of the picture before."""
    turned = TURNS[orientation](RAMP[:12, :16])
    metadata = Metadata(exif=with_subject(orientation, (10, 3))[10:])
    photo = upright(Stored(samples=turned, metadata=metadata, orientation=1, turned=orientation))
    x, y = subject_of(photo, SUBJECT_AREA)
    np.testing.assert_array_equal(photo.samples[y, x], RAMP[3, 10])
    np.testing.assert_array_equal(photo.samples, turned)


@pytest.mark.parametrize("orientation", TURNS)
def test_the_header_of_a_jpeg_xl_says_how_it_is_turned(orientation):
    height, ratio, not_all_by_default, extra_fields = "000110100000", "110", "0", "1"  # 12 rows, of 4:3
    turned = f"{orientation - 1:03b}"[::-1] + "000"  # lowest bit first; no size of its own, preview or animation
    bits = (height + ratio + not_all_by_default + extra_fields + turned).ljust(256, "0")
    data = b"\xff\x0a" + bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, 256, 8))
    header = read_header(data)
    assert header.orientation == orientation
    assert (header.width, header.height) == ((12, 16) if orientation > 4 else (16, 12))


@pytest.mark.parametrize("orientation", TURNS)
def test_pixels_that_are_not_square_turn_with_the_photo(orientation):
    across, down = (1, 2) if orientation > 4 else (2, 1)
    block = exif([(274, 3, struct.pack("<H", orientation))])
    metadata = Metadata(exif=block, extras=tuple(pixel_shape(2, 1)))
    (shape,) = upright(Stored(samples=RAMP, metadata=metadata)).metadata.of(Kind.ASPECT)
    assert shape.body == struct.pack(">IIB", across, down, 0)


@pytest.mark.parametrize("orientation", TURNS)
def test_the_resolution_in_exif_turns_with_the_photo(orientation):
    """As that of a fax, which is twice as fine across as down."""
    numbers = [(282, 5, struct.pack("<II", 204, 1)), (283, 5, struct.pack("<II", 98, 1))]
    block = exif([(274, 3, struct.pack("<H", orientation)), *numbers])
    found = load_exif(upright(Stored(samples=RAMP, metadata=Metadata(exif=block))).metadata.exif)
    assert (found.number(282), found.number(283)) == ((98, 204) if orientation > 4 else (204, 98))
