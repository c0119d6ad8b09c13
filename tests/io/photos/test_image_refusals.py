"""Photos: what is refused, always as one line that names the file, never by a crash."""

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.io.photos.read import read_photo
from tests.io.photos.photos import SRGB, encoded, exif, noise, read_bytes


def samples_of_every_format() -> dict[str, bytes]:
    rows, columns = np.mgrid[:40, :60]
    picture = np.stack([rows * 6, columns * 4, (rows * columns) % 256], axis=2).astype(np.uint8)
    tiff = {name: io.BytesIO() for name in ("none", "zlib", "lzw")}
    for compression, buffer in tiff.items():
        tifffile.imwrite(buffer, picture, photometric="rgb", compression=compression, rowsperstrip=8)
    return {
        "png": encoded(picture, "PNG", icc_profile=SRGB),
        "png 16": imagecodecs.png_encode(picture.astype(np.uint16) * 257),
        "jpeg": encoded(picture, "JPEG", exif=exif()),
        "jpeg progressive": encoded(picture, "JPEG", progressive=True),
        "webp": encoded(picture, "WEBP"),
        "webp lossless": encoded(picture, "WEBP", lossless=True, icc_profile=SRGB),
        **{f"tiff {name}": buffer.getvalue() for name, buffer in tiff.items()},
        "tiff pillow": encoded(picture, "TIFF", compression="tiff_lzw"),
    }


WHOLE = samples_of_every_format()


@pytest.mark.parametrize("name", WHOLE)
def test_truncated_files_are_bad_data_in_one_line(tmp_path, name):
    data = WHOLE[name]
    read_bytes(tmp_path / "whole", data)
    middle, end = range(60, len(data), max(1, len(data) // 25)), range(len(data) - 12, len(data))
    for cut in sorted({0, 1, 3, 9, 20, 40, *middle, *end}):
        with pytest.raises(BadDataError) as caught:
            read_bytes(tmp_path / "cut", data[:cut])
        assert "cut" in caught.value.message and "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (imagecodecs.jpeg8_encode(noise(16, 16, 3).astype(np.uint16) * 16, bitspersample=12), "JPEG of 12 bit"),
        (
            imagecodecs.jpeg8_encode(noise(16, 16).astype(np.uint16) * 257, lossless=True, bitspersample=16),
            "JPEG of 16 bit",
        ),
        (imagecodecs.jpegls_encode(noise(16, 16)), "JPEG-LS"),
    ],
)
def test_a_jpeg_of_another_kind_is_named_and_not_called_damaged(tmp_path, data, kind):
    with pytest.raises(BadDataError, match=f"its picture is (a )?{kind}"):
        read_bytes(tmp_path / "a.jpg", bytes(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_a_zero_filled_tail_is_not_half_gray(tmp_path, progressive):
    data = WHOLE["jpeg progressive" if progressive else "jpeg"]
    for kept in (len(data) // 2, len(data) - 40, len(data) - 2):
        with pytest.raises(BadDataError):
            read_bytes(tmp_path / "a.jpg", data[:kept].ljust(len(data) + 4000, b"\0"))
    assert read_bytes(tmp_path / "a.jpg", data + b"trailer of a camera").pixels.shape == (40, 60, 3)


def test_a_damaged_lzw_strip_is_bad_data_and_no_crash(tmp_path):
    data = bytearray(WHOLE["tiff pillow"])
    data[9] = 0x7D  # the first code after the reset points into the empty table
    with pytest.raises(BadDataError):
        read_bytes(tmp_path / "a.tif", bytes(data))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """For hypothesis, which runs many examples in one test."""
    return tmp_path_factory.mktemp("damaged")


@settings(max_examples=250)
@given(st.data())
def test_damage_gives_a_photo_or_bad_data(folder, data):
    broken = bytearray(WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo = read_bytes(folder / "damaged", bytes(broken), max_pixels=100_000)
    except BadDataError:
        return
    assert photo.pixels.ndim == 3 and photo.pixels.min() >= 0 and photo.pixels.max() <= 1


def bombs() -> dict[str, bytes]:
    """30 000 x 30 000 pixels in the header alone."""
    side = struct.pack(">H", 30_000)
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    png = encoded(noise(4, 4, 3), "PNG")
    png = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    jpeg = bytearray(encoded(noise(4, 4, 3), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = side + side
    tiff = io.BytesIO()
    tifffile.imwrite(tiff, noise(4, 4, 3), photometric="rgb")
    tiff.seek(0)
    with tifffile.TiffFile(tiff) as tif:
        places = [tif.pages[0].tags[code].valueoffset for code in (256, 257)]
    tiff = bytearray(tiff.getvalue())
    for place in places:
        tiff[place : place + 2] = struct.pack("<H", 30_000)
    return {"png": png, "jpeg": bytes(jpeg), "tiff": bytes(tiff)}


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_the_pixel_limit_holds_before_decoding(tmp_path, kind):
    with pytest.raises(BadDataError) as caught:
        read_bytes(tmp_path / "a", bombs()[kind])
    assert caught.value.hint == "--max-pixels 900000000"


@pytest.mark.parametrize("name", WHOLE)
def test_the_pixel_limit_can_be_set_to_the_pixel(tmp_path, name):
    read_bytes(tmp_path / "a", WHOLE[name], max_pixels=2400)
    with pytest.raises(BadDataError) as caught:
        read_bytes(tmp_path / "a", WHOLE[name], max_pixels=2399)
    assert caught.value.hint == "--max-pixels 2400"


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "GIF"])
def test_several_pages_or_frames_are_refused_with_their_number(tmp_path, kind):
    first, *others = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(3)]
    first.save(tmp_path / "a", kind, save_all=True, append_images=others)
    with pytest.raises(BadDataError, match="3 (pages|frame)"):
        read_photo(tmp_path / "a")


def test_a_stack_behind_one_tiff_page_is_refused_but_a_thumbnail_is_no_page(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(5, 8, 8), imagej=True)
    with pytest.raises(BadDataError, match="5 pages"):
        read_photo(path)
    with tifffile.TiffWriter(path) as tif:
        tif.write(noise(8, 8, 3), photometric="rgb")
        tif.write(noise(2, 2, 3), photometric="rgb", subfiletype=1)
    assert read_photo(path).pixels.shape == (8, 8, 3)


def test_a_cube_is_no_photo(tmp_path):
    cube = np.zeros((31, 8, 8), np.float32)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, cube, photometric="minisblack", planarconfig="separate", metadata=None)
    with pytest.raises(BadDataError, match="31 channel"):
        read_photo(path)


def test_missing_files_offer_the_closest_name(tmp_path):
    (tmp_path / "holiday.png").write_bytes(b"not a picture")
    with pytest.raises(NoInputError) as caught:
        read_photo(tmp_path / "holliday.png")
    assert str(tmp_path / "holiday.png") in caught.value.hint
    for missing in (tmp_path, tmp_path / "no" / "a.png", Path("/dev/null")):
        with pytest.raises(NoInputError):
            read_photo(missing)
    with pytest.raises(
        BadDataError, match="not a PNG, JPEG, RAW, TIFF, WebP, AVIF, HEIC, JPEG XL, BMP, JPEG 2000, PPM, TGA or GIF"
    ):
        read_photo(tmp_path / "holiday.png")
    with pytest.raises(BadDataError, match="empty"):
        read_bytes(tmp_path / "empty.png", b"")


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "pointer of Git LFS", "git lfs pull"),
        (b"\n<!DOCTYPE HTML><html><body>404", "web page", "download"),
        (b"\x93NUMPY\1\0v\0{'descr'", "a cube", "glmha preview"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "a cube", "glmha preview"),
        (b"PK\3\4" + bytes(90), "an archive", "unpack it"),
        (bytes(4096), "zeros", "copy or download"),
        (b"8BPS\0\1" + bytes(90), "not a PNG, JPEG", "convert it"),
    ],
    ids=["LFS", "HTML", "NPY", "HDF5", "ZIP", "zeros", "PSD"],
)
def test_what_is_no_photo_is_named_with_what_helps(tmp_path, data, what, hint):
    with pytest.raises(BadDataError, match=what) as caught:
        read_bytes(tmp_path / "a.png", data)
    assert hint in caught.value.hint


def test_a_single_picture_has_no_other_frames(tmp_path):
    for kind in ("JPEG", "PNG", "TIFF", "WEBP", "GIF"):
        with pytest.raises(BadDataError, match="one picture") as caught:
            read_bytes(tmp_path / "a.photo", encoded(np.zeros((4, 5, 3), np.uint8), kind), frame=7)
        assert caught.value.hint == "leave out --frame"
