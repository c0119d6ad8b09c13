"""What a photo carries beside its pixels, whatever its format."""

from dataclasses import dataclass

DPI_MAX = 65535  # of JFIF, the smallest


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Empty means absent.

    exif: a TIFF structure (EXIF 2.32 section 4.5.2) without the JPEG prefix "Exif" 0 0.
    icc_profile, xmp: the profile and the XMP packet, byte for byte.
    dpi: pixels per inch (x, y), positive.
    png_chunks: (type, body) of the chunks that only a PNG can hold, copied from PNG to PNG as they are.
    provenance: how the photo was made, one line of ASCII JSON. Written, never read.
    """

    exif: bytes = b""
    icc_profile: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    provenance: str = ""


def is_srgb(icc_profile: bytes) -> bool:
    """Whether colours stay as they are without the profile: none, or one that calls itself sRGB and is not linear."""
    named = b"sRGB" in icc_profile or "sRGB".encode("utf-16-be") in icc_profile
    return not icc_profile or (named and not _is_linear(icc_profile))


def _is_linear(icc_profile: bytes) -> bool:
    """Whether its red tone curve is a straight line (ICC.1:2010, 7.3; curveType, 10.5; parametricCurveType, 10.15)."""

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(icc_profile[at : at + size])

    tags = (132 + 12 * index for index in range(min(number(128), 100)))
    curve = next((number(tag + 4) for tag in tags if icc_profile[tag : tag + 4] == b"rTRC"), None)
    if curve is None:
        return False
    if icc_profile[curve : curve + 4] == b"para":  # gamma as s15Fixed16
        return number(curve + 8, 2) == 0 and number(curve + 12) == 1 << 16
    return number(curve + 8) == 0 or (number(curve + 8) == 1 and number(curve + 12, 2) == 1 << 8)  # u8Fixed8


def is_gray_profile(icc_profile: bytes) -> bool:
    return icc_profile[16:20] == b"GRAY"  # ICC.1 section 7.2.6, data colour space


def usable_dpi(x: float, y: float) -> tuple[float, float] | None:
    """(x, y) if both are positive and at most what every format holds: files do carry 0, and 1/0."""
    x, y = float(x), float(y)
    return (x, y) if all(0 < v <= DPI_MAX for v in (x, y)) else None
