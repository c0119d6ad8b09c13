"""PyTorch, on CPU, CUDA or Apple's GPU."""

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.runtime.engine import EngineOptions
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(asked: str) -> str:
    """CUDA, then Apple's GPU, then the CPU; UsageError for a device that is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(device for device, there in present.items() if there)
    if not present[asked]:
        raise UsageError(f"this machine (or this PyTorch) has no device '{asked}'", "--device cpu")
    return asked


def choose_precision(asked: str, device: str) -> str:
    """float32 where accuracy costs little (CPU, Apple), bfloat16 on CUDA."""
    if asked == "auto":
        return "bf16" if device == "cuda" else "fp32"
    if asked == "fp16" and device == "cpu":
        raise UsageError("float16 is slow and overflows on CPUs", "--precision bf16")
    return asked


class TorchEngine:
    """See glmha_cli.runtime.engine.Engine. Weights stay float32; lower precision is by autocast."""

    def __init__(self, network: torch.nn.Module, *, device: str, precision: str, stretch_input: bool) -> None:
        self.network = network.to(device, memory_format=torch.channels_last)
        self.size_multiple = network.config.size_multiple
        self.stretch_input = stretch_input
        self.device, self.precision = device, precision

    @classmethod
    def load(cls, weights: Path, options: EngineOptions) -> "TorchEngine":
        keep_freed_memory()
        device = choose_device(options.device)
        precision = choose_precision(options.precision, device)
        stretch_input = read_about(weights).get("stretch_input", False)
        return cls(load_network(weights), device=device, precision=precision, stretch_input=stretch_input)

    def run(self, *inputs: Float[np.ndarray, "h w_in c"]) -> Float[np.ndarray, "h w c_out"]:
        tensors = [self._to_device(array) for array in inputs]
        output = self._forward(tensors, self.precision)
        if self.precision != "fp32" and not torch.isfinite(output).all():
            output = self._forward(tensors, "fp32")
        if not torch.isfinite(output).all():
            raise BadDataError("the network gave values that are not finite, even in float32", "glmha info MODEL")
        return rearrange(output, "1 c h w -> h w c").cpu().numpy()

    def _to_device(self, array: np.ndarray) -> torch.Tensor:
        """A view as (1, c, h, w), channels-last in memory."""
        return rearrange(torch.from_numpy(np.ascontiguousarray(array)), "h w c -> 1 c h w").to(self.device)

    @torch.inference_mode()
    def _forward(self, tensors: list[torch.Tensor], precision: str) -> torch.Tensor:
        with torch.autocast(self.device, DTYPES[precision], enabled=precision != "fp32"):
            return self.network(*tensors).float()
