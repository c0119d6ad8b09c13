"""XMP packets after a restoration: no claim in any form of what is gone, and no place of the photo as it was stored."""

import hashlib
import struct
import time

import numpy as np
import pytest

from glmha_cli.io.photos.metadata import Kind
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.turn import to_upright
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import read_bytes
from tests.io.photos.side_data import VIDEO, exif, jpeg, png, segment
from tests.io.photos.test_orientations import TURNS

XAP = b"http://ns.adobe.com/xap/1.0/\0"
LIST = b"<rdf:Seq>\n<rdf:li>1.2</rdf:li><rdf:li>3</rdf:li></rdf:Seq>"
CLAIMS = {
    "an attribute": b'<r hdrgm:Version="1.0" a="b"/>',
    "an attribute in single quotes": b"<r hdrgm:Version='1.0' HDRGainMap:HDRGainMapVersion='65536'/>",
    "an attribute with spaces": b'<r GCamera:MicroVideoOffset = "324"/>',
    "an offset in single quotes": b"<r GCamera:MicroVideoOffset='324'/>",
    "an element": b"<r><hdrgm:Version>1.0</hdrgm:Version></r>",
    "an element of Apple's": b"<r><HDRGainMap:HDRGainMapVersion>65536</HDRGainMap:HDRGainMapVersion></r>",
    "an element of an offset": b"<r><GCamera:MicroVideoOffset>324</GCamera:MicroVideoOffset></r>",
    "a list": b"<r><hdrgm:GainMapMax>" + LIST + b"</hdrgm:GainMapMax></r>",
    "an element with an attribute": b'<r><hdrgm:Version rdf:datatype="d">1.0</hdrgm:Version></r>',
    "an empty element": b"<r><hdrgm:Version/></r>",
    "a time": b"<r><C:MotionPhotoPresentationTimestampUs>7</C:MotionPhotoPresentationTimestampUs></r>",
}
CLAIMS["thumbnails"] = (
    b"<r><xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType='Resource'><xmpGImg:width>2</xmpGImg:width>"
    b"<xmpGImg:image>/9j/4AAQ&#xA;SkZJRg==</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails></r>"
)
KEPT = b'<k xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" dc:title="kept"/>'


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_form_of_a_claim_stays(tmp_path, claim):
    photo = read_bytes(tmp_path / "a.jpg", jpeg(segment(0xE1, XAP + CLAIMS[claim] + KEPT)))
    assert photo.metadata.xmp.removesuffix(KEPT) in (b"<r/>", b"<r></r>", b'<r a="b"/>')
    assert photo.metadata.xmp.endswith(KEPT)


@pytest.mark.parametrize(
    "pattern",
    [
        *(b"<hdrgm:a>", b"<hdrgm:a><rdf:li>", b" hdrgm:a='", b' hdrgm:a="', b"<a:MicroVideoOffset ", b"stArea:x="),
        *(b"<a:a", b"<a:Thumbnails>", b"<a:Thumbnails ", b"<a:Thumbnails><b>"),
    ],
)
def test_a_packet_of_megabytes_costs_no_more_than_its_length(tmp_path, pattern):
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + pattern * (2_000_000 // len(pattern))
    began = time.process_time()
    read_bytes(tmp_path / "a.png", png((b"iTXt", packet), (b"eXIf", exif([(274, 3, b"\6\0")]))))
    assert time.process_time() - began < 5


def with_extension(part: bytes, orientation: int = 1) -> bytes:
    """A JPEG whose packet has an extended part, named by its MD5."""
    guid = hashlib.md5(part).hexdigest().upper().encode()
    block = exif([(274, 3, bytes([orientation, 0]))])
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(part), 0)
    packet = b'<r xmpNote:HasExtendedXMP="' + guid + b'"/>'
    return jpeg(*(segment(0xE1, body) for body in (b"Exif\0\0" + block, XAP + packet, head + part)))


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_form_of_a_claim_stays_in_an_extended_part(tmp_path, claim):
    photo = read_bytes(tmp_path / "a.jpg", with_extension(CLAIMS[claim] + KEPT))
    assert extended_part(tmp_path, photo).removesuffix(KEPT) in (b"<r/>", b"<r></r>", b'<r a="b"/>')


def test_faces_in_an_extended_part_turn_with_the_photo(tmp_path):
    photo = read_bytes(tmp_path / "a.jpg", with_extension(b'<r stArea:x="0.2" stArea:y="0.375"/>', 6))
    assert extended_part(tmp_path, photo) == b'<r stArea:y="0.2" stArea:x="0.625"/>'


def extended_part(folder, photo: Photo) -> bytes:
    """As it is read again where the photo is written: by the name that its packet has for it."""
    write_photo(folder / "b.jpg", photo.pixels, like=photo)
    (extra,) = read_photo(folder / "b.jpg").metadata.of(Kind.EXTENDED_XMP)
    assert extra.key == hashlib.md5(extra.body).hexdigest().upper().encode()
    return extra.body


def test_a_video_behind_several_pictures_is_said(tmp_path):
    data = jpeg(segment(0xE2, b"MPF\0II*\0"), trailer=jpeg() + VIDEO)
    assert read_bytes(tmp_path / "a.jpg", data).notes == (
        "only the main picture of this multi-picture JPEG is processed",
        "a video behind its pictures was left out",
    )


# Places

ATTRIBUTES = b"""<r tiff:Orientation="%d" tiff:ImageWidth="16" tiff:ImageLength='12' exif:PixelXDimension="16"
 exif:PixelYDimension = "12"><mwg-rs:AppliedToDimensions stDim:w="16" stDim:h="12"/><mwg-rs:Area stArea:x="0.2"
 stArea:y="0.375" stArea:w="0.25" stArea:h="1e-2" stArea:unit="normalized"/></r>"""
ELEMENTS = b"""<r><tiff:Orientation>%d</tiff:Orientation><tiff:ImageWidth>16</tiff:ImageWidth>
<tiff:ImageLength>12</tiff:ImageLength><stDim:w>16</stDim:w><stDim:h>12</stDim:h><stArea:h>0.01</stArea:h>
<stArea:w>0.25</stArea:w><stArea:x>0.2</stArea:x><stArea:y>0.375</stArea:y></r>"""


def stored_upright(folder, packet: bytes, orientation: int) -> Photo:
    block = exif([(274, 3, bytes([orientation, 0]))])
    return read_bytes(folder / "a.jpg", jpeg(segment(0xE1, b"Exif\0\0" + block), segment(0xE1, XAP + packet)))


def value(packet: bytes, name: str) -> float:
    """Of a property, as an attribute or an element."""
    text = packet.decode().replace("'", '"').replace(" = ", "=")
    for begin, end in ((f'{name}="', '"'), (f"<{name}>", f"</{name}>")):
        if begin in text:
            return float(text.split(begin)[1].split(end)[0])
    raise AssertionError(f"{name} is not in {text}")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("packet", [ATTRIBUTES, ELEMENTS])
def test_faces_and_sizes_are_those_of_the_photo_upright(tmp_path, packet, orientation):
    photo = stored_upright(tmp_path, packet % orientation, orientation)
    height, width = photo.colours.shape[:2]
    found, swapped = photo.metadata.xmp, orientation > 4
    assert value(found, "tiff:Orientation") == 1 and photo.notes == ()
    for name, expected in (("tiff:ImageWidth", width), ("tiff:ImageLength", height), ("stDim:w", width)):
        assert value(found, name) == expected
    assert (value(found, "stArea:w"), value(found, "stArea:h")) == ((0.01, 0.25) if swapped else (0.25, 0.01))
    places = {1: (0.2, 0.375), 2: (0.8, 0.375), 3: (0.8, 0.625), 4: (0.2, 0.625)}
    places |= {5: (0.375, 0.2), 6: (0.625, 0.2), 7: (0.625, 0.8), 8: (0.375, 0.8)}
    assert (value(found, "stArea:x"), value(found, "stArea:y")) == places[orientation]


def test_regions_in_pixels_are_said_not_to_be_turned(tmp_path):
    photo = stored_upright(tmp_path, b'<r tiff:Orientation="6" stArea:x="320" stArea:y="200"/>', 6)
    assert photo.notes == ("its regions in XMP are not plain fractions of its size: not turned with the photo",)
    assert b'stArea:x="320" stArea:y="200"' in photo.metadata.xmp


@pytest.mark.parametrize(
    "region",
    [
        b"<q:Rectangle>0.1, 0.2, 0.3, 0.4</q:Rectangle>",
        b'<b MPReg:Rectangle="0.1, 0.2, 0.3, 0.4"/>',
        b"<Iptc4xmpExt:rbX>0.3</Iptc4xmpExt:rbX>",
        b"<exif:SubjectArea><rdf:Seq><rdf:li>3</rdf:li><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectArea>",
        b"<exif:SubjectLocation>\n<rdf:Seq><rdf:li>3</rdf:li><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectLocation>",
    ],
)
def test_regions_of_other_kinds_are_said_not_to_be_turned(tmp_path, region):
    assert stored_upright(tmp_path, b"<r>" + region + b"</r>", 1).notes == ()
    photo = stored_upright(tmp_path, b"<r>" + region + b"</r>", 6)
    assert "not turned with the photo" in photo.notes[0] and region in photo.metadata.xmp


@pytest.mark.parametrize("orientation", [2, 6])
def test_regions_with_attributes_of_their_own_stay_as_they_are(tmp_path, orientation):
    element = b'<stArea:x rdf:datatype="xs:double">0.25</stArea:x>'
    photo = stored_upright(tmp_path, b'<r tiff:Orientation="%d">%s</r>' % (orientation, element), orientation)
    assert element in photo.metadata.xmp and "not turned with the photo" in photo.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_point_and_the_samples_turn_alike(orientation):
    picture = np.zeros((5, 7, 1), np.uint8)
    picture[1, 4] = 255
    turn = to_upright(orientation)
    upright = turn.samples(picture)
    np.testing.assert_array_equal(upright, TURNS[orientation](picture))
    x, y = turn.point(4, 1, right=upright.shape[1] - 1, bottom=upright.shape[0] - 1)
    assert upright[int(y), int(x), 0] == 255
