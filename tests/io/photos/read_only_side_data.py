"""Files of the formats that are only read, with one kind of side data each: rows of docs/side-data.md."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from tests.io.photos import side_data
from tests.io.photos.raw import dng

DATA = Path(__file__).parent / "data"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def packed_box(kind: bytes, body: bytes) -> bytes:
    return box(b"brob", kind + bytes(imagecodecs.brotli_encode(body)))


def jpeg_2000(form: str = "jp2", behind: bytes = b"") -> bytes:
    picture = side_data.PICTURE
    return bytes(imagecodecs.jpeg2k_encode(picture, codecformat=form, reversible=True, level=0)) + behind


def jpeg_xl(*others: bytes) -> bytes:
    stream = bytes(imagecodecs.jpegxl_encode(side_data.PICTURE, lossless=True, usecontainer=False))
    return _SIGNATURE + box(b"ftyp", b"jxl \0\0\0\0jxl ") + b"".join(others) + box(b"jxlc", stream)


def gif(*extensions: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(side_data.PICTURE).quantize(256).save(buffer, "GIF")
    data = buffer.getvalue()
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:at] + b"".join(extensions) + data[at:]


def gif_extension(label: int, *blocks: bytes) -> bytes:
    return bytes([0x21, label]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def samples() -> Iterator["side_data.Sample"]:
    sample, block, xmp = side_data.Sample, side_data.BLOCK, side_data.XMP
    comment = gif_extension(0xFE, b"a comment")
    yield sample("GIF", "comment", gif(comment), b"a comment", ("comment",))
    packet = bytes([0x21, 0xFF, 11]) + b"XMP DataXMP" + xmp + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    yield sample("GIF", "XMP", gif(packet), xmp, ("XMP",))
    profile = gif_extension(0xFF, b"ICCRGBG1012", b"a profile of it")
    yield sample("GIF", "ICC profile", gif(profile), b"a profile of it", ("ICC",))
    shape = bytearray(gif())
    shape[12] = 128 - 15  # twice as wide as high (GIF89a, section 18)
    yield sample("GIF", "shape of its pixels", bytes(shape), struct.pack(">IIB", 1, 2, 0), ("pixels",))
    yield sample("RAW", "XMP", dng(np.full((32, 48, 3), 0.3), xmp=xmp), xmp, ("XMP",))
    yield sample("JPEG 2000", "EXIF with a maker note", jpeg_2000("jp2", box(b"uuid", b"JpgTiffExif->JP2" + block)),
                 side_data.MAKER_NOTE, ("EXIF",))  # fmt: skip
    yield sample("JPEG 2000", "XMP", jpeg_2000("jp2", box(b"uuid", _XMP_UUID + xmp)), xmp, ("XMP",))
    yield sample("JPEG 2000", "XML", jpeg_2000("jp2", box(b"xml ", b"<a/>")), b"<a/>", ("xml",))
    yield sample("JPEG XL", "EXIF with a maker note", jpeg_xl(box(b"Exif", bytes(4) + block)), side_data.MAKER_NOTE)
    yield sample("JPEG XL", "XMP", jpeg_xl(box(b"xml ", xmp)), xmp)
    yield sample("JPEG XL", "compressed EXIF", jpeg_xl(packed_box(b"Exif", bytes(4) + block)), side_data.MAKER_NOTE)
    yield sample("JPEG XL", "compressed XMP", jpeg_xl(packed_box(b"xml ", xmp)), xmp)
    credentials = packed_box(b"jumb", b"of its making")
    yield sample("JPEG XL", "compressed content credentials", jpeg_xl(credentials), b"of its making", ("jumb",))
    yield sample("JPEG XL", "content credentials (JUMBF)", jpeg_xl(box(b"jumb", bytes(9))), b"jumb", ("jumb",))
    yield sample("JPEG XL", "gain map", jpeg_xl(box(b"jhgm", bytes(9))), b"jhgm", ("jhgm",))
    yield sample("PPM", "comment", b"P6\n# taken by Zoe\n16 12\n255\n" + side_data.PICTURE.tobytes(), b"taken by Zoe",
                 ("comments",))  # fmt: skip
    yield sample("BMP", "data behind the picture", side_data.saved("BMP") + b"SEFT", b"SEFT", ("left out",))
    heic = (DATA / "rgb10.heic").read_bytes()
    yield sample("HEIC", "video behind the picture", heic + box(b"mpvd", side_data.VIDEO), side_data.VIDEO, ("video",))
    yield sample("HEIC", "box of a maker", heic + box(b"uuid", b"of a maker"), b"of a maker", ("uuid",))
