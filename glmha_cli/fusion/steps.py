"""What happens to the rows of a band: each step compiled where it can be (`native`), else by PyTorch's operators."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.fusion import native
from glmha_cli.fusion.rows import as_image, as_rows, padded
from glmha_cli.networks.blocks import LayerNorm


class Taps:
    """Weights of a zero-padded depth-wise 3x3, as PyTorch takes them and as native.c does."""

    def __init__(self, weight: Float[Tensor, "c 1 3 3"], dtype: torch.dtype) -> None:
        self.weight, self.native = weight.to(dtype), weight.flatten(1).T.float().contiguous()

    def __len__(self) -> int:
        return len(self.weight)


def depthwise(
    rows: Float[Tensor, "rows+2 w c"], taps: Taps, *, gelu: bool = False, out: Float[Tensor, "rows w c"] | None = None
) -> Float[Tensor, "rows w c"]:
    """The convolution of all rows that have neighbours; gelu: GELU of it. Rows and out: some channels of wider maps,
    too."""
    if native.computes(rows.dtype):
        out = rows.new_empty(len(rows) - 2, *rows.shape[1:]) if out is None else out
        native.depthwise(rows, taps.native, out, gelu=gelu)
        return out
    image, weight = rows[None].permute(0, 3, 1, 2), taps.weight
    if gelu and onednn_computes(weight.dtype):
        convolved = torch.ops.mkldnn._convolution_pointwise(
            image, weight, None, [0, 1], [1, 1], [1, 1], len(weight), "gelu", [], "none"
        )
    else:
        convolved = F.conv2d(image, weight, padding=(0, 1), groups=len(weight))
        convolved = torch.ops.aten.gelu_(convolved) if gelu else convolved
    convolved = convolved.permute(0, 2, 3, 1)[0]
    return convolved if out is None else out.copy_(convolved)


def gelu_(rows: Float[Tensor, "rows w c"]) -> None:
    """In place; contiguous."""
    if native.computes(rows.dtype):
        native.activate(rows)
    else:
        torch.ops.aten.gelu_(rows)


def gated(
    a: Float[Tensor, "rows+2 w c"], b: Float[Tensor, "rows+2 w c"], taps_a: Taps, taps_b: Taps
) -> Float[Tensor, "rows w c"]:
    """GELU of a's convolution times b's."""
    if native.computes(a.dtype):
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


def product_into(
    out: Float[Tensor, "rows w c_out"], x: Float[Tensor, "rows w c_in"], weight: Float[Tensor, "c_in c_out"]
) -> None:
    """out = x weight, per pixel."""
    torch.mm(x.flatten(0, 1), weight, out=out.view(-1, weight.shape[1]))


def add_product(
    out: Float[Tensor, "rows w c_out"], x: Float[Tensor, "rows w c_in"], weight: Float[Tensor, "c_in c_out"]
) -> None:
    """out += x weight, per pixel; one pass where both have the same precision."""
    pixels, total = x.flatten(0, 1), out.view(-1, weight.shape[1])
    if total.dtype == weight.dtype:
        total.addmm_(pixels, weight)
        return
    change = (pixels @ weight).view_as(out)
    if out.dtype == torch.float32 and native.computes(change.dtype):
        native.update(out, change)
    else:
        out += change


class Norm:
    """A LayerNorm of rows, in the precision of the products that follow.

    Its weight and bias stay: PyTorch's kernel is faster with them than without. Rows may have channels of zeros behind
    those that are normalised (`rows.padded`); they stay zeros.
    """

    def __init__(self, norm: LayerNorm, dtype: torch.dtype) -> None:
        self.norm, self.dtype, self.channels = norm, dtype, len(norm.weight)
        self.whole = None if norm.bias is None else (padded(norm.weight, 0), padded(norm.bias, 0))

    def __call__(
        self, rows: Float[Tensor, "rows w c"], *, out: Float[Tensor, "rows w c"] | None = None
    ) -> Float[Tensor, "rows w c"]:
        norm = self.native(rows)
        if norm is None:
            normed = as_rows(self.norm(as_image(rows[..., : self.channels])))
            normed = F.pad(normed, (0, rows.shape[-1] - self.channels))
            return normed.to(self.dtype) if out is None else out.copy_(normed)
        out = torch.empty_like(rows, dtype=self.dtype) if out is None else out
        native.update(rows, norm=norm, channels=self.channels, out=out)
        return out

    def after_product(
        self, rows: Float[Tensor, "rows w c"], x: Float[Tensor, "rows w c_in"], weight: Float[Tensor, "c_in c"]
    ) -> Float[Tensor, "rows w c"]:
        """`add_product` and the norm of it."""
        norm = self.native(rows)
        if rows.dtype == weight.dtype or norm is None:
            add_product(rows, x, weight)
            return self(rows)
        change = (x.flatten(0, 1) @ weight).view_as(rows)
        native.update(rows, change, norm=norm, channels=self.channels, out=change)
        return change

    def native(self, rows: Tensor) -> tuple[Tensor, Tensor] | None:
        """Weight and bias, if `native.update` can take them and these rows."""
        if self.whole is None or not rows.dtype == self.norm.weight.dtype == torch.float32:
            return None
        return self.whole if native.computes(self.dtype) else None


class Dense:
    """A convolution between the blocks, at least float32 out; without a dtype in that of its weights: what makes the
    features and the output from them is not rounded below float32.
    """

    def __init__(self, conv: torch.nn.Conv2d, dtype: torch.dtype | None = None, whole: tuple[int, ...] = ()) -> None:
        """whole: dimensions of the weights with channels of zeros (`rows.padded`): 0 for those out, 1 for those in."""
        weight = padded(conv.weight, *whole)
        self.weight = weight.to(dtype or weight.dtype, memory_format=torch.channels_last)
        self.stride, self.padding = conv.stride, conv.padding

    def __call__(self, x: Float[Tensor, "1 c_in h w"]) -> Float[Tensor, "1 c_out h_out w_out"]:
        x = x.to(self.weight.dtype, memory_format=torch.channels_last)
        out = F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)
        return out.to(torch.promote_types(out.dtype, torch.float32))
