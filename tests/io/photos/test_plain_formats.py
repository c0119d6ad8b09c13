"""Formats that are only read: BMP, JPEG 2000, PPM and TGA, as other libraries write them."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats import output_suffix, writable_suffixes
from glmha_cli.io.photos.read import read_photo
from tests.io.photos.photos import SRGB, encoded, noise, read_bytes


@pytest.mark.parametrize("kind", ["BMP", "TGA", "PPM"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_files_of_pillow_are_read_exactly(tmp_path, kind, shape):
    pixels = noise(*shape)
    photo = read_bytes(tmp_path / "a", encoded(pixels, kind))
    np.testing.assert_array_equal(photo.colours, np.atleast_3d(pixels))
    assert photo.grayscale == (len(shape) == 2) and photo.bit_depth == 8 and photo.notes == ()


def test_a_tga_keeps_its_alpha_and_its_packing(tmp_path):
    pixels = noise(6, 5, 4)
    pixels[2] = pixels[2, 0]
    photo = read_bytes(tmp_path / "a.tga", encoded(pixels, "TGA", compression="tga_rle"))
    np.testing.assert_array_equal(np.dstack([photo.colours, photo.alpha]), pixels)


@pytest.mark.parametrize(("said", "found"), [(8, 8), (8, None), (0, 8), (0, None)])
def test_what_pads_the_pixels_of_a_tga_is_no_alpha(tmp_path, said, found):
    """By the image descriptor: how many bits of a pixel are attributes (Truevision TGA 2.0, field 5.6)."""
    pixels = noise(6, 5, 4)
    pixels[..., 3] = pixels[..., 3] if found else 0
    head = struct.pack("<3B5x2H2H2B", 0, 0, 2, 0, 0, 5, 6, 32, 0x20 | said)
    photo = read_bytes(tmp_path / "a.tga", head + pixels[..., [2, 1, 0, 3]].tobytes())
    np.testing.assert_array_equal(photo.colours, pixels[..., :3])
    assert (photo.alpha is not None) == bool(said or found)
    assert bool(photo.notes) == bool(found and not said)


@pytest.mark.parametrize("origin", [0, 6])
def test_a_tga_of_gimp_from_the_top_is_read(tmp_path, origin):
    """GIMP puts the origin of such a picture at its height."""
    pixels = noise(6, 5, 3)
    head = struct.pack("<3B5x4H2B", 0, 0, 2, 0, origin, 5, 6, 24, 0x20)
    photo = read_bytes(tmp_path / "a.tga", head + pixels[..., ::-1].tobytes())
    np.testing.assert_array_equal(photo.colours, pixels)


@pytest.mark.parametrize("kind", ["BMP", "TGA"])
def test_the_limit_of_pillow_is_none_of_ours(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_bytes(tmp_path / "a", encoded(noise(5, 7, 3), kind)).colours.shape == (5, 7, 3)


@pytest.mark.parametrize("peak", [1, 15, 255, 256, 1023, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_ppm_of_any_peak_fills_its_range(tmp_path, peak, channels):
    samples = np.random.default_rng(0).integers(0, peak, (4, 6, channels), endpoint=True)
    head = b"P%d # made by hand\n# 6 4\n6\t4\n%d\n" % (6 if channels == 3 else 5, peak)
    data = head + samples.astype(">u1" if peak < 256 else ">u2").tobytes()
    photo = read_bytes(tmp_path / "a.ppm", data)
    assert photo.bit_depth == (8 if peak < 256 else 16) and "comments" in photo.notes[0]
    full = 255 if peak < 256 else 65535
    np.testing.assert_array_equal(photo.colours, np.rint(samples * (full / peak)))
    for cut in (1, 8, len(head), len(data) - 1):
        with pytest.raises(BadDataError):
            read_bytes(tmp_path / "cut", data[:cut])


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (9, 8, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_jpeg_2000_is_exact(tmp_path, codec, shape, dtype):
    pixels = noise(*shape, dtype=dtype)
    photo = read_bytes(tmp_path / "a", imagecodecs.jpeg2k_encode(pixels, level=0, codecformat=codec))
    whole = photo.colours if photo.alpha is None else np.dstack([photo.colours, photo.alpha])
    np.testing.assert_array_equal(whole, np.atleast_3d(pixels))
    assert photo.bit_depth == 8 * pixels.itemsize and photo.notes == ()
    with pytest.raises(BadDataError, match="limit"):
        read_photo(tmp_path / "a", max_pixels=71)


def test_texts_of_a_tga_are_said_to_be_left_out(tmp_path):
    photo = read_bytes(tmp_path / "a.tga", encoded(noise(6, 5, 3), "TGA", id_section=b"a text"))
    assert "texts" in photo.notes[0]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def test_what_a_jp2_carries(tmp_path):
    data = imagecodecs.jpeg2k_encode(noise(4, 4, 3), level=0, codecformat="jp2")
    header_at = data.index(b"jp2h") - 4
    (size,) = struct.unpack_from(">I", data, header_at)
    colours_at = data.index(b"colr") - 4
    resolution = box(b"res ", box(b"resd", struct.pack(">4H2b", 11811, 100, 11811, 100, 2, 2)))
    header = box(b"jp2h", data[header_at + 8 : colours_at] + box(b"colr", b"\2\0\0" + SRGB) + resolution)
    xmp = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta/>")
    data = data[:header_at] + header + xmp + box(b"xml ", b"<other/>") + data[header_at + size :]
    photo = read_bytes(tmp_path / "a.jp2", data)
    assert photo.metadata.icc_profile == SRGB and photo.metadata.xmp == b"<x:xmpmeta/>"
    assert photo.metadata.dpi == pytest.approx((300, 300), abs=0.1) and "xml" in photo.notes[0]


def test_a_small_header_does_not_vouch_for_a_large_codestream(tmp_path):
    small, large = (imagecodecs.jpeg2k_encode(noise(n, n, 3), codecformat=f) for n, f in ((2, "j2k"), (40, "jp2")))
    at = large.index(b"jp2h") - 4
    with pytest.raises(BadDataError, match="limit"):
        read_bytes(tmp_path / "a", large[:at] + box(b"free", small) + large[at:], max_pixels=100)


def test_every_format_becomes_one_that_is_written():
    for suffix, expected in {".HEIC": ".jpg", ".avif": ".jpg", ".bmp": ".png", ".jp2": ".png", ".JPG": ".JPG"}.items():
        assert output_suffix(suffix) == expected and expected.lower() in writable_suffixes()


def test_a_bmp_of_fewer_bits(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(noise(9, 8, 3)).quantize(16).save(buffer, "BMP")
    photo = read_bytes(tmp_path / "a", buffer.getvalue())
    np.testing.assert_array_equal(photo.colours, np.asarray(Image.open(buffer).convert("RGB")))
