"""TIFF files whose tags claim absurd things: refused in a moment, as a photo and as a cube."""

import struct
import time

import pytest
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.tiff_file import open_tiff
from tests.reliability.corpus import CUBE, tiff
from tests.reliability.tiff_builder import (
    BITS,
    CHANNELS,
    COMPRESSION,
    FORMAT,
    LENGTH,
    LONG,
    ROWS,
    SHORT,
    STRIP_BYTES,
    STRIP_OFFSETS,
    WIDTH,
    tiff_with,
)

MUCH, MOST = 2**31, 2**32 - 1
FLOAT = {BITS: (SHORT, 1, 32), FORMAT: (SHORT, 1, 3)}
DEFLATE = {COMPRESSION: (SHORT, 1, 8)}
TILE = {324: (LONG, 1, 8), 325: (LONG, 1, 1024)}
ABSURD = {
    "dimensions": {WIDTH: (LONG, 1, MOST), LENGTH: (LONG, 1, MOST)},
    "no width": {WIDTH: (LONG, 1, 0)},
    "length with tiny strips": {WIDTH: (LONG, 1, 1), LENGTH: (LONG, 1, 300_000_000), ROWS: (LONG, 1, 1)},
    "billions of strips": {STRIP_OFFSETS: (LONG, MOST, 8), STRIP_BYTES: (LONG, MOST, 8), ROWS: (LONG, 1, 1)},
    "billions of strips in one list": {STRIP_OFFSETS: (LONG, MOST, 8)},
    "strip outside": {STRIP_OFFSETS: (LONG, 1, MOST - 1)},
    "strip over the end": {STRIP_BYTES: (LONG, 1, MOST), **DEFLATE},
    "empty strip": {STRIP_BYTES: (LONG, 1, 0), **DEFLATE},
    "channels": {CHANNELS: (SHORT, 1, 65535)},
    "bits": {BITS: (SHORT, 1, 65535)},
    "depth": {32997: (LONG, 1, MUCH)},
    "huge tile": {322: (LONG, 1, MUCH), 323: (LONG, 1, MUCH), **TILE, **DEFLATE},
    "large tile": {322: (LONG, 1, 65536), 323: (LONG, 1, 16384), **TILE, **DEFLATE},
    "no tile": {322: (LONG, 1, 0), 323: (LONG, 1, 0), **TILE},
    "text of gigabytes": {270: (2, MOST, 8)},
    "profile outside": {34675: (7, MUCH, MUCH)},
}
READERS = {"photo": read_photo, "cube": read_cube}


def refused(path, data: bytes, kind: str) -> str:
    path.write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(BadDataError) as caught:
        READERS[kind](path)
    assert time.perf_counter() - start < 5
    return caught.value.message


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("name", ABSURD)
def test_absurd_tags(tmp_path, name, kind):
    assert "a.tif" in refused(tmp_path / "a.tif", tiff_with(bytes(1024), FLOAT | ABSURD[name]), kind)


def test_the_same_file_without_absurd_tags_is_read(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_with(bytes(1024), FLOAT))
    assert read_cube(path).values.shape == (16, 16, 1) and read_photo(path).pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("pages", [1, 3, 150])
def test_a_list_of_pages_that_goes_in_circles(tmp_path, pages, big, kind):
    """tifffile alone would go on for ever."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        for _ in range(pages):
            writer.write(CUBE.values[..., 0], photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as tif:
        first, end = (
            tif.pages[0].offset,
            tif.pages[-1].offset + (8 if big else 2) + len(tif.pages[-1].tags) * (20 if big else 12),
        )
    with path.open("r+b") as file:
        file.seek(end)
        file.write(struct.pack("<Q" if big else "<I", first))
    assert "circular" in refused(path, path.read_bytes(), kind)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(("distance", "problem"), [(0, "circular"), (2**31, "no end")])
def test_a_page_that_follows_itself_or_lies_outside(tmp_path, distance, problem, kind):
    assert problem in refused(tmp_path / "a.tif", tiff_with(bytes(256), {}, next_directory=distance), kind)


def test_pages_laid_over_each_other_are_not_multiplied(tmp_path):
    """Each of 500 entries begins 6 bytes behind the last: a file of kilobytes with a million tags."""
    records = [
        struct.pack("<HI", 500, 8 + 6 * max(i - 999, 0)) for i in range(3000)
    ]  # of directory i the count, of i - 1000 the next
    path = tmp_path / "a.tif"
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + b"".join(records))
    with pytest.raises(BadDataError, match="more than the file has room for"), open_tiff(path):
        raise AssertionError("opened")


ENTITIES = "".join(f'<!ENTITY {name} "{f"&{chr(ord(name) - 1)};" * 10}">' for name in "bcdefghij")
HOSTILE_XML = {
    "a billion laughs": f'<!DOCTYPE l [<!ENTITY a "{"x" * 1000}">{ENTITIES}]><G><Item name="a">&j;</Item></G>',
    "another file": '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><G><Item name="a">&a;</Item></G>',
}


@pytest.mark.parametrize("name", HOSTILE_XML)
def test_entities_in_metadata_are_not_expanded(tmp_path, name):
    tags = [(42112, "s", 0, HOSTILE_XML[name], True)]
    refused(
        tmp_path / "a.tif", tiff(CUBE.values[..., 0], metadata=None, extratags=tags, photometric="minisblack"), "cube"
    )
