"""PyTorch, on CPU, CUDA or Apple's GPU."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.fusion import bfloat16_pays, computes_float16_well, fuse_for_cpu
from glmha_cli.inference.cpus import PX_PER_THREAD, num_threads
from glmha_cli.inference.cuda_graphs import CudaRecorder, Graphs
from glmha_cli.inference.engine import EngineOptions, Inputs
from glmha_cli.inference.memory import free_bytes, room_px
from glmha_cli.lookahead import ahead
from glmha_cli.networks.config import built_from
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(asked: str) -> str:
    """CUDA, then Apple's GPU, then the CPU; UsageError for a device that is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(device for device, there in present.items() if there)
    if not present[asked]:
        raise UsageError(f"device '{asked}' is not available on this machine or in this PyTorch", "--device cpu")
    return asked


def choose_precision(asked: str, device: str) -> str:
    """bfloat16 on CUDA, float16 on CPUs that are made for it, else float32, where accuracy costs little
    (`TorchEngine.for_8_bits`)."""
    fp16_cpu = device == "cpu" and computes_float16_well()
    if asked == "auto":
        return "bf16" if device == "cuda" else "fp16" if fp16_cpu else "fp32"
    if asked == "fp16" and device == "cpu" and not fp16_cpu:
        raise UsageError("float16 is slow on this CPU", "--precision bf16")
    return asked


class TorchEngine:
    """See glmha_cli.inference.engine.Engine. Weights stay float32; lower precision is by autocast, on CPUs by
    `fusion`."""

    def __init__(self, network: torch.nn.Module, *, device: str, precision: str, about: Mapping[str, Any]) -> None:
        self.network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.size_multiple = built_from(network).size_multiple
        self.about = about
        self.stretch_input = about.get("stretch_input", False)
        self.device, self.precision = device, precision
        self.forwards = {precision: self._forward_in(precision)}

    @classmethod
    def load(cls, weights: Path, options: EngineOptions) -> "TorchEngine":
        keep_freed_memory()
        if torch.get_num_threads() > num_threads():
            torch.set_num_threads(num_threads())
        device = choose_device(options.device)
        precision = choose_precision(options.precision, device)
        return cls(load_network(weights), device=device, precision=precision, about=read_about(weights))

    def for_8_bits(self) -> "TorchEngine | None":
        """In bfloat16, where that is faster on this CPU."""
        if self.device != "cpu" or self.precision != "fp32" or not bfloat16_pays():
            return None
        return TorchEngine(self.network, device="cpu", precision="bf16", about=self.about)

    def room_px(self) -> int | None:
        return room_px(
            free_device_bytes(self.device), built_from(self.network).width, 4 if self.precision == "fp32" else 2
        )

    def run(self, *inputs: Float[np.ndarray, "h w_in c"]) -> Float[np.ndarray, "h w c_out"]:
        return self._finish(*self._start(tuple(array[None] for array in inputs)))[0]

    def run_batches(self, batches: Iterable[Inputs]) -> Iterator[Float[np.ndarray, "b h w c_out"]]:
        """A GPU has the next batch before the one before is read: copies and blending overlap with its work. On a CPU
        each core has a batch of its own, as cores that share one wait for each other after every step of it.
        """
        batches = iter(batches)
        some = list(islice(batches, 2))
        num_cores = torch.get_num_threads() if self.device == "cpu" else 1
        if num_cores == 1 or len(some) < 2:
            with few_threads(some) if num_cores > 1 else nullcontext():
                started = (self._start(inputs) for inputs in chain(some, batches))
                yield from (self._finish(*each) for each in ahead(started, 1))
            return
        with ThreadPoolExecutor(num_cores, initializer=torch.set_num_threads, initargs=(1,)) as cores:
            finished = (cores.submit(self._run, inputs) for inputs in chain(some, batches))
            yield from (each.result() for each in ahead(finished, num_cores))

    def _run(self, inputs: Inputs) -> Float[np.ndarray, "b h w c_out"]:
        return self._finish(*self._start(inputs))

    def _start(self, inputs: Inputs) -> tuple[list[torch.Tensor], "OnItsWay"]:
        tensors = [to_device(array, self.device) for array in inputs]
        return tensors, OnItsWay(self._forward(tensors, self.precision))

    @torch.inference_mode()
    def _finish(self, tensors: list[torch.Tensor], on_its_way: "OnItsWay") -> Float[np.ndarray, "b h w c_out"]:
        """The output in main memory; tiles with values that are not finite are computed again in float32."""
        output = on_its_way.arrived()
        bad = ~torch.isfinite(output).flatten(1).all(1)
        if bad.any() and self.precision != "fp32":
            again = [tensor[bad.to(tensor.device)] for tensor in tensors]
            output[bad] = self._forward(again, "fp32").cpu()
        if bad.any() and not torch.isfinite(output[bad]).all():
            raise BadDataError("the network's output has infinite or NaN values, even in float32", "glmha info MODEL")
        return rearrange(output, "b c h w -> b h w c").numpy()

    @torch.inference_mode()
    def _forward(self, tensors: list[torch.Tensor], precision: str) -> torch.Tensor:
        if precision not in self.forwards:  # float32, where lower precision failed
            self.forwards[precision] = self._forward_in(precision)
        return self.forwards[precision](*tensors)

    def _forward_in(self, precision: str) -> Callable[..., torch.Tensor]:
        """What the device does well: bands of rows on CPUs, graphs on CUDA."""
        if self.device == "cpu":
            return fuse_for_cpu(self.network, DTYPES[precision])

        def forward(*tensors: torch.Tensor) -> torch.Tensor:
            # Weights cast before, and kept, would be missing in a graph.
            with torch.autocast(self.device, DTYPES[precision], enabled=precision != "fp32", cache_enabled=False):
                return self.network(*tensors).float()

        return Graphs(forward, CudaRecorder()) if self.device == "cuda" else forward


@contextmanager
def few_threads(batches: Sequence[Inputs]) -> Iterator[None]:
    """No more threads than one for each `PX_PER_THREAD` of a tile: they would wait for each other."""
    before = torch.get_num_threads()
    most_px = max((inputs[0].shape[1] * inputs[0].shape[2] for inputs in batches), default=0)
    torch.set_num_threads(max(1, min(before, most_px // PX_PER_THREAD)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def to_device(array: Float[np.ndarray, "b h w c"], device: str) -> torch.Tensor:
    """As (b, c, h, w), channels-last in memory; to CUDA from pinned memory, so that nobody waits for the copy."""
    tensor = rearrange(torch.from_numpy(np.ascontiguousarray(array)), "b h w c -> b c h w")
    return tensor.pin_memory().to(device, non_blocking=True) if device == "cuda" else tensor.to(device)


class OnItsWay:
    """An output on its way to main memory; on CUDA behind an event, so that the next batch can be started before."""

    def __init__(self, output: torch.Tensor) -> None:
        self.event = None
        if not output.is_cuda:
            self.output = output.cpu()
            return
        self.output = torch.empty_like(output, device="cpu", pin_memory=True)
        self.output.copy_(output, non_blocking=True)
        self.event = torch.cuda.Event()
        self.event.record()

    def arrived(self) -> torch.Tensor:
        if self.event is not None:
            self.event.synchronize()
        return self.output


def free_device_bytes(device: str) -> int | None:
    """Of CUDA's own memory; Apple's GPU shares the main memory."""
    return torch.cuda.mem_get_info()[0] if device == "cuda" else free_bytes()
