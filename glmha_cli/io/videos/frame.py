"""A frame of a video: its picture upright, and what is needed to store it again as it was stored."""

from dataclasses import dataclass
from fractions import Fraction

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.metadata import Extra, Kind, pixel_shape

_USUAL, _OF_SCREENS = {0, 1, 2, 3, 5, 6, 7}, {0, 1, 2, 3, 6, 14, 15}  # primaries and curves of ITU-T H.273
_SRGB_CURVE = 13


@dataclass(frozen=True, kw_only=True)
class Storage:
    """How the frames of a video are stored.

    codec, pixels: FFmpeg's names of the codec and of the layout of pixels. time_base: seconds in a unit of time stamps.
    rate: frames a second, where all are shown as long. primaries, curve, matrix: of colours, as ITU-T H.273 numbers
    them; range: 1 limited, 2 full. location: of colours between the pixels. aspect: width of a pixel by its height.
    """

    codec: str
    pixels: str
    time_base: Fraction
    rate: Fraction
    primaries: int = 2
    curve: int = 2
    matrix: int = 2
    range: int = 0
    location: str = "left"
    aspect: Fraction = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a frame is shown and for how long, in units of `storage.time_base`, and the video's way to store it."""

    time: int
    duration: int
    storage: Storage


def extras_of(storage: Storage) -> tuple[Extra, ...]:
    """What a frame says as a photo: colours beyond those of sRGB (HDR, P3), as the cICP of a PNG, and the shape of its
    pixels. Players show the curves of other videos as that of sRGB.
    """
    curve = _SRGB_CURVE if storage.curve in _OF_SCREENS else storage.curve
    is_usual = storage.primaries in _USUAL and curve == _SRGB_CURVE
    cicp = Extra(kind=Kind.CICP, key=b"cICP", body=bytes([storage.primaries, curve, 0, 1]))
    shape = pixel_shape(storage.aspect.denominator, storage.aspect.numerator)
    return tuple(shape if is_usual else [cicp, *shape])


class EndOfVideoError(BadDataError):
    """There is no such frame: the video ends before."""
