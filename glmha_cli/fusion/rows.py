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

from glmha_cli.fusion import native
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


class NeighbouredRows:
    """Rows of an image that come in bands of at most `band`, and leave with the row above and below; beyond it are zeros.

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
            self.buffer[:2] = self.buffer[self.given - 2:self.given].clone()
            self.end, self.given = 2, 0
        start, self.end = self.end, self.end + num_rows
        self.come += num_rows
        return self.buffer[start:self.end]

    def ready(self) -> tuple[slice, Float[Tensor, "ready+2 w c"]]:
        """Which rows of the image can leave now, and they with their neighbours, good until there is room again."""
        if self.come == self.height:
            self.buffer[self.end] = 0
            self.end += 1
        self.given = self.end
        where = slice(self.left, self.left + self.end - 2)
        self.left = where.stop
        return where, self.buffer[:self.end]


class Taps:
    """Weights of a zero-padded depth-wise 3x3, as PyTorch takes them and as native.c does."""

    def __init__(self, weight: Float[Tensor, "c 1 3 3"], dtype: torch.dtype) -> None:
        self.weight, self.native = weight.to(dtype), weight.flatten(1).T.float().contiguous()

    def __len__(self) -> int:
        return len(self.weight)


def depthwise(rows: Float[Tensor, "rows+2 w c"], taps: Taps, *, gelu: bool = False,
              out: Float[Tensor, "rows w c"] | None = None) -> Float[Tensor, "rows w c"]:
    """The convolution of all rows that have neighbours; gelu: GELU of it. Rows and out: some channels of wider maps, too."""
    if native.computes(rows):
        out = rows.new_empty(len(rows) - 2, *rows.shape[1:]) if out is None else out
        native.depthwise(rows, taps.native, out, gelu=gelu)
        return out
    image, weight = rows[None].permute(0, 3, 1, 2), taps.weight
    if gelu and onednn_computes(weight.dtype):
        convolved = torch.ops.mkldnn._convolution_pointwise(image, weight, None, [0, 1], [1, 1], [1, 1], len(weight), "gelu", [], "none")
    else:
        convolved = F.conv2d(image, weight, padding=(0, 1), groups=len(weight))
        convolved = torch.ops.aten.gelu_(convolved) if gelu else convolved
    convolved = convolved.permute(0, 2, 3, 1)[0]
    return convolved if out is None else out.copy_(convolved)


def gelu_(rows: Float[Tensor, "rows w c"]) -> None:
    """In place; contiguous."""
    if native.computes(rows):
        native.activate(rows)
    else:
        torch.ops.aten.gelu_(rows)


def gated(a: Float[Tensor, "rows+2 w c"], b: Float[Tensor, "rows+2 w c"], taps_a: Taps, taps_b: Taps) -> Float[Tensor, "rows w c"]:
    """GELU of a's convolution times b's."""
    if native.computes(a):
        out = a.new_empty(len(a) - 2, *a.shape[1:])
        native.gated(a, b, taps_a.native, taps_b.native, out)
        return out
    return depthwise(a, taps_a, gelu=True).mul_(depthwise(b, taps_b))


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
        return
    change = (pixels @ weight).view_as(out)
    if native.computes(change):
        native.update(out, change)
    else:
        out += change


def matrix(weight: Float[Tensor, "c_out c_in 1 1"], dtype: torch.dtype) -> Float[Tensor, "c_in c_out"]:
    """The weights of a 1x1 convolution as what the row vector of a pixel is multiplied by."""
    return weight[:, :, 0, 0].T.to(dtype).contiguous()


def padded_to_32(weight: Float[Tensor, "n *rest"]) -> Float[Tensor, "padded *rest"]:
    """With zeros behind, to a multiple of 32 in its first dimension."""
    return torch.cat([weight, weight.new_zeros(-len(weight) % 32, *weight.shape[1:])])


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

    def __call__(self, rows: Float[Tensor, "rows w c"], *, out: Float[Tensor, "rows w c"] | None = None) -> Float[Tensor, "rows w c"]:
        if not self.natively(rows):
            normed = as_rows(self.norm(as_image(rows)))
            return normed.to(self.dtype) if out is None else out.copy_(normed)
        out = torch.empty_like(rows, dtype=self.dtype) if out is None else out
        native.update(rows, norm=(self.norm.weight, self.norm.bias), out=out)
        return out

    def after_product(self, rows: Float[Tensor, "rows w c"], x: Float[Tensor, "rows w c_in"],
                      weight: Float[Tensor, "c_in c"]) -> Float[Tensor, "rows w c"]:
        """`add_product` and the norm of it."""
        if rows.dtype == weight.dtype or not self.natively(rows):
            add_product(rows, x, weight)
            return self(rows)
        change = (x.flatten(0, 1) @ weight).view_as(rows)
        native.update(rows, change, norm=(self.norm.weight, self.norm.bias), out=change)
        return change

    def natively(self, rows: Tensor) -> bool:
        return rows.dtype == torch.float32 and self.norm.bias is not None and native.computes(self.norm.weight.to(self.dtype))


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
