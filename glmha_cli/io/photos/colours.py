"""What the numbers of a photo mean as colours, whatever says so: one description for all readers and writers.

What counts, in this order (PNG third edition, section 4.3, and as viewers do it): cICP or nclx, an ICC profile, a PNG's
sRGB chunk, its gAMA and cHRM, EXIF; else the photo is taken as sRGB.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.io.photos.exif import load_exif
from glmha_cli.io.photos.exif_entries import EXIF_IFD, INTEROP_IFD, number, numbers
from glmha_cli.io.photos.icc import D65, Curve, Primaries, made_profile, matrix_profile
from glmha_cli.io.photos.metadata import Kind, Metadata
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

BT709: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)
BT2020: Primaries = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65)
P3: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65)
ADOBE_RGB: Primaries = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)
_CICP_PRIMARIES: Mapping[int, Primaries] = {  # ITU-T H.273, table 2
    1: BT709,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: BT2020,
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: P3,
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
_PQ, _HLG = 16, 18
_PRIMARY_TOLERANCE, _CURVE_TOLERANCE = 0.002, 1.5 / 255  # of x and y; of sRGB's encoded values
_GAMMA, _WHITE_POINT, _CHROMATICITIES, _COLOUR_SPACE = 0xA500, 318, 319, 0xA001


_UNSPECIFIED = b"\2\2"  # primaries and transfer of cICP that say nothing


@dataclass(frozen=True, kw_only=True)
class Colours:
    """source: what says so, for messages; "" where nothing does, and the photo is taken as sRGB.

    primaries, curve: None where they are not known, as of an ICC profile made of tables.
    is_hdr: light beyond white, which no conversion to sRGB shows as it is (PQ and HLG of ITU-R BT.2100).
    is_full_range: 0 is black and the peak is white; else both lie within, as in video. Matrices are undone by decoders.
    """

    source: str = ""
    primaries: Primaries | None = BT709
    curve: Curve | None = None
    is_hdr: bool = False
    is_full_range: bool = True

    @property
    def is_srgb(self) -> bool:
        """Within what an 8-bit photo can show."""
        if self.is_hdr or not self.is_full_range or self.primaries is None or self.curve is None:
            return not self.source
        near = bool(np.allclose(self.primaries, BT709, atol=_PRIMARY_TOLERANCE))
        return near and is_srgb_curve(self.curve)

    def profile(self) -> bytes:
        """An ICC profile that says the same; empty where none can."""
        if self.primaries is None or self.curve is None or self.is_hdr or not self.is_full_range:
            return b""
        return made_profile(self.primaries, self.curve)


def is_srgb_curve(curve: Curve) -> bool:
    encoded = np.linspace(0, 1, 256)
    linear = np.clip(curve(encoded), 0, 1)
    return bool(np.abs(linear_to_srgb(linear) - encoded).max() < _CURVE_TOLERANCE)


def _bt709_curve(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.where(values < 0.081, values / 4.5, ((values + 0.099) / 1.099) ** (1 / 0.45))


def power(gamma: float) -> Curve:
    return lambda values: values**gamma


_CICP_CURVES: Mapping[int, Curve] = {  # ITU-T H.273, table 3
    **dict.fromkeys((1, 6, 14, 15), _bt709_curve),
    4: power(2.2),
    5: power(2.8),
    8: power(1.0),
    13: srgb_to_linear,
    17: power(2.6),
}


def colours_of(metadata: Metadata) -> Colours:
    """What counts for a photo with this metadata."""
    chunks = {extra.key: extra.body for extra in metadata.extras}
    if len(cicp := chunks.get(b"cICP", b"")) == 4 and cicp[:2] != _UNSPECIFIED:
        return _of_cicp(cicp)
    if metadata.icc_profile:
        return _of_profile(metadata.icc_profile)
    if b"sRGB" in chunks:
        return Colours(source="sRGB chunk", curve=srgb_to_linear)
    if metadata.of(Kind.PNG_COLOURS):
        return _of_gamma(chunks)
    return _of_exif(metadata.exif)


def _of_cicp(body: bytes) -> Colours:
    primaries, transfer = body[:2]
    return Colours(
        source="cICP",
        primaries=_CICP_PRIMARIES.get(primaries),
        curve=_CICP_CURVES.get(transfer),
        is_hdr=transfer in (_PQ, _HLG),
        is_full_range=body[3] == 1,
    )


def _of_gamma(chunks: Mapping[bytes, bytes]) -> Colours:
    """PNG third edition, sections 11.3.2.1 and 11.3.2.2. gAMA of 1/2.2 is how PNG writers say sRGB."""
    primaries = BT709
    curve: Curve = srgb_to_linear
    if len(body := chunks.get(b"cHRM", b"")) == 32:
        white_x, white_y, *rest = (value / 100_000 for value in struct.unpack(">8I", body))
        primaries = (*rest, white_x, white_y)
    if len(body := chunks.get(b"gAMA", b"")) == 4 and 0 < (gamma := int.from_bytes(body)) != 45455:
        curve = power(100_000 / gamma)
    return Colours(source="gAMA and cHRM", primaries=primaries, curve=curve)


def _of_exif(block: bytes) -> Colours:
    """EXIF 2.32, ColorSpace; DCF 2.0, "optional file": cameras set to Adobe RGB write no profile, but R03."""
    try:
        exif = load_exif(block)
    except (ValueError, struct.error):
        return Colours()
    below = exif.below.get(EXIF_IFD, {})
    space = number(exif.order, below[_COLOUR_SPACE]) if _COLOUR_SPACE in below else 0
    index = exif.below.get(INTEROP_IFD, {}).get(1, (0, b""))[1]
    if space == 1:
        return Colours(source="EXIF", curve=srgb_to_linear)
    if space == 2 or index.startswith(b"R03"):
        return Colours(source="EXIF (Adobe RGB)", primaries=ADOBE_RGB, curve=power(563 / 256))
    tags = (exif.root.get(tag, (0, b"")) for tag in (_WHITE_POINT, _CHROMATICITIES))
    white, primaries = (numbers(exif.order, entry) for entry in tags)
    if len(white) == 2 and len(primaries) == 6:
        gamma = number(exif.order, below[_GAMMA], 2.2) if _GAMMA in below else 2.2
        return Colours(source="EXIF (chromaticities)", primaries=(*primaries, *white), curve=power(gamma))
    return Colours(source="EXIF (uncalibrated)", primaries=None) if space == 0xFFFF else Colours()


def _of_profile(profile: bytes) -> Colours:
    """An ICC profile by its colorants and curves (ICC.1:2022, sections 8.3 and 9.2), never by its name."""
    found = matrix_profile(profile)
    primaries, curve = found or (None, None)
    return Colours(source="ICC profile", primaries=primaries, curve=curve)
