"""The compiled steps of native.c, called on tensors.

Where there is no library (`library.kernels`) and for precisions that it has no format for, PyTorch's operators, which
mean the same, take their place (`steps`).
"""

import ctypes

import torch
from jaxtyping import Float
from torch import Tensor

from glmha_cli.fusion.library import kernels
from glmha_cli.fusion.variants import PARALLEL

FORMATS = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
"""Of maps, as native.c counts them."""


def computes(dtype: torch.dtype) -> bool:
    """Whether maps of this precision can be given to the functions below."""
    return dtype in FORMATS and kernels() is not None and (PARALLEL or torch.get_num_threads() == 1)


def _library() -> ctypes.CDLL:
    library = kernels()
    assert library is not None  # see `computes`
    return library


def update(
    x: Float[Tensor, "rows w c"],
    change: Float[Tensor, "rows w c"] | None = None,
    *,
    norm: tuple[Float[Tensor, " c"], Float[Tensor, " c"]] | None = None,
    channels: int | None = None,
    out: Float[Tensor, "rows w c"] | None = None,
) -> None:
    """x += change in place, then out = LayerNorm(x) by weight and bias, either of which may be left out; all
    contiguous.
    x, weight and bias are float32. channels: those that are normalised, if the last ones are zeros, of weight and bias
    too.
    """
    maps = out if change is None else change
    assert maps is not None
    _library().update(
        x.data_ptr(),
        pointer(change),
        *map(pointer, norm or (None, None)),
        pointer(out),
        x.shape[0] * x.shape[1],
        x.shape[2] if channels is None else channels,
        x.shape[2],
        *how(maps),
    )


def activate(x: Float[Tensor, "*n"]) -> None:
    """GELU in place; contiguous."""
    _library().activate(x.data_ptr(), x.numel(), *how(x))


def depthwise(
    rows: Float[Tensor, "rows+2 w c"], taps: Float[Tensor, "9 c"], out: Float[Tensor, "rows w c"], *, gelu: bool
) -> None:
    """Of all rows that have neighbours. Rows and out may be some channels of contiguous maps; taps are float32."""
    _library().depthwise(
        rows.data_ptr(), rows.stride(1), taps.data_ptr(), gelu, out.data_ptr(), out.stride(1), *out.shape, *how(rows)
    )


def gated(
    a: Float[Tensor, "rows+2 w c"],
    b: Float[Tensor, "rows+2 w c"],
    taps_a: Float[Tensor, "9 c"],
    taps_b: Float[Tensor, "9 c"],
    out: Float[Tensor, "rows w c"],
) -> None:
    """GELU(conv(a)) * conv(b) of all rows that have neighbours; all contiguous, taps float32."""
    _library().gated(
        a.data_ptr(), b.data_ptr(), taps_a.data_ptr(), taps_b.data_ptr(), out.data_ptr(), *out.shape, *how(a)
    )


def how(maps: Tensor) -> tuple[int, int]:
    """As every function is told at its end."""
    return FORMATS[maps.dtype], torch.get_num_threads()


def pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
