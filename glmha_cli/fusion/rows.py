"""An image in bands of rows: what a step makes of a band is still in the cache when the next step reads it.

A 256x256 tile of Restormer's widest block has hidden maps of 134 MB; each pass over one is a trip to memory and takes
several times as long as its arithmetic. In bands they are a few MB. Whole are only the residual stream, Q and V.
Tensors here are rows of one image, channels last in memory: (rows, w, c).
"""

from collections.abc import Iterator
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.networks.blocks import LayerNorm

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


class DepthwiseRows:
    """A zero-padded depth-wise 3x3 convolution over an image that comes in bands of at most `band` rows.

    A row is ready once the row below it has come, so the bands that leave lie one row higher than those that came.
    gelu: GELU of its output.
    """

    def __init__(self, weight: Float[Tensor, "c 1 3 3"], height: int, width: int, band: int, *, gelu: bool = False) -> None:
        self.weight, self.height, self.gelu = weight, height, gelu
        self.buffer = weight.new_empty(min(band, height) + 4, width, len(weight))
        self.buffer[0] = 0
        self.end, self.come, self.left = 1, 0, 0

    def room(self, num_rows: int) -> Float[Tensor, "rows w c"]:
        """Where to write the next rows; then `ready` gives what they complete."""
        start, self.end = self.end, self.end + num_rows
        self.come += num_rows
        return self.buffer[start:self.end]

    def ready(self) -> tuple[slice, Float[Tensor, "ready w c"]]:
        """Which rows of the image can be given now, and they. The last two that came wait for the next band."""
        if self.come == self.height:
            self.room(1)[:] = 0
        rows = depthwise(self.buffer[:self.end], self.weight, gelu=self.gelu)
        self.buffer[:2] = self.buffer[self.end - 2:self.end].clone()
        where, self.end = slice(self.left, self.left + len(rows)), 2
        self.left = where.stop
        return where, rows


def depthwise(rows: Float[Tensor, "rows w c"], weight: Float[Tensor, "c 1 3 3"], *, gelu: bool) -> Float[Tensor, "rows-2 w c"]:
    """The convolution of all rows that have neighbours; GELU in the same pass where oneDNN can."""
    image = rows[None].permute(0, 3, 1, 2)
    if gelu and onednn_computes(weight.dtype):
        out = torch.ops.mkldnn._convolution_pointwise(image, weight, None, [0, 1], [1, 1], [1, 1], len(weight), "gelu", [], "none")
    else:
        out = F.conv2d(image, weight, padding=(0, 1), groups=len(weight))
        out = torch.ops.aten.gelu_(out) if gelu else out
    return out.permute(0, 2, 3, 1)[0]


@cache
def onednn_computes(dtype: torch.dtype) -> bool:
    """Whether PyTorch has oneDNN (x86 alone) and this CPU can do its arithmetic in `dtype`."""
    if not torch.backends.mkldnn.is_available():
        return False
    asked = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}.get(dtype)
    return getattr(torch.ops.mkldnn, asked)() if asked else dtype == torch.float32


def product_into(out: Float[Tensor, "rows w c_out"], x: Float[Tensor, "rows w c_in"], weight: Float[Tensor, "c_in c_out"]) -> None:
    """out = x weight, per pixel."""
    torch.mm(x.flatten(0, 1), weight, out=out.view(-1, weight.shape[1]))


def add_product(out: Float[Tensor, "rows w c_out"], x: Float[Tensor, "rows w c_in"], weight: Float[Tensor, "c_in c_out"]) -> None:
    """out += x weight, per pixel; one pass where both have the same precision."""
    pixels, total = x.flatten(0, 1), out.view(-1, weight.shape[1])
    if total.dtype == weight.dtype:
        total.addmm_(pixels, weight)
    else:
        total.add_(pixels @ weight)


def matrix(weight: Float[Tensor, "c_out c_in 1 1"], dtype: torch.dtype) -> Float[Tensor, "c_in c_out"]:
    """The weights of a 1x1 convolution as what the row vector of a pixel is multiplied by."""
    return weight[:, :, 0, 0].T.to(dtype).contiguous()


def as_image(rows: Float[Tensor, "h w c"]) -> Float[Tensor, "1 c h w"]:
    """A view."""
    return rows[None].permute(0, 3, 1, 2)


def as_rows(image: Float[Tensor, "1 c h w"]) -> Float[Tensor, "h w c"]:
    """A view where memory is channels-last."""
    return image[0].permute(1, 2, 0).contiguous()


class Norm:
    """A LayerNorm of rows, in the precision of the products that follow.

    Its weight and bias stay: PyTorch's kernel is faster with them than without.
    """

    def __init__(self, norm: LayerNorm, dtype: torch.dtype) -> None:
        self.norm, self.dtype = norm, dtype

    def __call__(self, rows: Float[Tensor, "rows w c"]) -> Float[Tensor, "rows w c"]:
        return as_rows(self.norm(as_image(rows))).to(self.dtype)


class Dense:
    """A convolution between the blocks, at least float32 out; without a dtype in that of its weights: what makes the
    features and the output from them is not rounded below float32.
    """

    def __init__(self, conv: torch.nn.Conv2d, dtype: torch.dtype | None = None) -> None:
        self.weight = conv.weight.to(dtype or conv.weight.dtype, memory_format=torch.channels_last)
        self.stride, self.padding = conv.stride, conv.padding

    def __call__(self, x: Float[Tensor, "1 c_in h w"]) -> Float[Tensor, "1 c_out h_out w_out"]:
        x = x.to(self.weight.dtype, memory_format=torch.channels_last)
        out = F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)
        return out.to(torch.promote_types(out.dtype, torch.float32))
