"""The header of a JPEG XL codestream: size, depth and colours (ISO/IEC 18181-1, annexes A and D)."""

from dataclasses import dataclass

from glmha_cli.errors import BadDataError

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_XYB, _SRGB, _CUSTOM, _P3 = 2, 13, 2, 11
_WHITE_DCI = 11
_ALPHA, _BLACK = 0, 4  # types of further channels


@dataclass(frozen=True, kw_only=True)
class Header:
    """width, height: as shown, upright. bit_depth: of the samples, which libjxl gives as they are. orientation: as EXIF
    numbers it, which libjxl applies. cicp: the body of PNG's chunk cICP that says the same colours; b"" for sRGB, or
    where none does. has_profile: the colours are said by an ICC profile within the codestream. alphas: of each channel
    of alpha, whether the colours are multiplied by it. num_others: further channels that are none, such as depth.
    """

    width: int
    height: int
    bit_depth: int = 8
    orientation: int = 1
    is_animated: bool = False
    cicp: bytes = b""
    has_profile: bool = False
    alphas: tuple[bool, ...] = ()
    num_others: int = 0


class _Bits:
    """Fields of a codestream: from the lowest bit of each byte on."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise BadDataError("truncated: its header is cut")
        found, self.value = self.value & ((1 << count) - 1), self.value >> count
        self.left -= count
        return found

    def flag(self) -> bool:
        return self.take(1) == 1

    def choose(self, *forms: tuple[int, int]) -> int:
        """U32: two bits choose among (offset, bits)."""
        offset, bits = forms[self.take(2)]
        return offset + self.take(bits)

    def enum(self) -> int:
        return self.choose((0, 0), (1, 0), (2, 4), (18, 6))


def read_header(stream: bytes) -> Header:
    """BadDataError for what is none."""
    bits = _Bits(stream[:256])
    if bits.take(16) != 0x0AFF:
        raise BadDataError("damaged: its codestream has no signature")
    width, height = _size(bits)
    if bits.flag():  # all by default: 8-bit sRGB
        return Header(width=width, height=height)
    orientation, is_animated = _extra_fields(bits) if bits.flag() else (1, False)
    if orientation > 4:
        width, height = height, width
    if is_animated:  # nothing behind is needed
        return Header(width=width, height=height, is_animated=True)
    bit_depth = _depth(bits)
    bits.take(1)
    further = [_extra_channel(bits) for _ in range(bits.choose((0, 0), (1, 0), (2, 4), (1, 12)))]
    alphas = tuple(is_multiplied for is_multiplied in further if is_multiplied is not None)
    bits.take(1)  # whether the samples are XYB
    has_profile, cicp = _colours(bits)
    return Header(
        width=width,
        height=height,
        bit_depth=bit_depth,
        orientation=orientation,
        has_profile=has_profile,
        cicp=cicp,
        alphas=alphas,
        num_others=len(further) - len(alphas),
    )


def _extra_fields(bits: _Bits) -> tuple[int, bool]:
    """The orientation, and whether it is animated."""
    orientation = bits.take(3) + 1
    if bits.flag():
        _size(bits)  # the intrinsic size
    if bits.flag():
        raise BadDataError("holds a preview beside its picture", "convert it to PNG or TIFF first")
    return orientation, bits.flag()


def _size(bits: _Bits) -> tuple[int, int]:
    in_eights = bits.flag()

    def side() -> int:
        return 8 * (bits.take(5) + 1) if in_eights else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))

    height, ratio = side(), bits.take(3)
    if ratio == 0:
        return side(), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _depth(bits: _Bits) -> int:
    if not bits.flag():
        return bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    of_floats = bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return of_floats


def _extra_channel(bits: _Bits) -> bool | None:
    """Whether the colours are multiplied by it, of alpha; None of any other. BadDataError for the black of CMYK."""
    if bits.flag():  # 8-bit alpha
        return False
    kind = bits.enum()
    _depth(bits)
    bits.choose((0, 0), (3, 0), (4, 0), (1, 3))
    for _ in range(bits.choose((0, 0), (0, 4), (16, 5), (48, 10))):
        bits.take(8)
    if kind == _ALPHA:
        return bits.flag()
    if kind == _BLACK:
        raise BadDataError("its colours are CMYK", "convert it to PNG or TIFF first")
    if kind == 2:
        bits.take(64)  # a spot colour
    elif kind == 5:
        bits.choose((1, 0), (0, 2), (3, 4), (19, 8))
    return None


def _colours(bits: _Bits) -> tuple[bool, bytes]:
    """Whether an ICC profile says them, and the cICP that does; neither for sRGB."""
    if bits.flag():
        return False, b""
    if bits.flag():
        return True, b""
    space = bits.enum()
    if space == _XYB:
        return False, b""
    white = bits.enum()
    if white == _CUSTOM:
        return True, b""
    primaries = 1 if space == 1 else bits.enum()  # gray has none
    if primaries == _CUSTOM or bits.flag():  # ...or a pure power, which cICP has not
        return True, b""
    transfer = bits.enum()
    if (primaries, transfer) == (1, _SRGB):
        return False, b""
    if primaries == _P3 and white != _WHITE_DCI:
        primaries = 12  # Display P3 of H.273
    return False, bytes([primaries, transfer, 0, 1])
