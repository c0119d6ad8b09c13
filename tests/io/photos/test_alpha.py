"""Alpha that the colours were multiplied by, in every format that can say so, and channels that are no alpha."""

import struct

import imagecodecs
import numpy as np
import pytest
import tifffile

from glmha_cli.errors import BadDataError
from tests.io.photos.photos import encoded, read_bytes
from tests.io.photos.read_only_side_data import DATA, box

ALPHA = np.tile(np.array([[255, 51, 102, 0]], np.uint8), (12, 4))
STRAIGHT = np.where(ALPHA > 0, 200, 0).astype(np.uint8)
GRAY = np.rint(STRAIGHT * (ALPHA / 255)).astype(np.uint8)
STORED = np.dstack([GRAY, GRAY, GRAY, ALPHA])
NOTE = "premultiplied alpha was made straight"


def jpeg_xl(channel: str) -> bytes:
    """Lossless, 16 x 12; its last channel described by these bits, from the lowest of each byte on (ISO/IEC 18181-1,
    annex D), in place of the one that says 8-bit alpha.
    """
    data = bytes(imagecodecs.jpegxl_encode(STORED, lossless=True, usecontainer=False))
    bits = "".join(f"{byte:08b}"[::-1] for byte in data)
    assert bits[39:48] == "101001000"  # that one, not XYB, sRGB, no extensions, no other transform
    head = bits[:39] + channel + bits[40:45]
    bits = head.ljust(-(-len(head) // 8) * 8, "0") + bits[48:]
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def jpeg_2000(kind: int, *, first: bool = False) -> bytes:
    """Its alpha the last channel, or the first."""
    stored = np.roll(STORED, 1, axis=2) if first else STORED
    data = bytes(imagecodecs.jpeg2k_encode(stored, codecformat="jp2", reversible=True, level=0))
    channels = (
        ((0, kind, 0), *((i, 0, i) for i in (1, 2, 3))) if first else (*((i, 0, i + 1) for i in range(3)), (3, kind, 0))
    )
    definition = box(b"cdef", struct.pack(">H", 4) + b"".join(struct.pack(">3H", *each) for each in channels))
    return inserted(data, definition, b"jp2h")


def inserted(data: bytes, more: bytes, *holders: bytes) -> bytes:
    """`more` at the end of the last of these boxes, each of which lies in the one before."""
    places = [data.index(kind) - 4 for kind in holders]
    sizes = [int.from_bytes(data[at : at + 4]) for at in places]
    changed = bytearray(data)
    for at, size in zip(places, sizes, strict=True):
        changed[at : at + 4] = struct.pack(">I", size + len(more))
    end = places[-1] + sizes[-1]
    return bytes(changed[:end] + more + changed[end:])


PLAIN, OF_ALPHA = "0" + "00", "000" + "00" + "00"  # not by default, alpha; 8 bit, not reduced, without a name
MULTIPLIED = {
    "JPEG XL": jpeg_xl(PLAIN + OF_ALPHA + "1"),
    "JP2": jpeg_2000(2),
    "JP2, alpha first": jpeg_2000(2, first=True),
}
SEPARATE = {
    "JPEG XL": jpeg_xl(PLAIN + OF_ALPHA + "0"),
    "JP2": jpeg_2000(1),
    "JP2, alpha first": jpeg_2000(1, first=True),
}


@pytest.mark.parametrize("name", MULTIPLIED)
def test_colours_multiplied_by_alpha_become_straight(tmp_path, name):
    photo = read_bytes(tmp_path / "a.photo", MULTIPLIED[name])
    assert photo.notes == (NOTE,)
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    np.testing.assert_allclose(photo.colours[..., 0], STRAIGHT, atol=3)


@pytest.mark.parametrize("is_multiplied", [False, True])
def test_libavif_makes_an_avif_straight_by_itself(tmp_path, is_multiplied):
    """The encoder takes straight colours, and multiplies them where it is told to."""
    colours = np.full((*ALPHA.shape, 4), 120, np.uint8)
    colours[..., 3] = ALPHA
    data = encoded(colours, "AVIF", quality=100, subsampling="4:4:4", alpha_premultiplied=is_multiplied)
    assert (b"prem" in data) == is_multiplied
    photo = read_bytes(tmp_path / "a.avif", data)
    assert photo.notes == ()
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    np.testing.assert_allclose(photo.colours[ALPHA > 0], 120, atol=3)


@pytest.mark.parametrize("name", SEPARATE)
def test_straight_colours_stay_as_they_are(tmp_path, name):
    photo = read_bytes(tmp_path / "a.photo", SEPARATE[name])
    assert photo.notes == ()
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    np.testing.assert_allclose(photo.colours, STORED[..., :3], atol=1)


def test_a_last_channel_of_a_jpeg_2000_that_says_nothing_is_kept_as_alpha_with_a_note(tmp_path):
    photo = read_bytes(tmp_path / "a.jp2", jpeg_2000(65535))
    assert photo.notes == ("its extra channel does not say what it is: kept as alpha",)
    np.testing.assert_array_equal(photo.alpha, ALPHA)


def test_further_channels_of_a_jpeg_xl_are_said(tmp_path):
    depth, black = "0" + "10" + OF_ALPHA, "0" + "01" + "0100" + OF_ALPHA
    photo = read_bytes(tmp_path / "a.jxl", jpeg_xl(depth))
    assert photo.alpha is None and photo.notes == ("its further channels (1) were left out",)
    with pytest.raises(BadDataError, match="CMYK"):
        read_bytes(tmp_path / "b.jxl", jpeg_xl(black))


def test_a_heic_multiplied_by_its_alpha_becomes_straight(tmp_path):
    """As Apple's frameworks write stickers: "prem" beside "auxl" (ISO/IEC 23008-12, section 6.6.2.1)."""
    pytest.importorskip("pi_heif")
    data = (DATA / "rgba8.heic").read_bytes()
    plain = read_bytes(tmp_path / "a.heic", data)
    link = box(b"prem", struct.pack(">HHH", 1, 1, 2))
    changed = bytearray(inserted(data, link, b"meta", b"iref"))
    locations = changed.index(b"iloc")
    for offset in (1376, 3959, 5144, 5372):  # of its four items
        at = changed.index(struct.pack(">I", offset), locations)
        changed[at : at + 4] = struct.pack(">I", offset + len(link))
    photo = read_bytes(tmp_path / "b.heic", bytes(changed))
    assert photo.notes == (NOTE,)
    np.testing.assert_array_equal(photo.alpha, plain.alpha)
    covered = plain.alpha > 0
    expected = np.minimum(np.rint(plain.colours[covered] * 255.0 / plain.alpha[covered][:, None]), 255)
    np.testing.assert_array_equal(photo.colours[covered], expected)


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
def test_a_palette_in_a_tiff_keeps_its_alpha(tmp_path, kind):
    """As GIMP writes pictures with a palette, by either kind of alpha: numbers of colours are multiplied by nothing."""
    palette = np.random.default_rng(0).integers(0, 256, (3, 256))
    tag = (320, "H", 768, (257 * palette).ravel().tolist(), True)
    stored, numbers = np.dstack([GRAY, ALPHA]), b"\x06\1\3\0\1\0\0\0%c\0"  # PhotometricInterpretation
    tifffile.imwrite(tmp_path / "a.tif", stored, planarconfig="contig", extrasamples=[kind], extratags=[tag])
    data = (tmp_path / "a.tif").read_bytes()
    photo = read_bytes(tmp_path / "b.tif", data.replace(numbers % 1, numbers % 3))
    np.testing.assert_array_equal(photo.colours, palette.T[GRAY])
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    assert len(photo.notes) == (kind == "unspecified")
