"""A trained network -> an inference network with the same output up to rounding.

`fuse` gives one of ordinary modules, for exports; `fuse_for_cpu` one that works in bands of rows.
"""

import copy
from collections.abc import Callable

import torch
from torch import nn

from glmha_cli.fusion import native
from glmha_cli.fusion.mst import BandedMST, BandedMSTPlusPlus, BandedUnfolding
from glmha_cli.fusion.restormer import BandedRestormer
from glmha_cli.networks.mst import MST
from glmha_cli.networks.mst_plus_plus import MSTPlusPlus
from glmha_cli.networks.restormer import Restormer
from glmha_cli.networks.unfolding import Unfolding

BANDED = {
    Restormer: BandedRestormer,
    MST: BandedMST,
    MSTPlusPlus: BandedMSTPlusPlus,
    Unfolding: BandedUnfolding,
}


def fuse(network: nn.Module) -> nn.Module:
    """A copy of `network` for inference: same `forward`, eval mode, no gradients; `network` stays as it is."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def fuse_for_cpu(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """An inference network for CPUs: `network`'s inputs and output, at least float32; `network` stays as it is.

    dtype: precision of the products and of the maps inside a block. The residual stream, norms, sums over bands of
    rows, softmax and output are never below float32; with float16, values that overflow come out as not finite. A
    network that is not one of ours runs as it is, by autocast.
    """
    if type(network) not in BANDED:
        return Whole(network, dtype)
    native.kernels()  # compiled now, not by every thread that computes a tile
    return BANDED[type(network)](fuse(network), dtype).eval()


def computes_float16_well() -> bool:
    """Whether this CPU multiplies matrices in float16 (AMX), six times as fast as in float32 and well within a quarter
    of an 8-bit step of it; bfloat16, as fast, is eight times as coarse.
    """
    return _can("amx_fp16")


def computes_bfloat16_well() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 (AVX-512 BF16 or AMX), at least twice as fast as in float32, and
    within half an 8-bit step of it."""
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and (_can("avx512_bf16") or _can("amx_bf16"))


def bfloat16_pays() -> bool:
    """Whether a network in bfloat16 is faster than in float32 here: PyTorch's own steps between the products eat up
    what the products gain."""
    return computes_bfloat16_well() and native.computes(torch.bfloat16)


def _can(feature: str) -> bool:
    capabilities: Callable[[], dict[str, bool]] = getattr(torch.cpu, "get_capabilities", dict)  # since PyTorch 2.11
    return capabilities().get(feature, False)


class Whole(nn.Module):
    """A network as it is, its products in `dtype`."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", self.dtype, enabled=self.dtype.itemsize < 4):
            output = self.network(*inputs)
        return output.to(torch.promote_types(output.dtype, torch.float32))
