"""What a photo carries beside its pixels, whatever its format."""

from dataclasses import dataclass

DPI_MAX = 65535  # of JFIF, the smallest


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Empty means absent.

    exif: a TIFF structure (EXIF 2.32 section 4.5.2) without the JPEG prefix "Exif" 0 0.
    icc_profile, xmp: the profile and the XMP packet, byte for byte.
    dpi: pixels per inch (x, y), positive.
    png_chunks: whole chunks that only a PNG can hold, copied from PNG to PNG as they are.
    provenance: how the photo was made, one line of ASCII JSON. Written, never read.
    """

    exif: bytes = b""
    icc_profile: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    png_chunks: bytes = b""
    provenance: str = ""


def is_srgb(icc_profile: bytes) -> bool:
    """Whether colours stay as they are without the profile: none, or one that calls itself sRGB."""
    return not icc_profile or b"sRGB" in icc_profile or "sRGB".encode("utf-16-be") in icc_profile


def is_gray_profile(icc_profile: bytes) -> bool:
    return icc_profile[16:20] == b"GRAY"  # ICC.1 section 7.2.6, data colour space


def usable_dpi(x: float, y: float) -> tuple[float, float] | None:
    """(x, y) if both are positive and at most what every format holds: files do carry 0, and 1/0."""
    x, y = float(x), float(y)
    return (x, y) if all(0 < v <= DPI_MAX for v in (x, y)) else None
