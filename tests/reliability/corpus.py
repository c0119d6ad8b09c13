"""Valid files of every kind that is read, small enough to damage by the thousand."""

import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import scipy.io
import tifffile
from PIL import Image

from glmha_cli.io.cubes.cube import Cube, write_cube
from tests.io.photos.photos import SRGB, encoded, exif

DATA = Path(__file__).parents[1] / "io" / "photos" / "data"
ROWS, COLUMNS = np.mgrid[:24, :36]
PICTURE = np.stack([ROWS * 10, COLUMNS * 7, (ROWS * COLUMNS) % 256], axis=2).astype(np.uint8)
DEEP = PICTURE.astype(np.uint16) * 257
ALPHA = np.dstack([PICTURE, PICTURE[..., 0]])
CUBE = Cube(
    values=np.random.default_rng(0).random((6, 7, 5), np.float32), wavelength_nm=(453.5, 500.0, 550.0, 600.0, 648.0)
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A valid file.

    name: of the file on disk. data: what is damaged. beside: other files that belong to it.
    seal: makes the file of the damaged data, with checksums that fit, so that damage reaches past them.
    """

    name: str
    data: bytes
    beside: tuple[tuple[str, bytes], ...] = ()
    seal: Callable[[bytes], bytes] = bytes


def sealed_png(data: bytes) -> bytes:
    """`data` with the right CRC on every chunk that can still be found."""
    sealed, at = bytearray(data), 8
    while at + 12 <= len(sealed):
        end = at + 8 + struct.unpack_from(">I", sealed, at)[0]
        if end + 4 > len(sealed):
            break
        sealed[end : end + 4] = struct.pack(">I", zlib.crc32(sealed[at + 4 : end]))
        at = end + 4
    return bytes(sealed)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zipped(member: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("cube.npy"), member)
    return buffer.getvalue()


def tiff(array: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def written(name: str, **options) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_cube(Path(folder, name), CUBE, provenance={"tool": "glmha"}, **options)
        return Path(folder, name).read_bytes()


def foreign_mat(**content: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, content, do_compression=True)
    return buffer.getvalue()


def foreign_hdf5(**options) -> bytes:
    """As MATLAB writes: in chunks, deflated."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        file.create_dataset("cube", data=CUBE.values.T, chunks=(1, 7, 6), compression="gzip", shuffle=True)
        file["cube"].attrs["MATLAB_class"] = np.bytes_("single")
        file["bands"] = np.array([CUBE.wavelength_nm]).T
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def photos() -> Iterator[tuple[str, bytes]]:
    tags = {"exif": exif(6), "icc_profile": SRGB}
    palette = Image.fromarray(PICTURE).quantize(16)
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", transparency=bytes(range(16)))
    yield "palette.png", buffer.getvalue()
    yield "rgb.png", encoded(PICTURE, "PNG", dpi=(300, 300), **tags)
    yield "rgba16.png", imagecodecs.png_encode(np.dstack([DEEP, DEEP[..., 0]]))
    yield "baseline.jpg", encoded(PICTURE, "JPEG", xmp=b"<x tiff:Orientation='6'/>", **tags)
    yield "progressive.jpg", encoded(PICTURE, "JPEG", progressive=True)
    yield "cmyk.jpg", encoded(PICTURE, "JPEG", mode="CMYK")
    yield "lossy.webp", encoded(ALPHA, "WEBP", exif=exif(6))
    yield "lossless.webp", encoded(ALPHA, "WEBP", lossless=True)
    rgb = {"photometric": "rgb", "metadata": None}
    yield "plain.tif", tiff(PICTURE, **rgb, iccprofile=b"")
    yield "deflate16.tif", tiff(DEEP, compression="zlib", predictor=True, rowsperstrip=8, **rgb)
    yield "lzw.tif", tiff(PICTURE, compression="lzw", predictor=True, **rgb)
    yield "packbits.tif", tiff(PICTURE, compression="packbits", **rgb)
    yield "zstd.tif", tiff(PICTURE, compression="zstd", **rgb)
    yield "jpeg.tif", encoded(PICTURE, "TIFF", compression="jpeg")
    yield "fax.tif", encoded(PICTURE[..., 0] > 99, "TIFF", compression="group4")
    yield "pillow.tif", encoded(PICTURE, "TIFF", compression="tiff_lzw")
    yield "exif.tif", encoded(PICTURE, "TIFF", exif=exif(6), icc_profile=SRGB)
    yield "tiled big.tif", tiff(ALPHA, tile=(16, 16), bigtiff=True, byteorder=">", extrasamples=["assocalpha"], **rgb)
    yield "float.tif", tiff(PICTURE.astype(np.float32) / 255, compression="zlib", predictor=3, **rgb)
    yield "palette.tif", encoded(np.asarray(palette), "TIFF", mode="P")
    yield "cmyk.tif", encoded(PICTURE, "TIFF", mode="CMYK")
    yield "rgba.avif", encoded(ALPHA, "AVIF", quality=90, exif=exif(6))
    yield "rgb10.avif", imagecodecs.avif_encode(DEEP >> 6, level=90, bitspersample=10)
    yield "lossless.jp2", imagecodecs.jpeg2k_encode(DEEP, level=0, codecformat="jp2")
    bare = bytes(imagecodecs.jpegxl_encode(PICTURE, level=90, usecontainer=False))
    yield "bare.jxl", bare
    boxes = (("JXL ", b"\r\n\x87\n"), ("ftyp", b"jxl \0\0\0\0jxl "), ("Exif", bytes(4) + exif(6)), ("jxlc", bare))
    yield "boxes.jxl", b"".join(struct.pack(">I4s", 8 + len(body), kind.encode()) + body for kind, body in boxes)
    yield "still.gif", encoded(np.asarray(palette), "GIF", comment=b"a comment")
    yield "plain.ppm", encoded(PICTURE, "PPM")
    yield "packed.tga", encoded(PICTURE, "TGA", compression="tga_rle")
    yield "plain.bmp", encoded(PICTURE, "BMP")
    yield "rgba8.heic", (DATA / "rgba8.heic").read_bytes()
    yield "rgb10.heic", (DATA / "rgb10.heic").read_bytes()


def cubes() -> Iterator[tuple[str, bytes]]:
    planes = {"photometric": "minisblack", "planarconfig": "separate", "metadata": None}
    bands_first = CUBE.values.transpose(2, 0, 1)
    yield "cube.tif", written("x.tif")
    yield "lzw.tif", tiff(bands_first, compression="lzw", **planes)
    yield "zstd.tif", tiff(bands_first, compression="zstd", predictor=3, **planes)
    yield "packbits.tif", tiff(bands_first, compression="packbits", **planes)
    yield "pages.tif", tiff(bands_first, photometric="minisblack")
    yield "level5.mat", written("x.mat")
    yield "deflated.mat", foreign_mat(cube=CUBE.values, bands=np.array([CUBE.wavelength_nm]))
    yield "level7.mat", written("x.mat", mat_version="7.3")
    yield "chunked.mat", foreign_hdf5()
    yield "latest.mat", foreign_hdf5(libver="latest")
    yield "cube.nc", written("x.nc")
    yield "cube.npy", written("x.npy")
    yield "cube.npz", written("x.npz")


@cache
def samples() -> dict[str, Sample]:
    """ "photo lzw.tif", "cube level5.mat" and so on -> the file. The first word says what reads it."""
    found = {f"photo {name}": Sample(name=name, data=data) for name, data in photos()}
    found |= {f"cube {name}": Sample(name=name, data=data) for name, data in cubes()}
    for name in ("palette.png", "rgb.png", "rgba16.png"):
        found[f"photo sealed {name}"] = Sample(name=name, data=found[f"photo {name}"].data, seal=sealed_png)
    found["cube sealed.npz"] = Sample(name="x.npz", data=npy(CUBE.values), seal=zipped)
    header, numbers = written("x.hdr"), written("x.img")
    found["cube header.hdr"] = Sample(name="x.hdr", data=header, beside=(("x.img", numbers),))
    return found
