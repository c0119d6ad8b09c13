"""Depth-wise convolution with kernels above 3x3 whose gradient is fast on CPUs."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

WINDOW = 3
"""oneDNN's gradient of depth-wise weights is fast up to 3x3; of 5x5 in bfloat16 it takes a hundred times as long."""


class LargeDepthwise(nn.Conv2d):
    """(b, c, h, w) -> the same shape, kernels of an odd `side`; zeros beyond the borders."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__(channels, channels, side, padding=side // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        assert self.bias is not None
        return ByWindows.apply(x, self.weight.to(x.dtype)) + self.bias.to(x.dtype)[:, None, None]


class ByWindows(torch.autograd.Function):
    """The convolution as it is; the gradient of its weights in windows of 3x3 of the kernel, exact."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "b c h w"], weight: Float[Tensor, "c 1 k k"]) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=weight.shape[2] // 2, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        margin = weight.shape[2] // 2
        grad_x = convolution_gradients(grad, x, weight, margin=margin, of=0)
        spare = -weight.shape[2] % WINDOW  # rows and columns of the last windows that stick out
        padded, (height, width) = F.pad(x, (margin, margin + spare) * 2), grad.shape[2:]
        grad_weight = F.pad(weight, (0, spare) * 2)
        for top in range(0, weight.shape[2], WINDOW):
            for left in range(0, weight.shape[3], WINDOW):
                window = grad_weight[:, :, top : top + WINDOW, left : left + WINDOW]
                under = padded[:, :, top : top + height + WINDOW - 1, left : left + width + WINDOW - 1]
                window.copy_(
                    convolution_gradients(
                        grad, under.contiguous(memory_format=torch.channels_last), window.contiguous(), margin=0, of=1
                    )
                )
        return grad_x, grad_weight[:, :, : weight.shape[2], : weight.shape[3]]


def convolution_gradients(grad: Tensor, x: Tensor, weight: Tensor, *, margin: int, of: int) -> Tensor:
    """The gradient of a depth-wise convolution's input (of = 0) or weight (1)."""
    wanted = [index == of for index in range(3)]
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], [margin] * 2, [1, 1], False, [0, 0], len(weight), wanted
    )[of]
