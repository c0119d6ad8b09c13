"""Tags of a TIFF in the other one, whatever the byte order of both; GDAL's of an orthophoto; what is not read."""

import numpy as np
import pytest
import rasterio
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.metadata import Kind
from glmha_cli.io.photos.photoshop import iptc_of
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import storing, write_photo
from tests.io.photos.side_data import IPTC

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
PIXEL_SCALE = (33550, "d", 3, (0.5, 0.5, 0.0), True)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_with_numbers_and_provenance_share_one_byte_order(tmp_path, order):
    """Without EXIF the provenance alone makes EXIF, which must not bring a byte order of its own."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", pixels, byteorder=order, photometric="rgb", extratags=[PIXEL_SCALE])
    photo = read_photo(tmp_path / "in.tif")
    write_photo(tmp_path / "out.tif", photo.pixels, like=photo, provenance={"task": "test"})
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        (page,) = tif.pages
        np.testing.assert_array_equal(page.asarray(), pixels)
        assert page.tags[33550].value == (0.5, 0.5, 0.0)
        assert "test" in page.tags["Software"].value


STATISTICS = (
    b'<GDALMetadata>\n  <Item name="STATISTICS_MINIMUM" sample="0">0</Item>\n'
    b'  <Item name=\'AREA\'>a park</Item><Item sample="1" name="STATISTICS_MEAN">3</Item></GDALMetadata>\n\0'
)


def orthophoto(path, samples: np.ndarray, no_data: str, **options) -> None:
    tags = [PIXEL_SCALE, (42112, 2, len(STATISTICS), STATISTICS, True), (42113, 2, 0, no_data, True)]
    tifffile.imwrite(path, samples, metadata=None, extratags=tags, **options)


def with_collar(dtype, number: float, channels: int) -> np.ndarray:
    samples = np.random.default_rng(0).random((12, 16, channels)) * 0.9 + 0.05
    peak = 1 if dtype is np.float32 else np.iinfo(dtype).max
    samples = (samples * peak).astype(dtype)
    samples[:3] = samples[:, :4] = number
    samples[5, 6, 0] = number  # of one channel alone: a colour
    return samples


@pytest.mark.parametrize("tail", ["", "\0", " "])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "number"), [(np.uint8, 0), (np.uint8, 255), (np.uint16, 65535), (np.uint16, 7), (np.float32, 0.25)]
)
def test_what_is_no_data_in_an_orthophoto_is_so_in_the_restored_one(tmp_path, dtype, number, channels, tail):
    samples = with_collar(dtype, number, channels)
    photometric = "rgb" if channels == 3 else "minisblack"
    orthophoto(tmp_path / "a.tif", samples.squeeze(), f"{number}{tail}", photometric=photometric)
    photo = read_photo(tmp_path / "a.tif")
    changed = np.clip(photo.pixels * np.float32(0.9) + np.float32(0.05), 0, 1)
    made = storing(tmp_path / "b.tif", photo)(changed)  # as it is kept before writing
    kept = made.copy()
    assert write_photo(tmp_path / "b.tif", made, like=photo) == []
    np.testing.assert_array_equal(made, kept)
    with rasterio.open(tmp_path / "b.tif") as dataset:
        written = np.moveaxis(dataset.read(), 0, -1)
        assert dataset.nodata == number
    is_empty = (samples == number).all(axis=2)
    assert (written[is_empty] == number).all()
    np.testing.assert_array_equal(written[~is_empty], kept[~is_empty])


@pytest.mark.parametrize("name", ["b.png", "b.tif"])
def test_no_data_stays_where_its_number_is_not_written(tmp_path, name):
    samples = with_collar(np.uint8, 255, 3)
    orthophoto(tmp_path / "a.tif", samples, "255", photometric="rgb")
    photo = read_photo(tmp_path / "a.tif")
    write_photo(tmp_path / name, np.full_like(photo.pixels, 0.5), like=photo, strip_metadata=name == "b.tif")
    is_empty = (samples == 255).all(axis=2)
    assert (read_photo(tmp_path / name).colours[is_empty] == 255).all()


def test_statistics_of_values_that_are_gone_go_and_what_else_gdal_says_stays(tmp_path):
    orthophoto(tmp_path / "a.tif", with_collar(np.uint8, 0, 3), "0", photometric="rgb")
    photo = read_photo(tmp_path / "a.tif")
    write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    with rasterio.open(tmp_path / "b.tif") as dataset:
        assert dataset.tags()["AREA"] == "a park" and "STATISTICS" not in str(dataset.tags())
        assert [dataset.tags(band) for band in (1, 2, 3)] == [{}, {}, {}]


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "miniswhite"},
        {"photometric": "palette", "colormap": np.arange(768, dtype=np.uint16).reshape(3, 256) * 80},
    ],
)
def test_a_number_for_no_data_of_other_numbers_than_those_written_is_left_out(tmp_path, options):
    orthophoto(tmp_path / "a.tif", with_collar(np.uint8, 0, 1)[..., 0], "0", **options)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.notes == ("its number for no data is not of colours as they are read: left out",)
    write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert 42113 not in tif.pages[0].tags and tif.pages[0].tags[33550].value == (0.5, 0.5, 0.0)


def test_a_number_for_no_data_that_is_none_stays_as_it_is(tmp_path):
    samples = with_collar(np.uint8, 0, 3)
    orthophoto(tmp_path / "a.tif", samples, "none", photometric="rgb")
    photo = read_photo(tmp_path / "a.tif")
    write_photo(tmp_path / "b.tif", np.full_like(photo.pixels, 0.5), like=photo)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].tags[42113].value == "none" and (tif.pages[0].asarray() == 128).all()


@pytest.mark.parametrize("compression", ["jpeg2000", "jpegxl", "png", "jpegxr"])
def test_a_compression_that_is_not_read_is_named(tmp_path, compression):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression=compression)
    with pytest.raises(BadDataError, match=f"compressed by {compression.upper()}, which is not read") as caught:
        read_photo(tmp_path / "a.tif")
    assert "deflate" in caught.value.hint


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "lzma", "zstd", "lerc", "webp", "jpeg"])
def test_a_compression_that_libtiff_knows_is_read(tmp_path, compression):
    pixels = np.full((32, 48, 3), 90, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression=compression)
    assert np.abs(read_photo(tmp_path / "a.tif").colours.astype(int) - 90).max() <= 2


def test_what_says_how_the_old_samples_were_laid_out_goes(tmp_path):
    """Inks of a CMYK (TIFF 6.0, section 16) and the range of samples (section 19) are not those of the new file."""
    tags = [(332, 3, 1, 1, True), (334, 3, 1, 4, True), (336, 3, 2, (0, 255), True), (341, 3, 1, 4095, True)]
    samples = np.full((6, 5, 4), 99, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="separated", extratags=tags, metadata=None)
    photo = read_photo(tmp_path / "a.tif")
    assert write_photo(tmp_path / "b.tif", photo.pixels, like=photo) == []
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].photometric.name == "RGB"
        assert not {332, 334, 336, 341} & {tag.code for tag in tif.pages[0].tags}


@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_stored_as_numbers_is_read_in_its_own_order(tmp_path, order):
    """As Photoshop stores it, and libtiff, which puts numbers into the byte order of the file."""
    numbers = np.frombuffer(IPTC.ljust(-(-len(IPTC) // 4) * 4, b"\0"), "<u4").tolist()
    tag = (33723, "I", len(numbers), numbers, True)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 7), np.uint8), byteorder=order, extratags=[tag])
    (resources,) = read_photo(tmp_path / "a.tif").metadata.of(Kind.PHOTOSHOP)
    assert iptc_of(resources.body).rstrip(b"\0") == IPTC


def test_tags_of_a_compression_do_not_outlive_it(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="lerc")
    photo = read_photo(tmp_path / "a.tif")
    write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert 50674 not in tif.pages[0].tags  # LercParameters
