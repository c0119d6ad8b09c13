"""The table of photo formats: files are told by their first bytes, and all lists of formats are this table's."""

import io

import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats import FORMATS, format_of, readable_names, readable_suffixes, writable_suffixes
from glmha_cli.io.photos.read import read_photo
from glmha_cli.lookup import import_target


def written_by_pillow(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((5, 4, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WebP", "AVIF", "BMP", "GIF"])
def test_a_format_is_told_by_the_first_bytes_of_files_of_another_writer(name):
    assert format_of(written_by_pillow(name.upper())[:64]) is FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_names_functions_that_exist(name):
    row = FORMATS[name]
    assert callable(import_target(row.decode)) and (row.encode is None or callable(import_target(row.encode)))


def test_the_lists_are_those_of_the_table():
    readable, writable = readable_suffixes(), writable_suffixes()
    assert len(set(readable)) == len(readable) and set(writable) < set(readable)
    assert {".heic", ".avif", ".bmp", ".jfif"} <= set(readable) and not {".heic", ".avif", ".bmp"} & set(writable)
    assert readable_names().endswith(", TGA or GIF") and "RAW" in readable_names()


def test_an_empty_file_is_not_to_be_converted(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(BadDataError, match="empty file") as caught:
        read_photo(tmp_path / "a.png")
    assert "convert" not in caught.value.hint
