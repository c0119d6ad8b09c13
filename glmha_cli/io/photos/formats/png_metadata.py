"""What the chunks of a PNG say beside its pixels (W3C PNG specification, third edition, section 11.3)."""

import re
import struct
import zlib
from collections.abc import Callable, Mapping

from glmha_cli.io.photos.formats.png_pixels import Chunks
from glmha_cli.io.photos.metadata import METRES_PER_INCH, Extra, Findings, Kind, Metadata, usable_dpi
from glmha_cli.io.photos.photoshop import IIM_MARK, without_thumbnails, wrapped_iptc

INFLATED_MAX_BYTES = 16 << 20  # the largest profiles in use have a few MB; a compressed one could declare anything
XMP, PROVENANCE, RAW_PROFILE = b"XML:com.adobe.xmp", b"glmha", b"Raw profile type "
_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_KINDS = {
    b"tEXt": Kind.TEXTS,
    b"zTXt": Kind.TEXTS,
    b"iTXt": Kind.TEXTS,
    b"cICP": Kind.CICP,
    b"gAMA": Kind.PNG_COLOURS,
    b"cHRM": Kind.PNG_COLOURS,
    b"sRGB": Kind.PNG_COLOURS,
    b"mDCV": Kind.LIGHT_LEVELS,
    b"cLLI": Kind.LIGHT_LEVELS,
    b"tIME": Kind.CHUNK,
}
_BYTES = {b"cICP": 4, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"mDCV": 24, b"cLLI": 8, b"tIME": 7}


def metadata_of(chunks: Chunks, findings: Findings) -> Metadata:
    """Of all chunks; what an old way of writing says (raw profiles in texts) counts where no chunk says it."""
    return _Reader(findings).metadata(chunks)


class _Reader:
    """Fills metadata from the chunks in turn; a chunk that cannot be understood is damage, and no more."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.found: dict[str, object] = {}
        self.from_text: dict[str, object] = {}
        self.extras: list[Extra] = []
        self.left_out: list[str] = []
        self.bytes_left = 4 * INFLATED_MAX_BYTES  # of all chunks together

    def metadata(self, chunks: Chunks) -> Metadata:
        for kind, body in chunks:
            if kind in _PICTURE:
                continue
            try:
                _READERS.get(kind, _Reader._other)(self, kind, body)
            except (ValueError, IndexError, struct.error, zlib.error):
                self.findings.damage.append(f"chunk {kind.decode('ascii', 'replace')}")
        self.findings.left_out("PNG chunks", self.left_out)
        return Metadata(**{**self.from_text, **self.found}, extras=tuple(self.extras))  # type: ignore[arg-type]

    def _single(self, kind: bytes, name: str, value: object) -> None:
        """The first counts, where there is room for one."""
        if name in self.found:
            self.left_out.append(f"{kind.decode('ascii')} after the first")
        else:
            self.found[name] = value

    def _exif(self, kind: bytes, body: bytes) -> None:
        self._single(kind, "exif", body)

    def _profile(self, kind: bytes, body: bytes) -> None:
        self._single(kind, "icc_profile", self._inflate(body[body.index(b"\0") + 2 :]))

    def _resolution(self, kind: bytes, body: bytes) -> None:
        x, y, unit = struct.unpack(">IIB", body)
        if unit == 1:  # the metre; 0 is an aspect ratio
            self._single(kind, "dpi", usable_dpi(x * METRES_PER_INCH, y * METRES_PER_INCH))
        elif x != y:
            self.extras.append(Extra(kind=Kind.ASPECT, key=kind, body=body))

    def _text(self, kind: bytes, body: bytes) -> None:
        keyword = body[: body.index(b"\0")]
        if keyword == PROVENANCE:
            return
        if kind == b"iTXt" and keyword == XMP:
            self._single(kind, "xmp", self._text_of(kind, body[len(keyword) + 1 :]))
        elif keyword.startswith(RAW_PROFILE):
            text = self._text_of(kind, body[len(keyword) + 1 :])
            self._raw_profile(
                keyword.removeprefix(RAW_PROFILE), _raw_profile(text), Extra(kind=_KINDS[kind], key=kind, body=body)
            )
        else:
            self.extras.append(Extra(kind=_KINDS[kind], key=kind, body=body))

    def _text_of(self, kind: bytes, body: bytes) -> bytes:
        """What a text chunk says, from behind its keyword."""
        if kind == b"iTXt":
            return self._international_text(body)
        return self._inflate(body[1:]) if kind == b"zTXt" else body

    def _raw_profile(self, name: bytes, data: bytes, as_it_is: Extra) -> None:
        """As ImageMagick, GIMP and exiv2 write what PNG had no chunk for before 2017."""
        if name in (b"exif", b"APP1") and data.startswith((b"Exif\0", b"II*\0", b"MM\0*")):
            self.from_text["exif"] = data
        elif name == b"xmp" or (name == b"APP1" and data.startswith(b"http:")):
            self.from_text["xmp"] = data.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
        elif name in (b"icc", b"icm"):
            self.from_text["icc_profile"] = data
        elif name in (b"iptc", b"8bim"):
            self._photoshop(data.removeprefix(b"Photoshop 3.0\0"))
        else:
            self.extras.append(as_it_is)

    def _photoshop(self, data: bytes) -> None:
        """Resources; ImageMagick writes IPTC-IIM data without any around them."""
        block = wrapped_iptc(data) if data.startswith(IIM_MARK) else without_thumbnails(data)
        self.extras += [Extra(kind=Kind.PHOTOSHOP, body=block)] if block else []

    def _other(self, kind: bytes, body: bytes) -> None:
        if len(body) != _BYTES.get(kind, len(body)) or (kind == b"gAMA" and not any(body)):
            raise ValueError("not of its size, or a gamma of 0")
        if kind in _KINDS:
            self.extras.append(Extra(kind=_KINDS[kind], key=kind, body=body))
        elif kind[3:4].islower():  # "safe to copy" (section 5.4), whatever the picture
            self.extras.append(Extra(kind=Kind.CHUNK, key=kind, body=body))
        else:
            self.left_out.append(kind.decode("ascii", "replace"))

    def _international_text(self, body: bytes) -> bytes:
        compressed = body[0] == 1
        text = body[2:].split(b"\0", 2)[2]
        return self._inflate(text) if compressed else text

    def _inflate(self, data: bytes) -> bytes:
        """ValueError for data that is cut or that unpacks to more than there is for metadata."""
        stream = zlib.decompressobj()
        inflated = stream.decompress(data, min(INFLATED_MAX_BYTES, max(self.bytes_left, 1)))
        self.bytes_left -= len(inflated)
        if not stream.eof:
            raise ValueError("cut, or too large")
        return inflated


_READERS: Mapping[bytes, Callable[[_Reader, bytes, bytes], None]] = {
    b"eXIf": _Reader._exif,
    b"iCCP": _Reader._profile,
    b"pHYs": _Reader._resolution,
    b"tEXt": _Reader._text,
    b"zTXt": _Reader._text,
    b"iTXt": _Reader._text,
}


def _raw_profile(text: bytes) -> bytes:
    """What "\\nexif\\n      38\\n4578..." holds: name, length, then hexadecimal digits in lines."""
    match = re.match(rb"\s*\S+\s+(\d+)\s+([0-9a-fA-F\s]*)", text)
    if not match:
        raise ValueError("no raw profile")
    return bytes.fromhex(match[2].decode("ascii"))[: int(match[1])]
