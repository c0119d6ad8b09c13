"""Entries of EXIF and TIFF directories: their types and numbers, and the tags that are used here."""

import math
import struct
from collections.abc import Mapping

from glmha_cli.io.tiff_file import TYPE_BYTES as TIFF_TYPE_BYTES

Entry = tuple[int, bytes]  # type, value in the byte order of its file
Directory = dict[int, Entry]

TYPE_BYTES = TIFF_TYPE_BYTES | {129: 1}  # UTF-8, EXIF 3.0 section 4.6.2
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_NUMBERS |= {16: "Q", 17: "q", 18: "Q"}
LAYOUTS = {False: ("H", "HHI4s", "I"), True: ("Q", "HHQ8s", "Q")}  # classic, BigTIFF: count, entry, offset
ASCII, SHORT, LONG, SLONG, LONG8 = 2, 3, 4, 9, 16
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SOFTWARE = 274, 282, 283, 296, 305
MAKER_NOTE, OFFSET_SCHEMA = 0x927C, 0xEA1D
UNITS_PER_INCH: Mapping[float, float] = {2: 1.0, 3: 2.54}  # ResolutionUnit: inch, centimetre


def number(order: str, entry: Entry, default: float = 0) -> float:
    """The first number of a value of any type that holds numbers; of text that is one; else `default`."""
    return next(iter(numbers(order, entry)), default)


def numbers(order: str, entry: Entry) -> tuple[float, ...]:
    """All numbers of a value of any type that holds numbers, or of text that is one; none of any other value, nor where
    one of them is infinite or NaN."""
    kind, value = entry
    try:
        if kind == ASCII:
            found: tuple[float, ...] = (float(value.partition(b"\0")[0]),)
        else:
            values = struct.iter_unpack(order + _NUMBERS[kind], value)
            found = tuple(top / bottom[0] if bottom else top for top, *bottom in values)
    except (KeyError, ValueError, struct.error, ZeroDivisionError):
        return ()
    return found if all(map(math.isfinite, found)) else ()
