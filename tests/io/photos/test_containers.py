"""What AVIF and HEIC say beside their pixels, and EXIF that moves or stays: files laid out by hand."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile

from glmha_cli.io.photos.colours import BT2020, colours_of
from glmha_cli.io.photos.exif import load_exif
from glmha_cli.io.photos.exif_edit import upright_exif, with_root_entries
from glmha_cli.io.photos.formats.av1 import coded_colours
from glmha_cli.io.photos.formats.isobmff import read_container
from glmha_cli.io.photos.metadata import Findings, Kind
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.turn import Turn
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import SRGB, read_bytes
from tests.io.photos.side_data import PICTURE, exif, jpeg, saved, segment

SIZE = "0011" + "0010" + "1111" + "011"  # bits of a width of 4 bits and a height of 3: 16 x 4
COLOURS = "1" + f"{9:08b}{16:08b}{9:08b}"  # BT.2020, PQ


def box(kind: bytes, *parts: bytes, version: int | None = None) -> bytes:
    body = (b"" if version is None else struct.pack(">I", version << 24)) + b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def container(
    properties: list[bytes], of_item: dict[int, list[int]], auxiliary: dict[int, int], kinds: dict[int, bytes]
):
    """A file of item 1 and others: properties (from 1 on) by item, what is auxiliary for what, the items' types."""
    infos = [box(b"infe", struct.pack(">HH", item, 0), kind, b"\0", version=2) for item, kind in kinds.items()]
    associations = [struct.pack(">HB", item, len(numbers)) + bytes(numbers) for item, numbers in of_item.items()]
    links = [box(b"auxl", struct.pack(">HHH", item, 1, target)) for item, target in auxiliary.items()]
    ipma = box(b"ipma", struct.pack(">I", len(associations)), *associations, version=0)
    meta = box(
        b"meta",
        box(b"pitm", struct.pack(">H", 1), version=0),
        box(b"iinf", struct.pack(">H", len(infos)), *infos, version=0),
        box(b"iref", *links, version=0),
        box(b"iprp", box(b"ipco", *properties), ipma),
        version=0,
    )
    return read_container(box(b"ftyp", b"avif" + bytes(4)) + meta + box(b"mpvd", b"a video"), Findings())


def test_properties_count_for_the_items_they_are_associated_with():
    pq, p3 = (box(b"colr", b"nclx", struct.pack(">HHHB", *codes, 0x80)) for codes in ((9, 16, 9), (12, 13, 6)))
    depth = box(b"auxC", b"urn:mpeg:hevc:2015:auxid:2\0", version=0)
    alpha = box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", version=0)
    found = container(
        [pq, p3, depth, alpha], {1: [2], 2: [1, 3], 3: [4]}, {2: 1, 3: 1}, {1: b"av01", 2: b"av01", 3: b"av01"}
    )
    assert [extra.body for extra in found.colours(b"")] == [b"\x0c\x0d\0\1"]
    assert found.alpha is found.items[3]
    findings = Findings()
    found.left_behind(findings)
    assert findings.notes == ["its depth map, video was left out"]


def test_light_levels_are_those_of_a_png():
    primaries = struct.pack(">6H", 13250, 34500, 7500, 3000, 34000, 16000)  # green, blue, red
    mdcv = box(b"mdcv", primaries, struct.pack(">HHII", 15635, 16450, 10_000_000, 50))
    found = container([box(b"clli", struct.pack(">HH", 1000, 400)), mdcv], {1: [1, 2]}, {}, {1: b"av01"})
    levels, display = found.light_levels()
    assert (levels.key, struct.unpack(">II", levels.body)) == (b"cLLI", (10_000_000, 4_000_000))
    assert display.key == b"mDCV"
    assert struct.unpack(">8HII", display.body) == (
        34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450, 10_000_000, 50,
    )  # fmt: skip


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_a_damaged_list_of_items_is_no_crash(cut):
    data = saved("AVIF", exif=exif([(271, 2, b"Maker\0")]))
    damaged = data[:cut] + b"\xff" * 8 + data[cut + 8 :]
    findings = Findings()
    found = read_container(damaged, findings)
    found.left_behind(findings)
    assert len(found.colours(damaged)) + len(found.light_levels()) <= 3 and len(found.data(damaged, b"Exif")) <= len(
        damaged
    )


def test_declared_extents_of_no_size_cost_no_time():
    """65 535 of them in each of a thousand items."""
    items = b"".join(struct.pack(">HHH", item, 0, 0xFFFF) for item in range(1000))
    iloc = box(b"iloc", b"\0\0", struct.pack(">H", 1000), items, version=0)
    found = read_container(box(b"meta", iloc, version=0), Findings())
    assert len(found.items) == 1000


def avif_with(*properties: bytes, **options) -> bytes:
    """A lossless AVIF of `PICTURE` with further properties of its picture."""
    data = saved("AVIF", quality=100, subsampling="4:4:4", **options)
    at = {kind: data.index(kind) - 4 for kind in (b"meta", b"iprp", b"ipco", b"ipma", b"iloc", b"mdat")}
    ipco_end = at[b"ipco"] + int.from_bytes(data[at[b"ipco"] :][:4])
    more, count = b"".join(properties), len(properties)
    grown = bytearray(data[:ipco_end] + more + data[ipco_end:])
    ipma = at[b"ipma"] + len(more)
    grown[ipma + 18] += count  # of associations
    end = ipma + int.from_bytes(grown[ipma : ipma + 4])
    first = grown[ipma + 18] - count + 1
    grown[end:end] = bytes(0x80 | number for number in range(first, first + count))  # essential, as what turns must be
    for kind, by in ((b"meta", len(more) + count), (b"iprp", len(more) + count), (b"ipco", len(more))):
        place = at[kind]
        grown[place : place + 4] = (int.from_bytes(grown[place : place + 4]) + by).to_bytes(4)
    grown[ipma : ipma + 4] = (end + count - ipma).to_bytes(4)
    place = grown.index((at[b"mdat"] + 8).to_bytes(4), at[b"iloc"])
    grown[place : place + 4] = (at[b"mdat"] + 8 + len(more) + count).to_bytes(4)
    return bytes(grown)


def clean_aperture(width: int, height: int, left: int, top: int) -> bytes:
    """Offsets are of the centre, in halves of a pixel."""
    rows, columns = PICTURE.shape[:2]
    right, down = 2 * left - (columns - width), 2 * top - (rows - height)
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, right, 2, down, 2))


def test_the_clean_aperture_of_an_avif_is_its_picture(tmp_path):
    whole = read_bytes(tmp_path / "a.avif", avif_with()).colours
    cropped = read_bytes(tmp_path / "b.avif", avif_with(clean_aperture(10, 7, left=4, top=3)))
    np.testing.assert_array_equal(cropped.colours, whole[3:10, 4:14])
    turned = avif_with(clean_aperture(10, 7, left=4, top=3), box(b"irot", b"\3"))  # three quarter turns to the left
    np.testing.assert_array_equal(read_bytes(tmp_path / "c.avif", turned).colours, np.rot90(whole[3:10, 4:14], -1))


@pytest.mark.parametrize(
    "aperture", [clean_aperture(99, 7, 0, 0), box(b"clap", bytes(32)), clean_aperture(3, 3, -2, 0)]
)
def test_a_clean_aperture_that_is_none_costs_itself_alone(tmp_path, aperture):
    photo = read_bytes(tmp_path / "a.avif", avif_with(aperture))
    assert photo.colours.shape == PICTURE.shape and photo.notes == ("its clean aperture cannot be read: left out",)


def test_pixels_of_an_avif_that_are_not_square_are_kept_or_said(tmp_path):
    photo = read_bytes(tmp_path / "a.avif", avif_with(box(b"pasp", struct.pack(">II", 2, 1))))
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo) == []
    assert struct.pack(">IIB", 1, 2, 0) in (tmp_path / "b.png").read_bytes()
    (note,) = write_photo(tmp_path / "b.jpg", photo.pixels, like=photo)
    assert "shape of its pixels" in note
    square = read_bytes(tmp_path / "c.avif", avif_with(box(b"pasp", struct.pack(">II", 3, 3))))
    assert not square.metadata.of(Kind.ASPECT)


# Maker notes

LENS = b"24-70mm, a lens of forty bytes in all...\0"


def maker_note(at: int) -> bytes:
    """As Canon's: a directory whose value is found by its distance from the header of the EXIF."""
    return struct.pack("<HHHII", 1, 0x95, 2, len(LENS), at + 18) + bytes(4) + LENS


def block_with_note() -> bytes:
    def block(note: bytes) -> bytes:
        return exif([(271, 2, b"Canon\0"), (274, 3, b"\1\0")], [(0x927C, 7, note), (0x9000, 7, b"0230")])

    at = block(maker_note(0)).index(maker_note(0)[:8])
    return block(maker_note(at))


def lens_in(block: bytes) -> bytes:
    """What the note says, found as a reader of this camera's notes finds it."""
    here = block.index(struct.pack("<HHHI", 1, 0x95, 2, len(LENS)))
    (to,) = struct.unpack_from("<I", block, here + 10)
    return block[to : to + len(LENS)]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_what_a_maker_note_points_to_stays_where_it_is(tmp_path, suffix):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + block_with_note())))
    write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo, provenance={"task": "derain"})
    again = read_photo(tmp_path / f"b{suffix}").metadata.exif
    assert lens_in(again) == LENS and again.index(LENS) == block_with_note().index(LENS)
    write_photo(
        tmp_path / f"c{suffix}", photo.pixels, like=read_photo(tmp_path / f"b{suffix}"), provenance={"task": "d"}
    )
    assert lens_in(read_photo(tmp_path / f"c{suffix}").metadata.exif) == LENS


def test_a_maker_note_that_moves_says_by_how_much(tmp_path):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + block_with_note())))
    write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    data = (tmp_path / "b.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        below = tif.pages[0].tags[34665].value
        assert below["MakerNote"] == maker_note(block_with_note().index(maker_note(0)[:8]))
    here = data.index(struct.pack("<HHHI", 1, 0x95, 2, len(LENS)))
    (says,) = struct.unpack_from("<I", data, here + 10)
    (moved,) = struct.unpack_from("<i", data, data.index(struct.pack("<HHI", 0xEA1D, 9, 1)) + 8)
    assert data[says + moved : says + moved + len(LENS)] == LENS


@pytest.mark.parametrize(("place", "length"), [(513, 514), (273, 279)])
def test_a_thumbnail_goes_and_nothing_else(place, length):
    """Of JPEG, or stored plainly."""
    thumbnail = saved("JPEG")
    block = bytearray(block_with_note())
    directory_at, (count,) = len(block), struct.unpack_from("<H", block, 8)
    struct.pack_into("<I", block, 10 + 12 * count, directory_at)
    picture_at = directory_at + 2 + 24 + 4
    block += (
        struct.pack("<HHHII", 2, place, 4, 1, picture_at)
        + struct.pack("<HHII", length, 4, 1, len(thumbnail))
        + bytes(4)
    )
    block += thumbnail
    without = upright_exif(bytes(block), turn=Turn(), width=4, height=3)
    assert thumbnail not in without and len(without) < picture_at + 16 and lens_in(without) == LENS
    assert load_exif(without).root == load_exif(block_with_note()).root


def test_a_tag_is_written_over_where_it_has_room_and_else_behind():
    block = exif([(305, 2, b"a long name of some software\0"), (271, 2, b"Maker\0")])
    shorter = with_root_entries(block, {305: (2, b"glmha\0")})
    longer = with_root_entries(block, {305: (2, b"glmha" * 20 + b"\0")})
    added = with_root_entries(block, {315: (2, b"Somebody\0"), 270: (2, b"abc\0")})
    assert len(shorter) == len(block) < len(longer)
    assert [load_exif(each).root[305][1] for each in (shorter, longer)] == [b"glmha\0", b"glmha" * 20 + b"\0"]
    assert load_exif(added).root == {
        **load_exif(block).root, 315: (2, b"Somebody\0"), 270: (2, b"abc\0"),
    }  # fmt: skip


def test_hdr_of_an_avif_goes_into_a_png(tmp_path):
    data = imagecodecs.avif_encode(
        PICTURE.astype(np.uint16) * 4, level=100, bitspersample=10, primaries=9, transfer=16, matrix=9
    )
    photo = read_bytes(tmp_path / "a.avif", data)
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo) == []
    assert b"cICP\x09\x10\0\1" in (tmp_path / "b.png").read_bytes()


def test_colours_that_an_avif_says_in_its_picture_alone_count(tmp_path):
    """PQ of BT.2020 by the sequence header, without the box `colr`."""
    data = imagecodecs.avif_encode(PICTURE, level=90, primaries=9, transfer=16, matrix=9)
    photo = read_bytes(tmp_path / "a.avif", data.replace(b"colrnclx", b"freenclx"))
    assert colours_of(photo.metadata).is_hdr and colours_of(photo.metadata).primaries == BT2020
    assert write_photo(tmp_path / "b.png", photo.pixels, like=photo) == []
    assert b"cICP\x09\x10\0\1" in (tmp_path / "b.png").read_bytes()
    profile = box(b"colr", b"prof" + SRGB)
    said = container([profile, box(b"av1C", bytes(4) + sequence_unit(reduced()))], {1: [1, 2]}, {}, {1: b"av01"})
    assert said.colours(b"") == []


def reduced(profile: int = 0, colours: str = COLOURS) -> str:
    """Bits of a sequence header of a still picture (AV1 specification, section 5.5.1), up to its colours."""
    gray = "" if profile == 1 else "0"
    return (
        f"{profile:03b}" + "11" + "00000" + SIZE + "000" + "000" + "1" + ("1" if profile == 2 else "") + gray + colours
    )


def sequence_unit(bits: str, head: bytes = b"\x0a") -> bytes:
    """With a size, behind an empty temporal delimiter."""
    body = int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(-(-len(bits) // 8))
    return b"\x12\0" + head + bytes([len(body)]) + body


TIMED = (
    "000" + "00"
    + "1" + "0" * 64 + "1" + "00101"  # timing, with a picture's length by uvlc
    + "1" + "00011" + "0" * 32 + "00000" + "00000"  # a decoder's model, of delays of 4 bits
    + "1" + "00001"  # delays of display; two operating points
    + "0" * 12 + "01000" + "0" + "1" + "0" * 9 + "1" + "0000"
    + "0" * 12 + "00111" + "0" + "0"
    + SIZE + "1" + "0" * 7 + "000"
    + "0000" + "1" + "00" + "0" + "1" + "0" + "0" + "111"  # tools; screen content is forced, as whole pixels are
    + "000" + "0" + "0" + COLOURS
)  # fmt: skip
UNTOLD = "000" + "00" + "0" + "0" + "00000" + "0" * 12 + "00000" + SIZE + "0" + "000" + "0000" + "0" + "1" + "1"


@pytest.mark.parametrize(
    ("bits", "found"),
    [
        (reduced(), (9, 16)),
        (reduced(1), (9, 16)),
        (reduced(2), (9, 16)),
        (reduced(colours="0"), (2, 2)),
        (TIMED, (9, 16)),
        (UNTOLD + "000" + "0" + "0" + COLOURS, (9, 16)),
        (reduced()[:-20], (2, 2)),
    ],
)
def test_colours_in_a_sequence_header(bits, found):
    assert coded_colours(sequence_unit(bits)) == found
    with_extension = sequence_unit(bits).replace(b"\x0a", b"\x0e\0", 1)
    assert coded_colours(with_extension) == found
    item = container([box(b"av1C", bytes(4) + sequence_unit(bits))], {1: [1]}, {}, {1: b"av01"})
    assert [extra.body for extra in item.colours(b"")] == ([bytes([*found, 0, 1])] if found != (2, 2) else [])


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a\xff\xff", b"\x12\0" * 1_000_000, b"\x0a\x09" + bytes(9)])
def test_no_sequence_header_says_nothing(data):
    assert coded_colours(data) == (2, 2)


def test_a_bmp_keeps_its_resolution_and_its_profile(tmp_path):
    buffer = io.BytesIO(saved("BMP", dpi=(300, 150)))
    photo = read_bytes(tmp_path / "a.bmp", buffer.getvalue())
    assert photo.metadata.dpi == pytest.approx((300, 150), abs=0.1)
    plain = saved("BMP")
    pixels = plain[54:]
    header = (
        struct.pack("<I", 124)
        + plain[18:54]
        + bytes(16)
        + b"DEBM"
        + bytes(48)
        + struct.pack("<IIII", 0, 124 + len(pixels), len(SRGB), 0)
    )
    data = b"BM" + struct.pack("<IHHI", 14 + 124 + len(pixels) + len(SRGB), 0, 0, 14 + 124) + header + pixels + SRGB
    photo = read_bytes(tmp_path / "b.bmp", data)
    assert photo.metadata.icc_profile == SRGB
    np.testing.assert_array_equal(photo.colours, PICTURE)
