"""An image in bands of rows: what a step makes of a band is still in the cache when the next step reads it.

A 256x256 tile of Restormer's widest block has hidden maps of 134 MB; each pass over one is a trip to memory and takes
several times as long as its arithmetic. In bands they are a few MB. Whole are only the residual stream, its norm, Q and
V. Tensors here are rows of one image, channels last in memory: (rows, w, c).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

BAND_NUMBERS = 2**22  # numbers in a block's widest map of a band: fewer are more calls, more leave the cache


def band_rows(width: int, channels: int) -> int:
    """Rows of a band whose widest map has so many `channels`."""
    return max(4, BAND_NUMBERS // (width * channels))


def bands(height: int, width: int, channels: int) -> Iterator[slice]:
    """The rows of each band, top to bottom."""
    rows = band_rows(width, channels)
    yield from (slice(start, min(start + rows, height)) for start in range(0, height, rows))


def length(rows: slice) -> int:
    return rows.stop - rows.start


class NeighbouredRows:
    """Rows of an image that come in bands of at most `band`, and leave with the row above and below; beyond it are
    zeros.

    A row can leave once the row below it has come, so the bands that leave lie one row higher than those that came.
    """

    def __init__(self, like: Tensor, height: int, width: int, channels: int, band: int) -> None:
        self.buffer = like.new_empty(min(band, height) + 4, width, channels)
        self.buffer[0] = 0
        self.height, self.end, self.given = height, 1, 0
        self.come, self.left = 0, 0

    def room(self, num_rows: int) -> Float[Tensor, "rows w c"]:
        """Where to write the next rows; then `ready` gives what they complete."""
        if self.given:
            self.buffer[:2] = self.buffer[self.given - 2 : self.given].clone()
            self.end, self.given = 2, 0
        start, self.end = self.end, self.end + num_rows
        self.come += num_rows
        return self.buffer[start : self.end]

    def ready(self) -> tuple[slice, Float[Tensor, "ready+2 w c"]]:
        """Which rows of the image can leave now, and they with their neighbours, good until there is room again."""
        if self.come == self.height:
            self.buffer[self.end] = 0
            self.end += 1
        self.given = self.end
        where = slice(self.left, self.left + self.end - 2)
        self.left = where.stop
        return where, self.buffer[: self.end]


def matrix(weight: Float[Tensor, "c_out c_in 1 1"], dtype: torch.dtype) -> Float[Tensor, "c_in c_out"]:
    """The weights of a 1x1 convolution as what the row vector of a pixel is multiplied by."""
    return weight[:, :, 0, 0].T.to(dtype).contiguous()


WHOLE = 16  # channels: whole vectors for every CPU; products of 31 run at half the rate of those of 32


def padded(weight: Tensor, *dims: int) -> Tensor:
    """With zeros behind, to a multiple of `WHOLE` in these dimensions: of channels that come or go."""
    for dim in dims:
        zeros = list(weight.shape)
        zeros[dim] = -zeros[dim] % WHOLE
        weight = torch.cat([weight, weight.new_zeros(zeros)], dim)
    return weight


def as_image(rows: Float[Tensor, "h w c"]) -> Float[Tensor, "1 c h w"]:
    """A view."""
    return rows[None].permute(0, 3, 1, 2)


def as_rows(image: Float[Tensor, "1 c h w"]) -> Float[Tensor, "h w c"]:
    """A view where memory is channels-last."""
    return image[0].permute(1, 2, 0).contiguous()
