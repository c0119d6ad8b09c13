"""Files that unpack to gigabytes: refused, or read as the small picture they are, in little memory and time."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.reliability.corpus import CUBE, PICTURE, encoded, npy, png_chunk, tiff, written
from tests.reliability.tiff_builder import BITS, COMPRESSION, FORMAT, LONG, SHORT, tiff_with

UNPACKED_BYTES = 1 << 27
GROWTH_BYTES = 64 << 20
FLOAT = {BITS: (SHORT, 1, 32), FORMAT: (SHORT, 1, 3)}

READ_ALL = """
import json, resource, sys, time
from pathlib import Path
from glmha_cli.errors import GlmhaError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.read import read_photo

def rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

for kind in ("photo", "cube"):  # so that libraries are loaded
    (read_photo if kind == "photo" else read_cube)(Path(sys.argv[1], f"{kind} honest.tif"))
for path in sorted(Path(sys.argv[1]).iterdir()):
    before, start = rss(), time.perf_counter()
    try:
        read = read_photo(path) if path.name.startswith("photo") else read_cube(path)
        result = "read"
    except GlmhaError as error:
        result = error.message
    print(json.dumps([path.name, result, rss() - before, time.perf_counter() - start]))
"""


def deflated_zeros() -> bytes:
    stream, block = zlib.compressobj(9), bytes(1 << 24)
    return b"".join(stream.compress(block) for _ in range(UNPACKED_BYTES >> 24)) + stream.flush()


def png_bombs(bomb: bytes) -> Iterator[tuple[str, bytes]]:
    png = encoded(PICTURE, "PNG")
    head, body = png[:33], png[33:]
    chunks = {
        "iccp": (b"iCCP", b"profile\0\0"),
        "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
        "itxt": (b"iTXt", b"Comment\0\1\0\0\0"),
        "ztxt": (b"zTXt", b"Comment\0\0"),
    }
    for name, (kind, start) in chunks.items():
        yield f"photo {name}.png", head + png_chunk(kind, start + bomb) + body
    yield "photo idat.png", head + png_chunk(b"IDAT", bomb) + png[-12:]
    large = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 11000, 11000, 8, 2, 0, 0, 0))
    yield "photo second header.png", png[:8] + large + body[:-12] + head[8:] + png[-12:]
    yield "photo many chunks.png", head + png_chunk(b"tEXt", b"") * 200_000 + body


def tiff_bombs(bomb: bytes) -> Iterator[tuple[str, bytes]]:
    picture, jpeg = np.zeros((11000, 11000), np.uint8), io.BytesIO()
    Image.fromarray(picture).save(jpeg, "JPEG", quality=5)
    zstd = imagecodecs.zstd_encode(bytes(UNPACKED_BYTES))
    streams = {
        "deflate": (8, bomb),
        "zstd": (50000, zstd),
        "packbits": (32773, b"\x81\0" * 1_000_000),
        "jpeg": (7, jpeg.getvalue()),
        "png": (34933, imagecodecs.png_encode(picture)),
    }
    for name, (code, data) in streams.items():
        yield f"photo {name}.tif", tiff_with(data, {COMPRESSION: (SHORT, 1, code)})
        yield f"cube {name}.tif", tiff_with(data, {COMPRESSION: (SHORT, 1, code), **FLOAT})
    tile = {322: (LONG, 1, 16384), 323: (LONG, 1, 16384), 324: (LONG, 1, 8), 325: (LONG, 1, 1000)}
    yield "cube tile.tif", tiff_with(bomb[:1000], {COMPRESSION: (SHORT, 1, 8), **FLOAT, **tile})


def array_bombs() -> Iterator[tuple[str, bytes]]:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (4096, 4096, 2)})
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):  # shrink more than deflate can
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("cube.npy", header.getvalue() + bytes(1 << 22))
        yield f"cube {method}.npz", archive.getvalue()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:  # NumPy reads a header whole, whatever its length
        file.writestr("cube.npy", b"\x93NUMPY\2\0" + (1 << 28).to_bytes(4, "little") + b" " * (1 << 28))
    yield "cube long header.npz", archive.getvalue()
    yield "cube no data.npy", header.getvalue()
    yield "cube long header.npy", b"\x93NUMPY\2\0" + (10**7).to_bytes(4, "little") + b"(" * 10**7
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("cube", (31, 300_000, 300_000), np.float32, chunks=(1, 64, 64))
    yield "cube terabytes.mat", buffer.getvalue()
    yield "cube nested.npy", npy(CUBE.values).replace(b"(6, 7, 5)", b"(((((((((")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, tuple[str, int, float]]:
    """Name of the file -> what came of it, growth of memory in bytes, seconds; all read by one process."""
    folder, bomb = tmp_path_factory.mktemp("bombs"), deflated_zeros()
    honest = {
        "photo honest.tif": tiff(PICTURE, compression="zlib", photometric="rgb"),
        "cube honest.tif": written("x.tif"),
    }
    files = honest | dict(png_bombs(bomb)) | dict(tiff_bombs(bomb)) | dict(array_bombs())
    for name, data in files.items():
        Path(folder, name).write_bytes(data)
    lines = subprocess.run([sys.executable, "-c", READ_ALL, folder], capture_output=True, text=True, check=True).stdout
    found = {name: tuple(rest) for name, *rest in map(json.loads, lines.splitlines())}
    assert found.keys() == files.keys() and found["photo honest.tif"][0] == found["cube honest.tif"][0] == "read"
    return found


def test_no_bomb_takes_memory_or_time(results):
    assert {name: growth for name, (_, growth, _) in results.items() if growth > GROWTH_BYTES} == {}
    assert {name: seconds for name, (*_, seconds) in results.items() if seconds > 30} == {}


def test_what_declares_or_unpacks_to_too_much_is_refused(results):
    refused = {name for name, (result, *_) in results.items() if result != "read"}
    assert refused >= {
        "photo second header.png",
        "photo jpeg.tif",
        "photo png.tif",
        "cube deflate.tif",
        "cube zstd.tif",
        "cube jpeg.tif",
        "cube tile.tif",
        "cube 12.npz",
        "cube 14.npz",
        "cube terabytes.mat",
        "cube no data.npy",
        "cube long header.npy",
        "cube long header.npz",
        "cube nested.npy",
    }
    assert not refused & {"photo ztxt.png", "photo itxt.png", "photo many chunks.png"}, "harmless, never unpacked"


def test_a_bomb_beside_the_pixels_costs_itself_alone(results):
    assert {results[f"photo {name}.png"][0] for name in ("iccp", "xmp")} == {"read"}
