"""Damage beside the pixels costs itself alone, and is said; with `strict` the photo is refused."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import SRGB, encoded, noise, read_bytes
from tests.io.photos.side_data import PICTURE, exif, jpeg, png, segment, webp


def with_wrong_checksum(data: bytes, kind: bytes) -> bytes:
    at = data.index(kind)
    end = at + 4 + int.from_bytes(data[at - 4 : at])
    return data[:end] + bytes(4) + data[end + 4 :]


def lost_pointer(block: bytes) -> bytes:
    """The block with an EXIF pointer that leads out of it."""
    at = block.index(struct.pack("<HHI", 0x8769, 4, 1)) + 8
    return block[:at] + struct.pack("<I", 99_999_999) + block[at + 4 :]


def lost_value(block: bytes) -> bytes:
    at = block.index(struct.pack("<HH", 271, 2)) + 8
    return block[:at] + struct.pack("<I", 99_999_999) + block[at + 4 :]


def tiff_with_entries(*entries) -> bytes:
    """A plain TIFF written by hand: tifffile writes resolutions as RATIONAL alone."""
    sizes = {3: 2, 4: 4, 5: 8, 11: 4, 12: 8}
    height, width, _ = PICTURE.shape
    own = [(256, 3, width), (257, 3, height), (258, 3, 8), (259, 3, 1), (262, 3, 2), (273, 4, 8), (277, 3, 3)]
    own += [(278, 3, height), (279, 4, PICTURE.nbytes)]
    table = [(tag, kind, struct.pack(">H" if kind == 3 else ">I", value)) for tag, kind, value in own] + list(entries)
    values, at = b"", 8 + PICTURE.nbytes
    records = struct.pack(">H", len(table))
    values_at = at + 2 + 12 * len(table) + 4
    for tag, kind, value in sorted(table):
        place = value
        if tag == 258:
            value, place = b"\0\x08" * 3, struct.pack(">I", values_at + len(values))
            values += value
        elif len(value) > 4:
            place = struct.pack(">I", values_at + len(values))
            values += value
        records += struct.pack(">HHI4s", tag, kind, len(value) // sizes[kind], place)
    return b"MM\0*" + struct.pack(">I", at) + PICTURE.tobytes() + records + bytes(4) + values


BLOCK = exif([(271, 2, b"Maker\0"), (315, 2, b"Somebody\0"), (274, 3, b"\1\0")], [(0x9000, 7, b"0230")])
PROFILE = struct.pack(">BB", 2, 3) + SRGB
DAMAGED = {
    "profile that is no deflate stream": (png((b"iCCP", b"icc\0\0not a deflate stream")), "iCCP"),
    "profile cut": (png((b"iCCP", b"icc\0\0" + zlib.compress(SRGB)[:60])), "iCCP"),
    "text cut": (png((b"iTXt", b"XML:com.adobe.xmp\0\1")), "iTXt"),
    "text without its zero": (png((b"tEXt", b"")), "tEXt"),
    "resolution cut": (png((b"pHYs", b"\0\0")), "pHYs"),
    "raw profile of no digits": (png((b"tEXt", b"Raw profile type exif\0\nexif\n no\n")), "tEXt"),
    "checksum of a text": (with_wrong_checksum(png((b"tEXt", b"Author\0Grace")), b"tEXt"), "tEXt"),
    "transparency of a wrong length": (png((b"tRNS", b"\0")), "tRNS"),
    "EXIF pointer of a PNG": (png((b"eXIf", lost_pointer(BLOCK))), "EXIF"),
    "EXIF pointer of a JPEG": (jpeg(segment(0xE1, b"Exif\0\0" + lost_pointer(BLOCK))), "EXIF"),
    "EXIF pointer of a WebP": (webp((b"EXIF", lost_pointer(BLOCK))), "EXIF"),
    "EXIF value of a JPEG": (jpeg(segment(0xE1, b"Exif\0\0" + lost_value(BLOCK))), "271"),
    "EXIF that is none": (jpeg(segment(0xE1, b"Exif\0\0" + b"no EXIF at all")), "EXIF"),
    "profile of a JPEG without its first part": (jpeg(segment(0xE2, b"ICC_PROFILE\0" + PROFILE)), "ICC profile"),
    "Photoshop resources cut": (jpeg(segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\xff\xff..")), "Photoshop"),
    "EXIF pointer of a TIFF": (tiff_with_entries((34665, 4, struct.pack(">I", 99_999_999))), "EXIF"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_the_photo_is_read_and_the_damage_said(tmp_path, name):
    data, word = DAMAGED[name]
    photo = read_bytes(tmp_path / "a", data)
    assert np.abs(photo.colours.astype(int) - PICTURE).mean() < 4
    assert any(word in note and "left out" in note for note in photo.notes), photo.notes
    with pytest.raises(BadDataError, match=word) as caught:
        read_photo(tmp_path / "a", strict=True)
    assert "--strict" in caught.value.hint


@pytest.mark.parametrize("damage", [lost_pointer, lost_value])
def test_what_is_whole_of_damaged_exif_is_kept(tmp_path, damage):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + damage(BLOCK))))
    assert b"Somebody" in photo.metadata.exif


def test_exif_with_a_place_over_its_directory_costs_itself_alone(tmp_path):
    """What turns the place of the subject changes how many entries the directory has."""
    block = exif([(274, 3, b"\3\0")], [(0x9214, 3, bytes(8))])
    at = block.index(struct.pack("<HHI", 0x9214, 3, 4)) + 8
    block = block[:at] + struct.pack("<I", 8) + block[at + 4 :]
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + block)))
    assert np.abs(photo.colours.astype(int) - PICTURE[::-1, ::-1]).mean() < 4
    assert photo.notes == ("its EXIF cannot be read: left out",) and photo.metadata.exif == b""


RESOLUTIONS = {
    "SHORT": (3, 300),
    "FLOAT": (11, 300.0),
    "LONG": (4, 300),
    "DOUBLE": (12, 300.0),
    "RATIONAL": (5, (300, 1)),
}


@pytest.mark.parametrize(("kind", "value"), RESOLUTIONS.values(), ids=RESOLUTIONS)
def test_a_resolution_of_any_type(tmp_path, kind, value):
    form = {3: "H", 11: "f", 4: "I", 12: "d", 5: "II"}[kind]
    body = struct.pack(f">{form}", *(value if isinstance(value, tuple) else (value,)))
    photo = read_bytes(tmp_path / "a.tif", tiff_with_entries((282, kind, body), (283, kind, body), (296, 3, b"\0\2")))
    assert photo.metadata.dpi == (300, 300) and photo.notes == ()


@pytest.mark.parametrize("options", [{"subfiletype": 4}, {"subfiletype": 0}, {"subfiletype": 5}])
def test_a_mask_beside_the_photo_is_no_page(tmp_path, options):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(PICTURE, photometric="rgb", metadata=None)
        tif.write(PICTURE[..., 0] > 20, photometric=4, metadata=None, **options)
    photo = read_photo(path, strict=True)  # a sound file
    np.testing.assert_array_equal(photo.colours, PICTURE)
    assert options["subfiletype"] == 5 or "mask" in photo.notes[0]


def test_the_tags_that_count_are_those_of_the_photo_and_not_of_a_thumbnail_before_it(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(PICTURE[:4, :4], photometric="rgb", subfiletype=1, metadata=None)
        tif.write(PICTURE, photometric="rgb", metadata=None, extratags=[(274, 3, 1, 6, True)])
    assert read_photo(path).colours.shape == (16, 12, 3)


def avif_with_alpha_of_another_depth() -> bytes:
    """10-bit colours, and alpha whose configuration says 8 bit, as files with companions of another depth have it."""
    pixels = np.dstack([PICTURE, PICTURE[..., 0]]).astype(np.uint16) * 4
    data = bytearray(imagecodecs.avif_encode(pixels, level=100, bitspersample=10))
    _, alpha = (at for at in range(len(data)) if data[at : at + 4] == b"av1C")
    data[alpha + 6] &= ~0x40
    return bytes(data)


def test_alpha_of_another_depth_is_left_out_of_an_avif(tmp_path):
    photo = read_bytes(tmp_path / "a.avif", avif_with_alpha_of_another_depth())
    assert photo.alpha is None and photo.bit_depth == 16 and "alpha" in photo.notes[0]
    assert np.abs(photo.colours / 65535 - PICTURE / 1023 * 4).max() < 0.01
    with pytest.raises(BadDataError, match="alpha"):
        read_photo(tmp_path / "a.avif", strict=True)


# Nothing invented, nothing printed


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP", "TIFF", "exif"])
def test_no_resolution_is_invented(tmp_path, source):
    data = jpeg(segment(0xE1, b"Exif\0\0" + BLOCK)) if source == "exif" else encoded(PICTURE, source)
    photo = read_bytes(tmp_path / "a", data)
    assert photo.metadata.dpi is None
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
        with Image.open(tmp_path / f"b{suffix}") as written:
            assert written.info.get("jfif_unit", 0) == 0  # Pillow shows 72 where a JPEG says nothing
        assert read_photo(tmp_path / f"b{suffix}").metadata.dpi is None
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert not {282, 283, 296} & {tag.code for tag in tif.pages[0].tags}


def interlaced(pixels: np.ndarray) -> bytes:
    """Adam7 (PNG third edition, section 8.1), written by hand, since Pillow writes none."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    height, width, channels = pixels.shape
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    raw = b"".join(b"\0" + row.tobytes() for r, c, dr, dc in passes for row in big[r::dr, c::dc] if row.size)
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour_type, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 9, 1), (9, 1, 4), (17, 13, 3), (5, 4, 2)])
def test_an_interlaced_png_is_exact_and_quiet(tmp_path, capfd, shape, dtype):
    pixels = noise(*shape, dtype=dtype)
    photo = read_bytes(tmp_path / "a.png", interlaced(pixels))
    whole = photo.colours if photo.alpha is None else np.dstack([photo.colours, photo.alpha])
    np.testing.assert_array_equal(whole, pixels)
    assert capfd.readouterr().err == ""


def test_a_png_with_a_wrong_checksum_of_its_pixels_is_quiet(tmp_path, capfd):
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PICTURE))
    height, width, _ = PICTURE.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", stream[:-4] + bytes(4)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    np.testing.assert_array_equal(read_bytes(tmp_path / "a.png", data).colours, PICTURE)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("shape", [(1, 1), (300, 1), (1, 300), (3000, 1), (1, 3000), (257, 2), (300, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_size_can_be_written(tmp_path, suffix, shape, dtype):
    for channels in (1, 3):
        like = Photo(
            colours=noise(*shape, channels, dtype=dtype),
            bit_depth=8 * np.dtype(dtype).itemsize,
            grayscale=channels == 1,
        )
        write_photo(tmp_path / f"a{suffix}", like.pixels, like=like, overwrite=True)
        again = read_photo(tmp_path / f"a{suffix}")
        assert again.colours.shape[:2] == shape
        if suffix in (".png", ".tif"):
            np.testing.assert_array_equal(again.colours, like.colours)
