"""The size of a photo from its first bytes."""

import numpy as np
import pytest
from PIL import Image

from glmha_cli.io.photos.size import rough_size

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 61, 3), np.uint8))


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"comment": b"x" * 3000}, {"exif": b"Exif\0\0" + bytes(60)}]
)
def test_of_a_jpeg(tmp_path, options):
    PHOTO.save(tmp_path / "a.jpg", **options)
    assert rough_size(tmp_path / "a.jpg") == (37, 61)


def test_of_a_png_by_content(tmp_path):
    PHOTO.save(tmp_path / "a.bin", "PNG")
    assert rough_size(tmp_path / "a.bin") == (37, 61)


def test_of_others_by_length(tmp_path):
    PHOTO.save(tmp_path / "a.tif")
    height, width = rough_size(tmp_path / "a.tif")
    assert height * width == pytest.approx(37 * 61, rel=0.2)


@pytest.mark.parametrize(
    "head", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe0\0\0\xff\xc0", b"x"]
)
def test_damaged_files_have_some_size(tmp_path, head):
    (tmp_path / "a").write_bytes(head)
    assert all(side >= 1 for side in rough_size(tmp_path / "a"))


def test_what_cannot_be_read_has_none(tmp_path):
    assert rough_size(tmp_path / "none.png") == rough_size(tmp_path) == (0, 0)
