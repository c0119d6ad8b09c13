"""Working scales: a photo is corrected at reduced sizes, from coarse to fine, and keeps its own detail.

A network removes what is as large as what it was trained on. In a photo of 12 megapixels, rain streaks and blur are
several times as large. There the network works on the photo reduced by a whole factor, and the change that it makes,
its correction, is enlarged and added to the photo. Each finer scale starts from the photo as corrected so far.

All of it streams: strips of rows go in and come out from the top down, and memory does not grow with the height.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Float, Num
from PIL import Image

from glmha_cli.errors import UsageError

Rows = Float[np.ndarray, "rows w c"]
ReadRows = Callable[[int, int], Rows]
"""The rows of a photo from start to stop, float32 in [0, 1]."""
Network = Callable[[ReadRows, tuple[int, int]], Iterator[Rows]]
"""Restores a photo of some size, of which it reads the rows from the top down; its finished rows, strip after strip."""

LARGEST_FACTOR = 16
ROWS_AT_ONCE = 256
"""Of the photo itself: a strip of a reduced one is as many times as large, and need not be held as a whole."""
MARGIN = 2
"""Rows beside a pixel that the cubic convolution which enlarges corrections looks at."""


@dataclass(frozen=True, kw_only=True)
class Scales:
    """factors: by which the photo is reduced, from coarse to fine; (1,) is the photo as it is, None is for the photo to
    tell (`scale_choice.choose`).
    """

    factors: tuple[int, ...] | None = (1,)

    @classmethod
    def parse(cls, text: str) -> "Scales":
        """`auto`, or scales such as `1`, `1/4` or `1/4,1/2,1`. Raises UsageError."""
        if text == "auto":
            return cls(factors=None)
        parts = text.split(",")
        factors = [factor for part in parts if (factor := _factor(part.strip())) is not None]
        if len(factors) != len(parts) or factors != sorted(set(factors), reverse=True):
            raise UsageError(
                f"--scale takes auto, or scales from coarse to fine down to 1/{LARGEST_FACTOR}, not '{text}'",
                "--scale 1/4, or --scale 1/4,1",
            )
        return cls(factors=tuple(factors))

    def __str__(self) -> str:
        return "auto" if self.factors is None else named(self.factors)


def _factor(text: str) -> int | None:
    one, slash, number = text.partition("/")
    if one != "1" or (slash and not (number.isascii() and number.isdecimal())):
        return None
    factor = int(number) if slash else 1
    return factor if 1 <= factor <= LARGEST_FACTOR else None


def named(factors: Iterable[int]) -> str:
    """As `Scales.parse` takes them."""
    return ",".join("1" if factor == 1 else f"1/{factor}" for factor in factors)


def reduced_size(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return -(-size[0] // factor), -(-size[1] // factor)


def reduced(rows: Rows, factor: int) -> Rows:
    """Means of squares of `factor` pixels; at the right and lower border the last pixel is repeated."""
    height, width, channels = rows.shape
    rest = (-height % factor, -width % factor)
    if any(rest):
        rows = np.pad(rows, ((0, rest[0]), (0, rest[1]), (0, 0)), mode="edge")
    squares = rows.reshape(rows.shape[0] // factor, factor, rows.shape[1] // factor, factor, channels)
    return squares.mean((1, 3), dtype=np.float32)


def corrected(read: ReadRows, size: tuple[int, int], factor: int, network: Network) -> Iterator[Rows]:
    """The photo of `size`, corrected at 1/factor: its rows in [0, 1], strip after strip.

    read: is called with starts that go back by no more than `kept_rows(factor)`, and for many rows part after part.
    """

    at_once = max(1, ROWS_AT_ONCE // factor)

    def read_reduced(start: int, stop: int) -> Rows:
        spans = [(first, min(first + at_once, stop)) for first in range(start, stop, at_once)]
        return np.concatenate([reduced(read(a * factor, min(b * factor, size[0])), factor) for a, b in spans])

    def corrections() -> Iterator[Rows]:
        start = 0
        for strip in network(read_reduced, reduced_size(size, factor)):
            for output in np.split(strip, range(at_once, len(strip), at_once)):
                yield output.clip(0, 1) - read_reduced(start, start + len(output))
                start += len(output)

    start = 0
    for correction in enlarged(corrections(), factor, size):
        rows = read(start, start + len(correction)) + correction
        start += len(correction)
        yield rows.clip(0, 1, out=rows)


def enlarged(strips: Iterable[Rows], factor: int, size: tuple[int, int]) -> Iterator[Rows]:
    """Strips of a picture of `reduced_size(size, factor)`, enlarged to `size` by cubic convolution."""
    held: Rows | None = None
    first = done = 0  # index of the first row that is held, and of the first one that is not enlarged yet
    for strip in chain(strips, [None]):
        if strip is not None:
            held = strip if held is None else np.concatenate([held, strip])
        if held is None:
            return
        ready = first + len(held) - (0 if strip is None else MARGIN)
        if ready <= done:
            continue
        rows = _resized(held, (done - first, ready - first), factor)
        yield rows[: size[0] - done * factor, : size[1]]
        done = ready
        keep = max(0, done - MARGIN - first)
        held, first = held[keep:], first + keep


def enlarged_whole(picture: Rows, times: int) -> Rows:
    """A picture in [0, 1] so many times as large, as a photo of more pixels shows the same scene."""
    height, width = picture.shape[:2]
    return np.concatenate(list(enlarged([picture], times, (height * times, width * times)))).clip(0, 1)


def _resized(picture: Rows, span: tuple[int, int], factor: int) -> Rows:
    """The rows of the span enlarged; those beside it count where the kernel reaches them."""
    width, box = picture.shape[1], (0, span[0], picture.shape[1], span[1])
    size = (width * factor, (span[1] - span[0]) * factor)
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., c])) for c in range(picture.shape[2])]
    return np.stack([np.asarray(each.resize(size, Image.Resampling.BICUBIC, box=box)) for each in channels], axis=-1)


def stacked(strips: Iterable[Num[np.ndarray, "rows w c"]], height: int) -> Num[np.ndarray, "h w c"]:
    """Strips that make up an image of `height`, one below the other; only one of them is held beside the image."""
    image: np.ndarray | None = None
    start = 0
    for strip in strips:
        if image is None:
            image = np.empty((height, *strip.shape[1:]), strip.dtype)
        image[start : start + len(strip)] = strip
        start += len(strip)
    assert image is not None  # there is at least one strip
    return image


def kept_rows(factor: int) -> int:
    """How far `corrected` goes back in the rows that it reads."""
    return 2 * MARGIN * factor


class RowWindow:
    """Rows of a picture that comes strip after strip, as far as they are still asked for.

    Starts may go back by `kept` rows behind that of the furthest read so far. One that begins where the last one ended
    goes on with it: many rows are read in parts.
    """

    def __init__(self, strips: Iterator[Rows], kept: int) -> None:
        self._strips, self._kept = strips, kept
        self._held: Rows | None = None
        self._first = 0
        self._begun = self._ended = 0  # of the last read

    def __call__(self, start: int, stop: int) -> Rows:
        self._begun, self._ended = self._begun if start == self._ended else start, stop
        if self._held is not None and (drop := self._begun - self._kept - self._first) > 0:
            self._held, self._first = self._held[drop:], self._first + drop
        while self._held is None or self._first + len(self._held) < stop:
            strip = next(self._strips)
            self._held = strip if self._held is None else np.concatenate([self._held, strip])
        return self._held[start - self._first : stop - self._first]
