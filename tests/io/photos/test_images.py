"""Photos: what is read, written back and refused, checked with libraries the code does not use for it."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest
import rasterio
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from glmha_cli.errors import BadDataError, CannotCreateError, UsageError
from glmha_cli.io.photos.formats import writable_suffixes
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import ARTIST, MAKE, ORIENTATION, SRGB, encoded, exif, noise, read_bytes

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
SOFTWARE = 305
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """For hypothesis, which runs many examples in one test: outputs here are overwritten."""
    return tmp_path_factory.mktemp("photos")


def rewritten(photo: Photo, path: Path, **options) -> Photo:
    """`photo` after writing and reading: the identity as a restoration."""
    assert write_photo(path, photo.pixels, like=photo, overwrite=True, **options) == []
    return read_photo(path)


def assert_same_photo(left: Photo, right: Photo) -> None:
    np.testing.assert_array_equal(left.pixels, right.pixels)
    assert (left.bit_depth, left.grayscale) == (right.bit_depth, right.grayscale)
    assert (left.alpha is None) == (right.alpha is None)
    if left.alpha is not None:
        assert left.alpha.dtype == right.alpha.dtype
        np.testing.assert_array_equal(left.alpha, right.alpha)


# Round trips

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
SAMPLES = hnp.arrays(np.uint8, SHAPES) | hnp.arrays(np.uint16, SHAPES)


@settings(max_examples=60)
@given(SAMPLES, st.sampled_from([".png", ".tif", ".TIFF"]))
def test_png_and_tiff_give_every_sample_back(folder, samples, suffix):
    channels = samples.shape[2]
    alpha = samples[..., -1] if channels in (2, 4) else None
    colours = np.broadcast_to(samples[..., :1], (*samples.shape[:2], 3)) if channels < 3 else samples[..., :3]
    pixels = (colours / np.float32(np.iinfo(samples.dtype).max)).astype(np.float32)
    photo = Photo(colours=pixels, bit_depth=8 * samples.itemsize, grayscale=channels < 3, alpha=alpha)
    path = folder / f"round{suffix}"
    assert_same_photo(rewritten(photo, path), photo)
    data = path.read_bytes()
    decoded = imagecodecs.png_decode(data) if suffix == ".png" else tifffile.imread(path)
    np.testing.assert_array_equal(decoded.reshape(samples.shape), samples)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(np.moveaxis(dataset.read(), 0, -1), samples)
    if samples.dtype == np.uint8:
        np.testing.assert_array_equal(np.asarray(Image.open(path)).reshape(samples.shape), samples)
        np.testing.assert_array_equal(iio.imread(path).reshape(samples.shape), samples)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 2), (7, 5, 3), (7, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_files_of_other_writers_are_read_exactly(tmp_path, kind, shape, dtype):
    samples = noise(*shape, dtype=dtype)
    path = tmp_path / "a"  # told by content, not by extension
    if kind == "PNG":
        path.write_bytes(imagecodecs.png_encode(samples))
    else:
        options = {} if samples.ndim == 2 else {"planarconfig": "contig"}
        options |= {"extrasamples": ["unassalpha"]} if shape[2:] in ((2,), (4,)) else {}
        photometric = "rgb" if shape[2:] in ((3,), (4,)) else "minisblack"
        tifffile.imwrite(path, samples, photometric=photometric, byteorder=">", metadata=None, **options)
    photo = read_photo(path)
    cube = np.atleast_3d(samples)
    assert photo.bit_depth == 8 * samples.itemsize and photo.grayscale == (cube.shape[2] < 3)
    assert photo.notes == ()
    colours = cube[..., :3] if cube.shape[2] > 2 else cube[..., :1]
    peak = np.iinfo(dtype).max
    np.testing.assert_array_equal(np.rint(photo.pixels * peak), np.broadcast_to(colours, photo.pixels.shape))
    assert photo.pixels.dtype == np.float32 and photo.pixels.max() <= 1
    if cube.shape[2] in (2, 4):
        np.testing.assert_array_equal(photo.alpha, cube[..., -1])


@pytest.mark.parametrize("gray", [False, True])
def test_float_tiff_is_kept_as_float_and_goes_into_png_with_16_bit(tmp_path, gray):
    samples = np.random.default_rng(0).random((6, 5) if gray else (6, 5, 3), dtype=np.float32)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack" if gray else "rgb")
    photo = read_photo(tmp_path / "a.tif")
    rewritten(photo, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), samples)
    notes = write_photo(tmp_path / "b.png", photo.pixels, like=photo)
    assert len(notes) == 1 and "16 bit" in notes[0]
    assert np.abs(imagecodecs.png_decode((tmp_path / "b.png").read_bytes()) / 65535 - samples).max() < 1e-5


@pytest.mark.parametrize("bad", [1.5, -0.1, np.nan, np.inf])
def test_float_tiff_outside_0_to_1_is_refused(tmp_path, bad):
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4, 3), bad, np.float32), photometric="rgb")
    with pytest.raises(BadDataError):
        read_photo(tmp_path / "a.tif")


# Other kinds of input


def test_palette_and_one_bit_png(tmp_path):
    image = Image.fromarray(noise(9, 8, 3)).quantize(16)
    for options, mode in (({}, "RGB"), ({"transparency": bytes(range(16))}, "RGBA")):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        photo = read_bytes(tmp_path / "a.png", buffer.getvalue())
        expected = np.asarray(Image.open(buffer).convert(mode))
        np.testing.assert_array_equal(np.rint(photo.pixels * 255), expected[..., :3])
        assert (photo.alpha is None) == (mode == "RGB")
    np.testing.assert_array_equal(photo.alpha, expected[..., 3])
    bilevel = noise(9, 8) > 127
    for kind in ("PNG", "TIFF"):
        photo = read_bytes(tmp_path / "b", encoded(bilevel, kind))
        assert photo.grayscale and photo.bit_depth == 8
        np.testing.assert_array_equal(photo.pixels[..., 1], bilevel)


def test_tiff_palette_planes_inverted_gray_and_odd_depths(tmp_path):
    path = tmp_path / "a.tif"
    rgb = noise(9, 8, 3)
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(path)
    np.testing.assert_array_equal(np.rint(read_photo(path).pixels * 255), np.asarray(palette.convert("RGB")))
    tifffile.imwrite(path, np.moveaxis(rgb, 2, 0), photometric="rgb", planarconfig="separate", tile=(16, 16))
    np.testing.assert_array_equal(np.rint(read_photo(path).pixels * 255), rgb)
    tifffile.imwrite(path, rgb[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(np.rint(read_photo(path).pixels[..., 0] * 255), 255 - rgb[..., 0])
    twelve = noise(9, 8, dtype=np.uint16) >> 4
    tifffile.imwrite(path, twelve, photometric="minisblack", bitspersample=12, compression="none")
    photo = read_photo(path)
    assert photo.bit_depth == 16 and np.abs(photo.pixels[..., 0] - twelve / 4095).max() < 1 / 65535


def test_tiff_with_premultiplied_alpha_becomes_straight_and_says_so(tmp_path):
    straight = np.full((2, 2, 3), 200, np.uint8)
    alpha = np.array([[255, 51], [102, 0]], np.uint8)
    stored = np.dstack([straight * (alpha[..., None] / 255), alpha]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    photo = read_photo(tmp_path / "a.tif")
    assert "premultiplied" in photo.notes[0]
    np.testing.assert_array_equal(photo.alpha, alpha)
    np.testing.assert_array_equal(np.rint(photo.pixels[..., 0] * 255), [[200, 200], [200, 0]])


def cmyk_profile() -> bytes:
    """A CMYK profile (ICC.1:2001) whose colour depends on K alone: L* = 100 (1 - K), neutral."""
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    ramp = struct.pack(">2H", 0, 65535)
    corners = b"".join(struct.pack(">3H", 0 if i & 1 else 65280, 32768, 32768) for i in range(16))
    table = b"mft2" + bytes(4) + struct.pack(">4B", 4, 3, 2, 0) + identity + struct.pack(">2H", 2, 2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"A2B0": table + ramp * 4 + corners + ramp * 3,
    }
    directory, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        directory += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4sI4s4s4s12x4s", 0, b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    profile = header.ljust(128, b"\0") + directory + body
    return struct.pack(">I", len(profile)) + profile[4:]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_srgb_by_its_profile(tmp_path, kind):
    ink = Image.fromarray(np.full((16, 16, 4), [200, 10, 90, 128], np.uint8), "CMYK")
    path = tmp_path / "a"
    ink.save(path, kind, icc_profile=cmyk_profile())
    photo = read_photo(path)
    # L* 50 is gray 119 in sRGB; the plain formula, which looks at C, M and Y too, makes no gray of it
    assert np.abs(photo.pixels * 255 - 119).max() < 3
    assert "ICC" in photo.notes[0] and photo.metadata.icc_profile[16:20] == b"RGB "
    ink.save(path, kind)
    photo = read_photo(path)
    assert "approximate" in photo.notes[0] and np.ptp(photo.pixels.mean(axis=(0, 1))) > 0.2
    rewritten(photo, tmp_path / "b.png")


def test_webp_is_read_and_written(tmp_path):
    rgba = noise(9, 8, 4)
    photo = read_bytes(tmp_path / "a.webp", encoded(rgba, "WEBP", lossless=True, exact=True))
    np.testing.assert_array_equal(np.rint(photo.pixels * 255), rgba[..., :3])
    np.testing.assert_array_equal(photo.alpha, rgba[..., 3])
    smooth = Photo(colours=np.full((9, 8, 3), 0.5, np.float32), bit_depth=8, alpha=photo.alpha)
    again = rewritten(smooth, tmp_path / "b.webp")
    np.testing.assert_array_equal(again.alpha, photo.alpha)
    assert np.abs(again.pixels - 0.5).max() < 0.02


# Metadata


def pillow_metadata(path: Path) -> dict:
    with Image.open(path) as image:
        image.load()
        tags = image.getexif()
        below = {name: tags.get_ifd(name) for name in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)}
        return {"tags": dict(tags), "below": below, **image.info}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_and_reset(tmp_path, kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    options |= {"xmp": XMP, "dpi": (100, 200)} if kind == "JPEG" else {}
    data = encoded(noise(6, 9, 3), kind, exif=exif(orientation), **options)
    photo = read_bytes(tmp_path / "a", data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(np.rint(photo.pixels * 255), expected)
    if kind == "JPEG":
        assert photo.metadata.dpi == ((100, 200) if orientation < 5 else (200, 100))
        assert (b'Orientation="1"' in photo.metadata.xmp) == (orientation > 1)
    for suffix in (".png", ".tif"):
        rewritten(photo, tmp_path / f"b{suffix}")
        found = pillow_metadata(tmp_path / f"b{suffix}")
        assert found["tags"][ORIENTATION] == 1
        size = found["below"][ExifTags.IFD.Exif]
        assert (size[40962], size[40963]) == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_the_orientation_of_cmyk_tiffs_is_applied_once(tmp_path, orientation, compression):
    ink = Image.fromarray(noise(6, 9, 4), "CMYK")
    path = tmp_path / "ink.tif"
    ink.save(path, compression=compression, tiffinfo={ORIENTATION: orientation}, dpi=(300, 150))
    photo = read_photo(path)
    stored = Image.fromarray(np.asarray(ink.convert("RGB")))
    stored.getexif()[ORIENTATION] = orientation
    np.testing.assert_array_equal(photo.colours, np.asarray(ImageOps.exif_transpose(stored)))
    assert photo.metadata.dpi == ((300, 150) if orientation < 5 else (150, 300))


def linear(icc_profile: bytes, curve: bytes) -> bytes:
    """The profile with this tone curve for all three channels."""
    offset = next(
        struct.unpack_from(">I", icc_profile, at + 4)[0]
        for at in range(132, 400, 12)
        if icc_profile[at : at + 4] == b"rTRC"
    )
    return icc_profile[:offset] + curve + icc_profile[offset + len(curve) :]


@pytest.mark.parametrize(
    "curve",
    [
        struct.pack(">4s4xI", b"curv", 0),
        struct.pack(">4s4xIH", b"curv", 1, 256),
        struct.pack(">4s4xHxxI", b"para", 0, 1 << 16),
    ],
)
def test_linear_srgb_is_converted_for_spectra(tmp_path, curve):
    gray = np.full((4, 4, 3), 55, np.uint8)  # linear 0.2157, which sRGB stores as 128
    for profile, expected in ((SRGB, 55), (linear(SRGB, curve), 128)):
        colours, notes = srgb_colours(read_bytes(tmp_path / "a.png", encoded(gray, "PNG", icc_profile=profile)))
        np.testing.assert_allclose(colours, expected, atol=1)
        assert bool(notes) == (expected == 128)


def test_what_only_a_png_holds_is_said(tmp_path):
    texts = PngInfo()
    texts.add(b"gAMA", struct.pack(">I", 100000))
    texts.add_text("Copyright", "somebody")
    photo = read_bytes(tmp_path / "a.png", encoded(noise(6, 9, 3), "PNG", pnginfo=texts, dpi=(300, 300)))
    said = {
        suffix: " ".join(write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo))
        for suffix in writable_suffixes()
    }
    assert not said[".png"] and all(
        "texts" in said[suffix] and "gAMA" in said[suffix] for suffix in (".jpg", ".tif", ".webp")
    )
    assert {suffix for suffix, text in said.items() if "DPI" in text} == {".webp"}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_metadata_is_kept_or_stripped(tmp_path, source, suffix, dtype):
    xmp = {"xmp": XMP} if source == "JPEG" else {}
    block = exif(extra={700: XMP} if source == "TIFF" else {})
    data = encoded(noise(6, 9, 3), source, icc_profile=SRGB, dpi=(300, 150), exif=block, **xmp)
    data = data.replace(b"J??rg", "Jörg".encode())  # Pillow's TIFF writer puts "?" for what is not ASCII
    photo = read_bytes(tmp_path / "a", data)
    deep = Photo(colours=photo.pixels, bit_depth=np.dtype(dtype).itemsize * 8, metadata=photo.metadata)
    path = tmp_path / f"b{suffix}"
    write_photo(path, photo.pixels, like=deep)
    found = pillow_metadata(path)
    tags, below = found["tags"], found["below"]
    assert found["icc_profile"] == SRGB
    assert tags[MAKE] == "Maker" and tags[ARTIST].encode("latin-1") == "Jörg".encode()
    assert below[ExifTags.IFD.Exif][33434] == (1, 60) and below[ExifTags.IFD.Exif][37500] == b"note"
    assert below[ExifTags.IFD.GPSInfo][2] == (1.0, 2.0, 3.5)
    if suffix != ".webp":
        assert found["dpi"] == pytest.approx((300, 150), abs=0.1)
    if source != "PNG":
        assert found["xmp"] == XMP
    if suffix == ".tif":
        assert tifffile.imread(path).dtype == dtype  # the strips are found through the new directory
    write_photo(path, photo.pixels, like=deep, strip_metadata=True, overwrite=True)
    found = pillow_metadata(path)
    assert not {"icc_profile", "xmp", "exif"} & found.keys()
    assert not found["tags"].keys() & {MAKE, ARTIST} and not any(found["below"].values())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
@pytest.mark.parametrize("with_exif", [False, True])
def test_provenance_is_found_by_other_tools(tmp_path, suffix, with_exif):
    options = {"exif": exif()} if with_exif else {}
    photo = read_bytes(tmp_path / "a", encoded(noise(6, 9, 3), "PNG", **options))
    path = tmp_path / f"b{suffix}"
    write_photo(path, photo.pixels, like=photo, provenance={"task": "derain", "note": "é"})
    found = pillow_metadata(path)
    text = found["glmha"] if suffix == ".png" else found["tags"][SOFTWARE].removeprefix("glmha ")
    assert text == '{"task":"derain","note":"\\u00e9"}'
    assert (found["tags"].get(MAKE) == "Maker") == with_exif


def test_texts_and_colour_chunks_go_from_png_to_png(tmp_path):
    plain = encoded(noise(6, 9, 3), "PNG")
    gamma = struct.pack(">I", 4) + b"gAMA" + struct.pack(">I", 45455)
    chunk = gamma + struct.pack(">I", zlib.crc32(gamma[4:]))
    text = struct.pack(">I", 12) + b"tEXtAuthor\0Grace"
    chunk += text + struct.pack(">I", zlib.crc32(text[4:]))
    photo = read_bytes(tmp_path / "a.png", plain[:33] + chunk + plain[33:])
    rewritten(photo, tmp_path / "b.png")
    found = pillow_metadata(tmp_path / "b.png")
    assert found["gamma"] == 0.45455 and found["Author"] == "Grace"


def test_stripping_a_profile_that_is_not_srgb_is_said(tmp_path):
    photo = read_bytes(tmp_path / "a.png", encoded(noise(6, 9, 3), "PNG", icc_profile=cmyk_profile()))
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo, strip_metadata=True)


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_damaged_exif_is_dropped_with_a_note(tmp_path):
    photo = read_bytes(tmp_path / "a.jpg", encoded(noise(6, 9, 3), "JPEG", exif=exif(6)[:60]))
    assert "EXIF" in photo.notes[0] and photo.metadata.exif == b"" and photo.pixels.shape == (6, 9, 3)
    rewritten(Photo(colours=photo.pixels, bit_depth=8, metadata=photo.metadata), tmp_path / "b.png")


@settings(max_examples=60)
@given(st.data())
def test_any_damage_to_exif_still_gives_a_photo_that_can_be_written(folder, data):
    block = bytearray(exif(6)[6:])
    for _ in range(data.draw(st.integers(1, 4))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    stored = Photo(colours=np.zeros((2, 3, 3), np.float32), bit_depth=8, metadata=Metadata(exif=bytes(block)))
    write_photo(folder / "exif.png", stored.pixels, like=stored, overwrite=True)
    photo = read_photo(folder / "exif.png")
    for suffix in (".png", ".tif", ".jpg"):
        write_photo(folder / f"exif{suffix}", photo.pixels, like=photo, overwrite=True, provenance={"a": "b"})


# Output


def test_jpeg_default_is_quality_95_without_chroma_subsampling(tmp_path):
    photo = read_bytes(tmp_path / "a.png", encoded(noise(16, 16, 3), "PNG"))
    write_photo(tmp_path / "b.jpg", photo.pixels, like=photo)
    write_photo(tmp_path / "c.jpg", photo.pixels, like=photo, quality=30)
    ours, theirs = Image.open(tmp_path / "b.jpg"), encoded(noise(9, 9, 3), "JPEG", quality=95)
    assert ours.quantization == Image.open(io.BytesIO(theirs)).quantization
    assert {layer[1:3] for layer in ours.layer} == {(1, 1)}
    assert (tmp_path / "c.jpg").stat().st_size < (tmp_path / "b.jpg").stat().st_size
    gray = read_bytes(tmp_path / "g.png", encoded(noise(16, 16), "PNG"))
    write_photo(tmp_path / "g.jpg", gray.pixels, like=gray)
    assert Image.open(tmp_path / "g.jpg").mode == "L"


def test_what_jpeg_cannot_hold_is_said(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(noise(9, 8, 4, dtype=np.uint16)))
    photo = read_photo(path)
    depth, alpha = write_photo(tmp_path / "b.jpg", photo.pixels, like=photo)
    assert "8 bit, " not in alpha and "8 bit" in depth and "alpha" in alpha
    assert write_photo(tmp_path / "b.webp", photo.pixels, like=photo) == [depth.replace("JPEG", "WebP")]
    np.testing.assert_array_equal(read_photo(tmp_path / "b.webp").alpha, np.rint(photo.alpha / 257))


@pytest.mark.parametrize("name", ["exif", "xmp"])
def test_metadata_too_large_for_jpeg_is_dropped_with_a_note(tmp_path, name):
    block = exif(extra={37510: bytes(70_000)}).removeprefix(b"Exif\0\0") if name == "exif" else XMP * 1000
    like = Photo(colours=np.zeros((4, 4, 3), np.float32), bit_depth=8, metadata=Metadata(**{name: block}))
    (note,) = write_photo(tmp_path / "a.jpg", like.pixels, like=like)
    assert name.upper() in note
    assert write_photo(tmp_path / "b.jpg", like.pixels, like=like, strip_metadata=True) == []
    rewritten(like, tmp_path / "c.png")
    assert name in pillow_metadata(tmp_path / "c.png")


def test_results_are_clipped_rounded_and_must_be_finite(tmp_path):
    like = Photo(colours=np.zeros((1, 4, 3), np.float32), bit_depth=8)
    pixels = np.repeat(np.float32([[-3, 0.5, 0.999, 7]])[..., None], 3, axis=2)
    write_photo(tmp_path / "a.png", pixels, like=like)
    assert np.asarray(Image.open(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 128, 255, 255]
    pixels[0, 0, 0] = np.nan
    with pytest.raises(BadDataError):
        write_photo(tmp_path / "b.png", pixels, like=like)
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("name", ["-in ü.png", "雨 rain.tif", "-.jpg"])
def test_any_file_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    like = Photo(colours=np.zeros((2, 2, 3), np.float32), bit_depth=8)
    write_photo(Path(name), like.pixels, like=like)
    assert_same_photo(read_photo(Path(name)), like)
    with pytest.raises(CannotCreateError):
        write_photo(Path(name), like.pixels, like=like)


def test_an_unknown_extension_lists_the_known(tmp_path):
    like = Photo(colours=np.zeros((2, 2, 3), np.float32), bit_depth=8)
    for name in ("a.gif", "a", "a.png.bak"):
        with pytest.raises(UsageError) as caught:
            write_photo(tmp_path / name, like.pixels, like=like)
        assert all(suffix in caught.value.hint for suffix in writable_suffixes())
    wide = Photo(colours=np.zeros((1, 20_000, 3), np.float32), bit_depth=8)
    with pytest.raises(UsageError):
        write_photo(tmp_path / "a.webp", wide.pixels, like=wide)


def test_importing_reader_and_writer_loads_no_codec():
    heavy = {"imagecodecs", "tifffile", "PIL", "torch"}
    code = f"import sys, glmha_cli.io.photos.read, glmha_cli.io.photos.write; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
