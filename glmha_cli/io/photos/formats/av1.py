"""What the sequence header of AV1 pictures says of their colours (AV1 bitstream specification, sections 5.3 to 5.5)."""

from collections.abc import Iterator

_SEQUENCE_HEADER = 1
HEAD_BYTES = 256
"""The most that is looked at: a sequence header stands first, or behind an empty unit, and has a few bytes."""
_UNSPECIFIED = (2, 2)


def coded_colours(units: bytes) -> tuple[int, int]:
    """Primaries and transfer, as ITU-T H.273 numbers them, by the first sequence header; twice the number for
    unspecified where it says none, or is cut.
    """
    try:
        bodies = (body for kind, body in _units(units[:HEAD_BYTES]) if kind == _SEQUENCE_HEADER)
        return next((_sequence_colours(_Bits(body)) for body in bodies), _UNSPECIFIED)
    except IndexError:
        return _UNSPECIFIED


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each unit; one without a size is the last."""
    at = 0
    while at < len(data):
        head, at = data[at], at + 1
        has_extension, has_size = head & 4, head & 2
        at += 1 if has_extension else 0
        size = len(data) - at
        if has_size:
            size, at = _leb128(data, at)
        yield head >> 3 & 15, data[at : at + size]
        at += size


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place behind it."""
    value = 0
    for index in range(8):
        value |= (data[at + index] & 0x7F) << 7 * index
        if not data[at + index] & 0x80:
            break
    return value, at + index + 1


class _Bits:
    """Fields of a header: from the highest bit of each byte on. IndexError behind its end."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise IndexError("a header is cut")
        self.left -= count
        return self.value >> self.left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.take(1) == 1

    def skip_exponential(self) -> None:
        """uvlc: as many bits as there were zeros before the first one."""
        zeros = 0
        while not self.flag():
            zeros += 1
        self.take(zeros)


def _sequence_colours(bits: _Bits) -> tuple[int, int]:
    profile = bits.take(3)
    bits.take(1)  # whether it is a still picture
    is_reduced = bits.flag()
    if is_reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width_bits + height_bits)
    if not is_reduced and bits.flag():
        bits.take(7)  # lengths of frame numbers
    bits.take(3)
    if not is_reduced:
        _skip_tools(bits)
    bits.take(3)
    is_deep = bits.flag()
    bits.take(1 if profile == 2 and is_deep else 0)  # whether of 12 bit
    bits.take(0 if profile == 1 else 1)  # whether gray
    return (bits.take(8), bits.take(8)) if bits.flag() else _UNSPECIFIED


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.flag():  # timing
        bits.take(64)
        if bits.flag():
            bits.skip_exponential()
        if bits.flag():  # a model of the decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.flag()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)  # tier
        if delay_bits and bits.flag():
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.flag():
            bits.take(4)


def _skip_tools(bits: _Bits) -> None:
    """Of pictures that depend on others."""
    bits.take(4)
    has_order = bits.flag()
    bits.take(2 if has_order else 0)
    screen_content = 2 if bits.flag() else bits.take(1)  # 2: told by each picture
    if screen_content and not bits.flag():
        bits.take(1)
    bits.take(3 if has_order else 0)
