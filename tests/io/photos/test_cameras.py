"""Camera raw files and JPEG XL, as other libraries write them."""

from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.photos.colours import colours_of
from glmha_cli.io.photos.exif import load_exif
from glmha_cli.io.photos.formats import output_suffix, raw
from glmha_cli.io.photos.metadata import Findings, Metadata
from glmha_cli.io.photos.read import read_photo
from tests.io.photos.photos import noise, read_bytes
from tests.io.photos.raw import dng
from tests.io.photos.read_only_side_data import box, jpeg_xl


def patches() -> np.ndarray:
    """Gray, red, green and blue quarters, linear."""
    scene = np.full((32, 48, 3), 0.18)
    scene[:16, 24:], scene[16:, :24], scene[16:, 24:] = (0.6, 0.1, 0.1), (0.1, 0.5, 0.1), (0.1, 0.2, 0.7)
    return scene


def srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def middles(pixels: np.ndarray) -> np.ndarray:
    """Of the quarters, without their borders, where the mosaic mixes them."""
    return np.array([pixels[y : y + 4, x : x + 4].mean((0, 1)) for y in (6, 22) for x in (10, 34)])


def test_a_raw_file_is_developed_with_the_cameras_white_balance_in_srgb_of_16_bit(tmp_path):
    photo = read_bytes(tmp_path / "a.dng", dng(patches()))
    assert photo.bit_depth == 16 and not photo.grayscale and photo.colours.shape == (32, 48, 3)
    np.testing.assert_allclose(middles(photo.pixels), srgb(middles(patches())), atol=0.02)
    assert colours_of(photo.metadata).is_srgb


def test_a_dark_photo_stays_dark(tmp_path):
    """Nothing is stretched by what else is in the picture: the photos of a series stay alike."""
    photo = read_bytes(tmp_path / "a.dng", dng(patches() / 8))
    np.testing.assert_allclose(middles(photo.pixels), srgb(middles(patches() / 8)), atol=0.02)


def test_a_raw_file_is_turned_upright_and_keeps_its_exif(tmp_path):
    photo = read_bytes(tmp_path / "a.dng", dng(patches(), orientation=6))
    assert photo.colours.shape == (48, 32, 3)
    exif = load_exif(photo.metadata.exif)
    assert exif.number(274, 1) == 1 and exif.root[315][1].startswith(b"Joerg")
    # Turned clockwise, the lower left quarter (green) is the upper left one.
    np.testing.assert_allclose(photo.pixels[8, 8], srgb(np.array([0.1, 0.5, 0.1])), atol=0.03)


def test_a_preview_that_cannot_be_read_costs_no_more_than_its_exif():
    rawpy = pytest.importorskip("rawpy", reason="needs the extra `raw`")
    preview = SimpleNamespace(format=rawpy.ThumbFormat.JPEG, data=b"\xff\xd8\xff\xda")
    findings = Findings()
    assert raw._of_preview(SimpleNamespace(extract_thumb=lambda: preview), findings) == Metadata()
    assert findings.damage == ["preview"]


def test_raw_files_become_tiff_and_are_checked_before_they_are_developed(tmp_path):
    assert {output_suffix(suffix) for suffix in (".dng", ".NEF", ".cr3", ".raf")} == {".tif"}
    (tmp_path / "a.dng").write_bytes(dng(patches()))
    with pytest.raises(BadDataError, match="limit"):
        read_photo(tmp_path / "a.dng", max_pixels=100)
    for cut in (100, 900):
        with pytest.raises(BadDataError):
            read_bytes(tmp_path / "b.dng", dng(patches())[:cut])
    with pytest.raises(BadDataError, match="LibRaw"):
        read_bytes(tmp_path / "c.raf", b"FUJIFILMCCD-RAW 0201" + bytes(500))


def test_without_the_extra_a_raw_file_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        read_bytes(tmp_path / "a.dng", dng(patches()))
    assert "[raw]" in caught.value.hint


@pytest.mark.parametrize("shape", [(33, 47), (64, 64, 3), (100, 150, 3), (17, 300, 4), (600, 800)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("boxed", [False, True])
def test_jpeg_xl_is_exact(tmp_path, shape, dtype, boxed):
    pixels = noise(*shape, dtype=dtype)
    photo = read_bytes(tmp_path / "a", imagecodecs.jpegxl_encode(pixels, lossless=True, usecontainer=boxed))
    whole = photo.colours if photo.alpha is None else np.dstack([photo.colours, photo.alpha])
    np.testing.assert_array_equal(whole, np.atleast_3d(pixels))
    assert photo.bit_depth == 8 * pixels.itemsize and photo.notes == ()
    with pytest.raises(BadDataError, match=f"declares {shape[1]} x {shape[0]} pixels, above the limit"):
        read_photo(tmp_path / "a", max_pixels=shape[0] * shape[1] - 1)


@pytest.mark.parametrize("bits", [1, 4, 7, 9, 10, 12, 15])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl_of_any_depth_fills_its_range(tmp_path, bits, channels):
    peak = 2**bits - 1
    samples = np.random.default_rng(0).integers(0, peak, (9, 8, channels), endpoint=True)
    samples = samples.astype(np.uint8 if bits <= 8 else np.uint16)
    data = imagecodecs.jpegxl_encode(samples.squeeze(), lossless=True, bitspersample=bits)
    photo = read_bytes(tmp_path / "a.jxl", bytes(data))
    whole = photo.colours if photo.alpha is None else np.dstack([photo.colours, photo.alpha])
    np.testing.assert_array_equal(whole, np.rint(samples * ((255 if bits <= 8 else 65535) / peak)))


def test_jpeg_xl_keeps_what_its_boxes_hold(tmp_path):
    data = imagecodecs.jpegxl_encode(noise(20, 20, 3), lossless=True, usecontainer=True)
    exif = b"II*\0\x08\0\0\0\1\0" + b"\x3b\1\2\0\6\0\0\0\x1a\0\0\0" + bytes(4) + b"Joerg\0"
    data += box(b"Exif", bytes(4) + exif) + box(b"xml ", b"<x:xmpmeta/>") + box(b"jumb", b"else")
    photo = read_bytes(tmp_path / "a.jxl", data)
    assert load_exif(photo.metadata.exif).root[315][1] == b"Joerg\0"
    assert photo.metadata.xmp == b"<x:xmpmeta/>" and photo.notes == ("its JPEG XL boxes jumb were left out",)


@pytest.mark.parametrize("body", [b"", b"no Brotli", bytes(imagecodecs.brotli_encode(bytes(17 << 20)))])
def test_a_compressed_box_that_cannot_be_unpacked_costs_itself_alone(tmp_path, body):
    photo = read_bytes(tmp_path / "a.jxl", jpeg_xl(box(b"brob", b"Exif" + body)))
    assert photo.metadata.exif == b"" and photo.notes == ("its box Exif cannot be read: left out",)


@pytest.mark.parametrize("cut", [2, 3, 10, 200])
def test_damaged_jpeg_xl_is_refused(tmp_path, cut):
    with pytest.raises(BadDataError):
        read_bytes(tmp_path / "a.jxl", imagecodecs.jpegxl_encode(noise(20, 20, 3), lossless=True)[:cut])
