"""A small DNG, as a camera would write it (Adobe DNG 1.4), by tifffile."""

import io

import numpy as np
import tifffile

WHITE = 16383
SRGB_FROM_XYZ = (3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259, 1.0572252)


def dng(
    linear: np.ndarray, *, neutral: tuple[float, float, float] = (0.5, 1.0, 0.7), orientation: int = 1, xmp: bytes = b""
) -> bytes:
    """A scene, linear sRGB (h, w, 3) in [0, 1] with even sides, as seen by a camera whose sensor has sRGB's primaries.

    neutral: what it sees of white.
    """
    seen = np.asarray(linear) * neutral
    mosaic = seen[..., 1].copy()
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = seen[0::2, 0::2, 0], seen[1::2, 1::2, 2]  # RGGB
    tags = [
        (271, "s", 0, "Maker", True),
        (272, "s", 0, "Camera", True),
        (274, "H", 1, orientation, True),
        (315, "s", 0, "Joerg", True),
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, bytes([0, 1, 1, 2]), True),  # CFAPattern
        (50706, "B", 4, bytes([1, 4, 0, 0]), True),  # DNGVersion
        (50707, "B", 4, bytes([1, 1, 0, 0]), True),  # DNGBackwardVersion
        (50708, "s", 0, "Maker Camera", True),  # UniqueCameraModel
        (50714, "H", 1, 0, True),  # BlackLevel
        (50717, "I", 1, WHITE, True),  # WhiteLevel
        (50721, "2i", 9, [part for value in SRGB_FROM_XYZ for part in (round(value * 10**6), 10**6)], True),
        (50728, "2I", 3, [part for value in neutral for part in (round(value * 10**6), 10**6)], True),
        (50778, "H", 1, 21, True),  # CalibrationIlluminant1: D65
    ]
    tags += [(700, "B", len(xmp), xmp, True)] if xmp else []
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.rint(mosaic * WHITE).astype(np.uint16),
        photometric=32803,
        extratags=tags,
        software=False,
        metadata=None,
    )
    return buffer.getvalue()
