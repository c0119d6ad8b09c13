"""Formats that are only read, and TIFF, as other programs leave them: what is beside or behind the picture is said, and
no reason to refuse it.
"""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.colours import P3, power
from glmha_cli.io.photos.frames import Restored, write_frames
from glmha_cli.io.photos.icc import made_profile
from glmha_cli.io.photos.read import read_photo
from tests.io.photos.photos import noise, read_bytes
from tests.io.photos.read_only_side_data import box, gif, jpeg_2000, jpeg_xl
from tests.io.photos.side_data import PICTURE, saved

BEHIND = b"SEFT of a camera"
WHOLE = {
    "AVIF": saved("AVIF"),
    "JP2": jpeg_2000(),
    "J2K": jpeg_2000("j2k"),
    "JPEG XL": jpeg_xl(),
    "GIF": gif(),
    "BMP": saved("BMP"),
    "WebP": saved("WEBP"),
    "PNG": saved("PNG"),
    "JPEG": saved("JPEG"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_data_behind_the_picture_is_said(tmp_path, name):
    photo = read_bytes(tmp_path / "a.photo", WHOLE[name] + BEHIND)
    assert photo.colours.shape == PICTURE.shape
    assert photo.notes == (f"data behind the picture ({len(BEHIND)} bytes) was left out",)


@pytest.mark.parametrize("name", WHOLE)
def test_zeros_behind_the_picture_are_nothing(tmp_path, name):
    assert read_bytes(tmp_path / "a.photo", WHOLE[name] + bytes(64)).notes == ()


@pytest.mark.parametrize("name", ["AVIF", "JP2", "JPEG XL"])
def test_the_picture_may_not_be_cut(tmp_path, name):
    with pytest.raises(BadDataError):
        read_bytes(tmp_path / "a.photo", WHOLE[name][:-20])


@pytest.mark.parametrize("offset", [0, 6])
def test_exif_of_jpeg_xl_stands_behind_an_offset(tmp_path, offset):
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHI4sI", 1, 315, 2, 4, b"Zoe\0", 0)
    body = struct.pack(">I", offset) + b"Exif\0\0" + block  # with 0 the prefix is part of it
    assert b"Zoe" in read_bytes(tmp_path / "a.jxl", jpeg_xl(box(b"Exif", body))).metadata.exif
    photo = read_bytes(tmp_path / "b.jxl", jpeg_xl(box(b"Exif", b"ab")))
    assert photo.notes == ("its EXIF cannot be read: left out",)


# TIFF


def tiff(samples: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("layout", ["contig", "separate"])
@pytest.mark.parametrize(
    ("kinds", "alpha"),
    [(("unspecified", "unassalpha"), 1), (("unassalpha", "unspecified"), 0), (("unspecified",) * 3, None)],
)
def test_further_channels_of_a_tiff_are_left_out_with_a_note(tmp_path, kinds, alpha, layout):
    extra = noise(12, 16, len(kinds))
    samples = np.dstack([PICTURE, extra])
    stored = samples if layout == "contig" else np.moveaxis(samples, 2, 0)
    photo = read_bytes(tmp_path / "a.tif", tiff(stored, photometric="rgb", planarconfig=layout, extrasamples=kinds))
    np.testing.assert_array_equal(photo.colours, PICTURE)
    assert photo.notes == (f"its further channels ({len(kinds) - (alpha is not None)}) were left out",)
    if alpha is None:
        assert photo.alpha is None
    else:
        np.testing.assert_array_equal(photo.alpha, extra[..., alpha])


def test_a_cube_that_says_rgb_is_no_photo(tmp_path):
    with pytest.raises(BadDataError, match=r"31 channel"):
        read_bytes(tmp_path / "a.tif", tiff(noise(12, 16, 31), photometric="rgb", planarconfig="contig"))


def test_floats_that_leave_their_range_by_rounding_are_clipped(tmp_path):
    samples = np.linspace(-1e-7, 1 + 1e-6, 12 * 16 * 3, dtype=np.float32).reshape(12, 16, 3)
    photo = read_bytes(tmp_path / "a.tif", tiff(samples, photometric="rgb"))
    assert photo.notes == ("values just outside of 0 to 1 were clipped",)
    np.testing.assert_array_equal(photo.colours, np.clip(samples, 0, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_named(tmp_path, value):
    samples = np.full((12, 16, 3), 0.5, np.float32)
    samples[3, 4, 1] = value
    with pytest.raises(BadDataError, match="infinite or NaN"):
        read_bytes(tmp_path / "a.tif", tiff(samples, photometric="rgb"))


def sparse(compression: str) -> bytes:
    """A tile of four is left out, as GDAL does with SPARSE_OK."""
    data = bytearray(tiff(np.full((64, 64, 3), 7, np.uint8), photometric="rgb", tile=(32, 32), compression=compression))
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        for tag in (tif.pages[0].tags[324], tif.pages[0].tags[325]):
            size = tag.valuebytecount // 4
            data[tag.valueoffset : tag.valueoffset + size] = bytes(size)
    return bytes(data)


def test_what_was_never_written_of_a_photo_is_zeros(tmp_path):
    photo = read_bytes(tmp_path / "a.tif", sparse("zlib"))
    assert not photo.colours[:32, :32].any() and (photo.colours[32:] == 7).all()
    assert photo.notes == ("parts of its picture were never written: read as zeros or as its number for no data",)
    with pytest.raises(BadDataError, match="sparse and compressed by LZW"):
        read_bytes(tmp_path / "b.tif", sparse("lzw"))


@pytest.mark.parametrize(("second", "said"), [({}, False), ({"description": "the second"}, True)])
def test_what_pages_after_the_first_carry_is_said_to_be_left_out(tmp_path, second, said):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for options in ({}, second):
            tif.write(PICTURE, photometric="rgb", metadata=None, software=False, **options)
    photos = [read_photo(tmp_path / "a.tif", frame=index) for index in range(2)]
    pages = [Restored(pixels=photo.pixels, like=photo, provenance=None) for photo in photos]
    notes = write_frames(tmp_path / "b.tif", pages, count=2)
    assert notes == (["EXIF, XMP and the like of pages after the first were left out"] if said else [])


def jpeg_2000_with_profile(channels: int, space: bytes, size: int | None = None) -> bytes:
    """The colour specification replaced by a restricted profile (ISO/IEC 15444-1, annex I.5.3.3)."""
    profile = made_profile(P3, power(1.0))
    profile = (profile[:16] + space + profile[20:])[:size]
    samples = noise(12, 16, channels).squeeze()
    data = bytes(imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True, level=0))
    header_at, colours_at = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    sizes = [int.from_bytes(data[at : at + 4]) for at in (header_at, colours_at)]
    colours = box(b"colr", b"\2\0\0" + profile)
    head = struct.pack(">I", sizes[0] + len(colours) - sizes[1]) + data[header_at + 4 : colours_at]
    return data[:header_at] + head + colours + data[colours_at + sizes[1] :]


@pytest.mark.parametrize("size", [None, 200])
@pytest.mark.parametrize(("channels", "space"), [(4, b"CMYK"), (3, b"Lab "), (3, b"YCbr")])
def test_a_jpeg_2000_of_other_colours_by_its_profile_is_refused(tmp_path, channels, space, size):
    with pytest.raises(BadDataError, match="neither RGB nor gray"):
        read_bytes(tmp_path / "a.jp2", jpeg_2000_with_profile(channels, space, size))


@pytest.mark.parametrize(("channels", "space"), [(4, b"RGB "), (3, b"RGB "), (1, b"GRAY")])
def test_a_jpeg_2000_keeps_its_profile_and_its_samples(tmp_path, channels, space):
    """OpenJPEG by itself would convert them to sRGB."""
    photo = read_bytes(tmp_path / "a.jp2", jpeg_2000_with_profile(channels, space))
    assert photo.metadata.icc_profile[16:20] == space and photo.notes == ()
    assert (photo.alpha is not None, photo.grayscale) == (channels == 4, channels == 1)
    samples = noise(12, 16, channels)
    np.testing.assert_array_equal(photo.colours, samples[..., : photo.colours.shape[2]])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("tiles", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
@pytest.mark.parametrize(
    ("channels", "options"),
    [
        (1, {"photometric": "minisblack"}),
        (1, {"photometric": "miniswhite"}),
        (2, {"photometric": "minisblack", "alpha": "yes"}),
        (3, {"photometric": "rgb"}),
        (3, {"photometric": "rgb", "interleave": "band"}),
        (4, {"photometric": "rgb", "alpha": "yes"}),
        (4, {"photometric": "rgb", "alpha": "yes", "interleave": "band"}),
    ],
)
def test_jpeg_within_a_tiff_is_read_as_gdal_reads_it(tmp_path, channels, options, tiles):
    """Band by band, and with alpha, which colours stay apart from."""
    rows, columns = np.mgrid[:48, :64]
    samples = np.stack([columns * 2 + 60, rows * 3 + 50, rows + columns, columns * 4], axis=2)[..., -channels:]
    described = {"width": 64, "height": 48, "count": channels, "dtype": "uint8", "compress": "jpeg"}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **described, **options, **tiles) as file:
        file.write(samples.astype(np.uint8).transpose(2, 0, 1))
    with rasterio.open(tmp_path / "a.tif") as file:
        expected = file.read().transpose(1, 2, 0)
    photo = read_photo(tmp_path / "a.tif")
    is_inverted = options["photometric"] == "miniswhite"
    found = photo.colours if photo.alpha is None else np.dstack([photo.colours, photo.alpha])
    np.testing.assert_array_equal(255 - found if is_inverted else found, expected)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_any_depth(tmp_path, bits):
    """Of one bit it is a scan in two colours."""
    count = 2**bits
    colours = {index: (index, 255 - index, index // 2) for index in range(count)}
    indices = np.arange(48 * 64).reshape(48, 64) % count
    described = {"width": 64, "height": 48, "count": 1, "dtype": "uint8", "photometric": "palette", "nbits": bits}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **described) as file:
        file.write_colormap(1, {index: (*colour, 255) for index, colour in colours.items()})
        file.write(indices.astype(np.uint8), 1)
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.colours, np.array(list(colours.values()))[indices])


@pytest.mark.parametrize("kinds", [["unassalpha"], ["unassalpha", "unspecified"]])
def test_planes_of_jpeg_that_no_decoder_tells_apart_are_refused(tmp_path, kinds):
    colours = "minisblack" if len(kinds) == 1 else "rgb"
    samples = np.zeros((2 if len(kinds) == 1 else 5, 48, 64), np.uint8)
    options = {"photometric": colours, "planarconfig": "separate", "extrasamples": kinds}
    tifffile.imwrite(tmp_path / "a.tif", samples, compression="jpeg", **options)
    with pytest.raises(BadDataError, match="planes"):
        read_photo(tmp_path / "a.tif")


def test_further_planes_of_jpeg_are_said_to_be_left_out(tmp_path):
    samples = np.stack([np.full((48, 64), 40 * band, np.uint8) for band in range(1, 6)])
    options = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unspecified"] * 2}
    tifffile.imwrite(tmp_path / "a.tif", samples, compression="jpeg", **options)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.notes == ("its further channels (2) were left out",)
    np.testing.assert_allclose(photo.colours, samples[:3].transpose(1, 2, 0), atol=1)


def test_jpeg_within_a_tiff_of_64_bits_in_the_other_order(tmp_path):
    samples = np.full((48, 64, 3), (40, 120, 200), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", samples, compression="jpeg", photometric="rgb", bigtiff=True, byteorder=">")
    np.testing.assert_allclose(read_photo(tmp_path / "a.tif").colours, samples, atol=3)


def test_jpeg_of_twelve_bits_within_a_tiff_is_named(tmp_path):
    samples = np.zeros((48, 64), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, compression="jpeg", compressionargs={"bitspersample": 12})
    with pytest.raises(BadDataError, match="JPEG of 12 bit"):
        read_photo(tmp_path / "a.tif")
