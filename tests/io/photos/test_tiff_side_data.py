"""Tags of a TIFF in the other one, whatever the byte order of both."""

import numpy as np
import pytest
import tifffile

from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo

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
