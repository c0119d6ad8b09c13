"""Every kind of photo that Pillow can save: read as Pillow shows it, written back as the same kind, or refused by
name."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import ORIENTATION, SRGB, exif, read_bytes
from tests.reliability.corpus import ALPHA, DATA, DEEP, PICTURE, tiff

GRAY = PICTURE[..., 0]
RGB = Image.fromarray(PICTURE)
MODES = {
    "1": (Image.fromarray(GRAY > 99), {}),
    "L": (Image.fromarray(GRAY), {}),
    "LA": (Image.fromarray(ALPHA[..., :2].copy(), "LA"), {}),
    "I;16": (Image.fromarray(DEEP[..., 0]), {}),
    "P": (RGB.quantize(16), {}),
    "P, one colour clear": (RGB.quantize(16), {"transparency": 3}),
    "P, alpha for each": (RGB.quantize(16), {"transparency": bytes(range(0, 160, 10))}),
    "L, one gray clear": (Image.fromarray(GRAY), {"transparency": 100}),
    "RGB": (RGB, {}),
    "RGB, one colour clear": (RGB, {"transparency": (0, 0, 0)}),
    "RGBA": (Image.fromarray(ALPHA), {}),
    "CMYK": (RGB.convert("CMYK"), {}),
}
KINDS = {
    "PNG": MODES.keys() - {"CMYK"},
    "JPEG": {"L", "RGB", "CMYK"},
    "WEBP": {"RGB", "RGBA"},
    "AVIF": {"L", "RGB", "RGBA"},
    "BMP": {"1", "L", "P", "RGB"},
    "TIFF": {mode for mode in MODES if "clear" not in mode and "each" not in mode},
}


def saved(image: Image.Image, kind: str, options: dict) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options, **({"lossless": True} if kind == "WEBP" else {}))
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in KINDS.items() for mode in sorted(modes)])
def test_a_photo_is_read_as_pillow_shows_it_and_written_as_it_came(tmp_path, kind, mode):
    image, options = MODES[mode]
    data = saved(image, kind, options)
    photo = read_bytes(tmp_path / "a", data)
    assert photo.grayscale == (mode[:2] in ("1", "L", "LA", "I;", "L,"))
    assert photo.bit_depth == (16 if mode == "I;16" else 8)
    shown = Image.open(io.BytesIO(data))
    has_alpha = shown.has_transparency_data
    if mode == "I;16":
        np.testing.assert_array_equal(np.rint(photo.pixels[..., 0] * 65535), DEEP[..., 0])
    else:
        rgba = np.asarray(shown.convert("RGBA"))
        tolerance = 3 if kind == "AVIF" else 0
        assert np.abs(np.rint(photo.pixels * 255) - rgba[..., :3]).max() <= tolerance
        assert (photo.alpha is not None) == has_alpha
        assert photo.alpha is None or np.abs(photo.alpha.astype(int) - rgba[..., 3]).max() <= tolerance
    for suffix in (".png", ".tif"):
        write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
        again = read_photo(tmp_path / f"b{suffix}")
        assert (again.bit_depth, again.grayscale) == (photo.bit_depth, photo.grayscale)
        np.testing.assert_array_equal(again.pixels, photo.pixels)
        assert photo.alpha is None or np.array_equal(again.alpha, photo.alpha)


REFUSED = {
    "LAB": (saved(RGB.convert("LAB"), "TIFF", {}), "CIELAB"),
    "float above 1": (tiff(PICTURE.astype(np.float32), photometric="rgb"), "not 0 to 1"),
    "32 bit": (tiff(PICTURE.astype(np.uint32), photometric="rgb"), "uint32"),
    "signed": (tiff(PICTURE.astype(np.int16), photometric="rgb"), "int16"),
    "two pictures in HEIC": ((DATA / "two.heic").read_bytes(), "2 pictures"),
    "PCX": (saved(RGB, "PCX", {}), "not a PNG, JPEG"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photo_for_us_is_refused_by_name(tmp_path, name):
    data, problem = REFUSED[name]
    with pytest.raises(BadDataError, match=problem):
        read_bytes(tmp_path / "a", data)


def animated(kind: str) -> bytes:
    buffer = io.BytesIO()
    RGB.save(buffer, kind, save_all=True, append_images=[RGB.transpose(Image.Transpose.ROTATE_180)])
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "GIF", "AVIF"])
def test_several_pictures_are_never_the_first_in_silence(tmp_path, kind):
    with pytest.raises(BadDataError, match="2 (pages|frame)"):
        read_bytes(tmp_path / "a", animated(kind))


# AVIF and HEIC

LOSSLESS = {"rgba8.heic": (np.rot90(ALPHA, -1), 8), "rgb10.heic": (DEEP >> 6, 10)}


@pytest.mark.parametrize("name", LOSSLESS)
def test_heic_is_exact_in_8_and_10_bit(tmp_path, name):
    stored, bits = LOSSLESS[name]
    photo = read_photo(DATA / name)
    assert photo.bit_depth == (8 if bits == 8 else 16)
    np.testing.assert_allclose(photo.pixels, stored[..., :3] / (2**bits - 1), atol=1 / 65535)
    if bits == 8:
        np.testing.assert_array_equal(photo.alpha, stored[..., 3])
        profile = photo.metadata.icc_profile
        assert profile[36:] == SRGB[36:] and b"Orientation='1'" in photo.metadata.xmp
        write_photo(tmp_path / "a.jpg", photo.pixels, like=photo)
        with Image.open(tmp_path / "a.jpg") as written:
            assert written.getexif().get(ORIENTATION, 1) == 1 and written.info["icc_profile"] == profile
            assert written.getexif().get_ifd(ExifTags.IFD.Exif)[37500] == b"note"


def test_the_process_that_reads_heic_runs_nothing_of_the_folder_it_is_in(tmp_path, monkeypatch):
    for name in ("numpy", "glmha_cli", "pi_heif", "io"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('ran')")
    monkeypatch.chdir(tmp_path)
    assert read_photo(DATA / "rgb10.heic").bit_depth == 16


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_of_10_and_12_bit_is_kept_in_16(tmp_path, bits):
    import imagecodecs

    stored = DEEP >> (16 - bits)
    data = imagecodecs.avif_encode(stored, level=100, bitspersample=bits)
    photo = read_bytes(tmp_path / "a", data)
    assert photo.bit_depth == 16
    np.testing.assert_allclose(photo.pixels, stored / (2**bits - 1), atol=1 / 65535)


@pytest.mark.parametrize("orientation", [1, 6, 3])
@pytest.mark.parametrize("kind", ["AVIF", "WEBP"])
def test_metadata_of_avif_and_webp_is_kept(tmp_path, kind, orientation):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    data = saved(RGB, kind, {"exif": exif(orientation), "icc_profile": SRGB, "xmp": xmp})
    photo = read_bytes(tmp_path / "a", data)
    assert photo.pixels.shape[:2] == ((36, 24) if orientation == 6 else (24, 36))
    for suffix in (".png", ".tif", ".jpg", ".webp"):
        write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
        with Image.open(tmp_path / f"b{suffix}") as written:
            written.load()
            assert written.getexif().get(ORIENTATION, 1) == 1 and written.info["icc_profile"] == SRGB
            assert written.getexif().get_ifd(ExifTags.IFD.GPSInfo)[1] == "N" and written.info["xmp"] == xmp


def test_heic_without_its_extra_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="HEIC") as caught:
        read_photo(DATA / "rgba8.heic")
    assert caught.value.hint == extra_command("heif")
