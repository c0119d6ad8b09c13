"""Ways in which files get damaged, by a seed: flipped bits, lost, doubled and swapped blocks, edited lengths, cuts."""

from collections.abc import Callable

import numpy as np

Damage = Callable[[bytearray, np.random.Generator], None]
HEADER_BYTES = 300
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """`data` after one to three accidents, mostly one; half of them in the first bytes, where formats keep their
    structure."""
    broken = bytearray(data)
    for _ in range((1, 1, 2, 3)[rng.integers(4)]):
        if broken:
            ACCIDENTS[rng.integers(len(ACCIDENTS))](broken, rng)
    return bytes(broken)


def place(broken: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(min(len(broken), HEADER_BYTES) if rng.random() < 0.5 else len(broken)))


def block(broken: bytearray, rng: np.random.Generator) -> slice:
    at = place(broken, rng)
    return slice(at, at + int(rng.integers(1, 65)))


def flip_bits(broken: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 9)):
        broken[place(broken, rng)] ^= 1 << int(rng.integers(8))


def set_byte(broken: bytearray, rng: np.random.Generator) -> None:
    broken[place(broken, rng)] = int(rng.integers(256))


def edit_number(broken: bytearray, rng: np.random.Generator) -> None:
    """A field of 1 to 8 bytes, of either byte order: an extreme value, or a little more or less than it was."""
    size, order, at = 1 << int(rng.integers(4)), ("little", "big")[rng.integers(2)], place(broken, rng)
    was = int.from_bytes(broken[at : at + size], order)
    value = EDGES[rng.integers(len(EDGES))] if rng.random() < 0.6 else was + int(rng.integers(-9, 10))
    broken[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, order)


def edit_digits(broken: bytearray, rng: np.random.Generator) -> None:
    """A number in text, as headers of ENVI and NumPy have them."""
    digits = [at for at, byte in enumerate(broken[:2000]) if byte in b"0123456789"]
    if digits:
        at = digits[rng.integers(len(digits))]
        broken[at : at + 1] = (b"-1", b"0", b"1e9", b"99999999999", b"nan", b"(", b"")[rng.integers(7)]


def fill(broken: bytearray, rng: np.random.Generator) -> None:
    where = block(broken, rng)
    broken[where] = bytes([(0, 255)[rng.integers(2)]]) * len(broken[where])


def insert(broken: bytearray, rng: np.random.Generator) -> None:
    at = place(broken, rng)
    broken[at:at] = rng.bytes(int(rng.integers(1, 33)))


def double(broken: bytearray, rng: np.random.Generator) -> None:
    where = block(broken, rng)
    broken[where.start : where.start] = broken[where]


def lose(broken: bytearray, rng: np.random.Generator) -> None:
    del broken[block(broken, rng)]


def swap(broken: bytearray, rng: np.random.Generator) -> None:
    first, second = block(broken, rng), block(broken, rng)
    broken[first], broken[second] = broken[second], broken[first]


def cut(broken: bytearray, rng: np.random.Generator) -> None:
    del broken[place(broken, rng) :]


ACCIDENTS: tuple[Damage, ...] = (
    flip_bits, flip_bits, set_byte, edit_number, edit_number, edit_number, edit_digits, fill, insert, double, lose,
    swap, cut,
)  # fmt: skip
