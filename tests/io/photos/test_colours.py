"""Colours by what a file says of them, in whatever way; checked against LittleCMS as Pillow calls it."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.colours import ADOBE_RGB, BT709, P3, colours_of, power
from glmha_cli.io.photos.icc import made_profile, matrix_profile
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.write import write_photo
from glmha_cli.srgb import srgb_to_linear
from tests.io.photos.photos import SRGB, encoded, read_bytes
from tests.io.photos.side_data import ADOBE_RGB as ADOBE_RGB_EXIF
from tests.io.photos.side_data import exif, jpeg, png, segment

FLAT = np.ascontiguousarray(np.broadcast_to(np.uint8([200, 60, 60]), (12, 16, 3)))


def renamed(profile: bytes, name: str) -> bytes:
    """The profile with a description that says something else."""
    text = name.encode("utf-16-be")
    at = profile.index(b"mluc")
    size, where = struct.unpack_from(">II", profile, at + 20)
    place = at + where
    return profile[:place] + text[:size].ljust(size, b"\0") + profile[place + size :]


def by_pillow(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    image = ImageCms.profileToProfile(Image.fromarray(pixels), io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("name", ["Display P3", "sRGB", "P3, sRGB TRC"])
def test_a_profile_counts_by_its_colorants_and_curves_not_by_its_name(tmp_path, name):
    profile = renamed(made_profile(P3, srgb_to_linear), name)
    photo = read_bytes(tmp_path / "a.png", encoded(FLAT, "PNG", icc_profile=profile))
    colours, notes = srgb_colours(photo)
    assert "ICC profile" in notes[0] and np.abs(colours - by_pillow(FLAT, profile)).max() <= 1


def test_srgb_under_any_name_stays_as_it_is(tmp_path):
    for profile in (SRGB, renamed(made_profile(BT709, srgb_to_linear), "camera RGB")):
        photo = read_bytes(tmp_path / "a.png", encoded(FLAT, "PNG", icc_profile=profile))
        assert colours_of(photo.metadata).is_srgb and srgb_colours(photo)[1] == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colours_are_converted_in_their_own_depth(dtype):
    peak = 1 if dtype is np.float32 else np.iinfo(dtype).max
    values = (np.float64([[[0.8, 0.3, 0.3]]]) * peak).astype(dtype)
    metadata = Metadata(icc_profile=made_profile(P3, srgb_to_linear))
    colours, _ = srgb_colours(Photo(colours=values, bit_depth=8 * values.itemsize, metadata=metadata))
    expected = by_pillow(np.uint8([[[204, 76, 76]]]), metadata.icc_profile) / 255
    assert colours.dtype == dtype and np.abs(colours / peak - expected).max() < 0.01


WAYS = {
    "cICP": png((b"cICP", b"\x0c\x0d\0\1")),
    "cHRM": png(
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
    ),
    "nclx": imagecodecs.avif_encode(FLAT, level=100, primaries=12, transfer=13, matrix=0),
}


@pytest.mark.parametrize("way", WAYS)
def test_display_p3_is_the_same_however_it_is_said(tmp_path, way):
    photo = read_bytes(tmp_path / "a", WAYS[way])
    found = colours_of(photo.metadata)
    np.testing.assert_allclose(found.primaries, P3, atol=1e-4)
    colours, notes = srgb_colours(photo)
    assert "converted to sRGB" in notes[0]
    expected = by_pillow(np.ascontiguousarray(photo.colours), made_profile(P3, srgb_to_linear))
    assert np.abs(colours - expected).max() <= 2
    for suffix in (".jpg", ".tif", ".webp"):
        (note,) = write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo, overwrite=True)
        assert "written as an ICC profile" in note
        with Image.open(tmp_path / f"b{suffix}") as written:
            primaries, curve = matrix_profile(written.info["icc_profile"])
        np.testing.assert_allclose(primaries, P3, atol=1e-3)
        assert np.abs(curve(np.linspace(0, 1, 9)) - srgb_to_linear(np.linspace(0, 1, 9))).max() < 1e-3
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo) == []
    np.testing.assert_allclose(colours_of(read_photo(tmp_path / "b.png").metadata).primaries, P3, atol=1e-4)


@pytest.mark.parametrize(
    "block",
    [
        ADOBE_RGB_EXIF,
        exif([], [(0xA001, 3, b"\2\0")]),
        exif(
            [
                (318, 5, struct.pack("<4I", 3127, 10000, 3290, 10000)),
                (319, 5, struct.pack("<12I", *(n for v in (64, 33, 21, 71, 15, 6) for n in (v, 100)))),
            ],
            [(0xA001, 3, b"\xff\xff"), (0xA500, 5, struct.pack("<2I", 22, 10))],
        ),
    ],
)
def test_adobe_rgb_by_exif_alone(tmp_path, block):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + block)))
    colours, notes = srgb_colours(photo)
    expected = by_pillow(np.ascontiguousarray(photo.colours), made_profile(ADOBE_RGB, power(2.2)))
    assert "converted to sRGB by its EXIF" in notes[0] and np.abs(colours - expected).max() <= 2
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo) == []
    with Image.open(tmp_path / "b.png") as written:
        np.testing.assert_allclose(matrix_profile(written.info["icc_profile"])[0], ADOBE_RGB, atol=1e-3)


def test_what_cannot_be_converted_is_said(tmp_path):
    pq = read_bytes(tmp_path / "a.png", png((b"cICP", b"\x09\x10\0\1")))
    uncalibrated = read_bytes(
        tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + exif([], [(0xA001, 3, b"\xff\xff")])))
    )
    for photo in (pq, uncalibrated):
        colours, notes = srgb_colours(photo)
        assert "taken as sRGB" in notes[0] and colours is photo.colours
    (note,) = write_photo(tmp_path / "b.jpg", pq.pixels, like=pq)
    assert "other colours" in note


def test_a_profile_that_cannot_be_applied_is_left_unless_strict(tmp_path):
    """Its header is sound, its tags are not."""
    profile = SRGB[:128] + bytes(len(SRGB) - 128)
    photo = read_bytes(tmp_path / "a.png", encoded(FLAT, "PNG", icc_profile=profile))
    assert "taken as sRGB" in srgb_colours(photo)[1][0]
    with pytest.raises(BadDataError, match="ICC"):
        srgb_colours(photo, strict=True)


@pytest.mark.parametrize("profile", [b"no profile at all" * 20, b"abc", SRGB[:-1], SRGB[:36] + b"xxxx" + SRGB[40:]])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_what_is_no_profile_is_left_out_of_every_format(tmp_path, kind, profile):
    """Not a profile, or cut, or without its signature; `--strict` refuses."""
    path = tmp_path / "a.photo"
    photo = read_bytes(path, encoded(FLAT, kind, icc_profile=profile))
    assert photo.metadata.icc_profile == b"" and any("ICC" in note or "iCCP" in note for note in photo.notes)
    with pytest.raises(BadDataError, match="ICC|iCCP"):
        read_photo(path, strict=True)


def test_primaries_that_span_no_colours_cost_themselves_alone(tmp_path):
    gamma, primaries = (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *[0] * 8))
    photo = read_bytes(tmp_path / "a.png", png(gamma, primaries))
    assert "cannot be converted" in srgb_colours(photo)[1][0]
    (note,) = write_photo(tmp_path / "b.jpg", photo.pixels, like=photo)
    assert "gAMA or cHRM" in note


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_what_lies_behind_a_picture_is_said(tmp_path, kind):
    data = encoded(FLAT, kind)
    assert read_bytes(tmp_path / "a.photo", data + bytes(8)).notes == ()
    (note,) = read_bytes(tmp_path / "a.photo", data + b"more").notes
    assert "behind the picture (4 bytes)" in note


def test_precedence_in_a_png(tmp_path):
    """cICP > iCCP > sRGB > gAMA and cHRM."""
    gamma, cicp = (b"gAMA", struct.pack(">I", 100_000)), (b"cICP", b"\x09\x0d\0\1")
    srgb = (b"sRGB", b"\0")
    sources = [
        colours_of(read_bytes(tmp_path / "a.png", png(*chunks)).metadata).source
        for chunks in ((gamma, srgb, cicp), (gamma, srgb), (gamma,), ())
    ]
    assert sources == ["cICP", "sRGB chunk", "gAMA and cHRM", ""]


def gray_jpeg(profile: bytes) -> bytes:
    return encoded(FLAT[..., 0].copy(), "JPEG", icc_profile=profile)


@pytest.mark.parametrize(("profile", "said"), [(made_profile(P3, srgb_to_linear), True), (SRGB, False)])
def test_a_gray_png_has_no_profile_for_rgb(tmp_path, profile, said):
    """PNG third edition, section 11.3.2.3; JPEG and TIFF do not forbid it."""
    photo = read_bytes(tmp_path / "a.jpg", gray_jpeg(profile))
    notes = write_photo(tmp_path / "b.png", photo.pixels, like=photo)
    assert notes == (
        ["its ICC profile was dropped: it is for RGB, and a gray PNG can have one for gray alone"] if said else []
    )
    with Image.open(tmp_path / "b.png") as written:
        assert written.mode == "L" and "icc_profile" not in written.info
    for suffix in (".jpg", ".tif"):
        assert write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo) == []
        assert read_photo(tmp_path / f"b{suffix}").metadata.icc_profile == profile
    assert write_photo(tmp_path / "b.webp", photo.pixels, like=photo) == []
    assert read_photo(tmp_path / "b.webp").metadata.icc_profile == profile


def test_a_profile_for_gray_stays_with_a_gray_photo_and_not_with_one_in_rgb(tmp_path):
    profile = SRGB[:16] + b"GRAY" + SRGB[20:]
    gray = read_bytes(tmp_path / "a.jpg", gray_jpeg(profile))
    rgb = read_bytes(tmp_path / "a.png", encoded(FLAT, "PNG", icc_profile=profile))
    assert write_photo(tmp_path / "b.png", gray.pixels, like=gray) == []
    assert read_photo(tmp_path / "b.png").metadata.icc_profile == profile
    for photo, suffix in ((gray, ".webp"), (rgb, ".png"), (rgb, ".jpg")):
        notes = write_photo(tmp_path / f"c{suffix}", photo.pixels, like=photo)
        assert notes == ["its ICC profile was dropped: it is for gray, and the photo is written as RGB"]
        assert not read_photo(tmp_path / f"c{suffix}").metadata.icc_profile


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("space", [b"CMYK", b"Lab "])
def test_a_profile_for_other_colours_does_not_stay_with_a_photo_in_rgb(tmp_path, space, suffix):
    """As converters leave it that make RGB of CMYK and keep all else; a PNG cannot have one (section 11.3.2.3)."""
    photo = read_bytes(tmp_path / "a.jpg", encoded(FLAT, "JPEG", icc_profile=SRGB[:16] + space + SRGB[20:]))
    notes = write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
    assert notes == ["its ICC profile was dropped: it is for neither RGB nor gray"]
    assert not read_photo(tmp_path / f"b{suffix}").metadata.icc_profile


def long_profile(size_bytes: int) -> bytes:
    profile = made_profile(P3, srgb_to_linear)
    return struct.pack(">I", size_bytes) + profile[4:].ljust(size_bytes - 4, b"\0")


def test_a_profile_that_a_jpeg_has_no_room_for_is_left_out_with_a_note(tmp_path):
    """255 segments of 65 519 bytes at most (ICC.1:2022, annex B.4)."""
    most = 255 * 65_519
    for size in (most, most + 1):
        like = Photo(colours=FLAT, bit_depth=8, metadata=Metadata(icc_profile=long_profile(size)))
        notes = write_photo(tmp_path / "b.jpg", like.pixels, like=like, overwrite=True)
        written = read_photo(tmp_path / "b.jpg").metadata.icc_profile
        assert (notes, written) == ([], like.metadata.icc_profile) if size == most else written == b""
    (note,) = notes
    assert "JPEG has no room for one of this size" in note and "other colours" in note
