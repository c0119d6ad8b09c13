"""ICC profiles (ICC.1:2022): what one says by colorants and curves, and one made for colours that have none."""

import struct
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Primaries = tuple[float, ...]
"""CIE 1931 x and y of red, green, blue and white."""
Curve = Callable[[Float[np.ndarray, "n"]], Float[np.ndarray, "n"]]
"""Encoded values in [0, 1] -> linear light in [0, 1]."""

D65 = (0.3127, 0.3290)
_D65_TO_D50 = np.array(  # Bradford's adaptation, as ICC.1 annex E has it
    [[1.0479298, 0.0229469, -0.0501922], [0.0296278, 0.9904344, -0.0170738], [-0.0092430, 0.0150552, 0.7518743]]
)
_TABLE = 1024  # entries of a curve in a profile


def is_gray_profile(profile: bytes) -> bool:
    return profile[16:20] == b"GRAY"  # section 7.2.8, data colour space


def is_of_other_colours(profile: bytes) -> bool:
    """Whether it is for neither RGB nor gray, such as CMYK or Lab; said by a profile that is cut too."""
    return profile[36:40] == b"acsp" and profile[16:20] not in (b"RGB ", b"GRAY")


def is_profile(data: bytes) -> bool:
    """Whether there is a header, with the profile's size and signature (section 7.2), and a table of tags behind it."""
    size = int.from_bytes(data[:4])
    return 132 <= size <= len(data) and data[36:40] == b"acsp"


def matrix_profile(profile: bytes) -> tuple[Primaries, Curve] | None:
    """Primaries (with D65 as white) and tone curve of an RGB profile of a matrix and one curve; None for any other."""
    try:
        tags = _tags(profile)
        if profile[16:20] != b"RGB " or any(tag[:3] == b"A2B" for tag in tags):
            return None
        columns = [struct.unpack(">3i", tags[tag][8:20]) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = [_curve(tags[tag]) for tag in (b"rTRC", b"gTRC", b"bTRC")]
    except (KeyError, struct.error, ValueError):
        return None
    steps = np.linspace(0, 1, 256)
    red, *others = (curve(steps) for curve in curves)
    if any(np.abs(other - red).max() > 1e-3 for other in others):
        return None
    xyz = np.linalg.solve(_D65_TO_D50, np.array(columns).T / 65536)
    sums = xyz.sum(axis=0)
    if np.any(sums <= 0):
        return None
    chromaticities = (xyz[:2] / sums).T.ravel()
    return (*map(float, chromaticities), *D65), curves[0]


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, 100)))
    return {name: profile[at : at + size] for name, at, size in entries}


def _curve(tag: bytes) -> Curve:
    """curveType and parametricCurveType (sections 10.6 and 10.18)."""
    if tag[:4] == b"para":
        return _parametric(struct.unpack_from(">H", tag, 8)[0], tag)
    (count,) = struct.unpack_from(">I", tag, 8)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    if count == 0:
        return lambda values: values
    numbers = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        gamma = float(numbers[0]) / 256
        return lambda values: values**gamma
    table = numbers / 65535
    return lambda values: np.interp(values, np.linspace(0, 1, count), table)


def _parametric(form: int, tag: bytes) -> Curve:
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[form]
    g, a, b, c, d, e, f = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)] + [0.0] * (7 - count)
    if form == 0:
        return lambda values: values**g
    if form in (1, 2):  # Y = (aX + b)^g + c where aX + b >= 0, else c
        return lambda values: np.maximum(a * values + b, 0) ** g + c
    return lambda values: np.where(values >= d, np.maximum(a * values + b, 0) ** g + e, c * values + f)


def made_profile(primaries: Primaries, curve: Curve) -> bytes:
    """A matrix profile of these colours, without a date, so that the same photo gives the same bytes; empty where they
    can be nobody's.
    """
    import imagecodecs

    *chromaticities, white_x, white_y = primaries
    table = curve(np.linspace(0, 1, _TABLE)).astype(np.float32)
    try:
        profile = imagecodecs.cms_profile(
            "rgb", whitepoint=[white_x, white_y], primaries=chromaticities, transferfunction=table
        )
    except RuntimeError:  # imagecodecs.CmsError, for primaries that span no colours
        return b""
    return profile[:24] + bytes(12) + profile[36:]
