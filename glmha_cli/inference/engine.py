"""Engines run a checkpoint on a device. A new one is a module and one line here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from jaxtyping import Float

from glmha_cli.devices import has_gpu
from glmha_cli.errors import UsageError
from glmha_cli.inference.cpus import prepare_environment
from glmha_cli.inference.scales import Scales
from glmha_cli.inference.tiling import Tiling
from glmha_cli.installed import has_torch
from glmha_cli.lookup import resolve, unknown

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Inputs = tuple[Float[np.ndarray, "b h w_in c"], ...]

ENGINES = {
    "torch": "glmha_cli.inference.torch_engine:TorchEngine",
    "onnx": "glmha_cli.inference.onnx_engine:OnnxEngine",
}
FORMATS = {"torch": "safetensors", "onnx": "onnx"}


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How to compute. engine, device and precision as asked for; `auto` takes the fastest device and what it computes
    well. tiling: how images are divided. scales: at which photos are corrected, where the task works at any.

    Raises UsageError for an engine, a device or a precision that there is not; the closest is offered.
    """

    engine: str = "auto"
    device: Device = "auto"
    precision: Precision = "auto"
    tiling: Tiling = field(default_factory=lambda: Tiling.parse("auto"))
    scales: Scales = field(default_factory=lambda: Scales.parse("auto"))

    def __post_init__(self) -> None:
        known = {"engine": ("auto", *ENGINES), "device": get_args(Device), "precision": get_args(Precision)}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise unknown(name, str(getattr(self, name)), values)

    def settings(self) -> dict[str, Any]:
        """What a result depends on."""
        tile = f"{'at most ' if self.tiling.may_shrink else ''}{self.tiling}"
        return {
            "engine": self.engine,
            "device": self.device,
            "precision": self.precision,
            "tile": tile,
            "scale": str(self.scales),
        }


class Engine(Protocol):
    """A loaded checkpoint. `device` and `precision` are what was chosen; sizes must be multiples of `size_multiple`.

    stretch_input: it was trained on photos stretched to [0, 1], and whoever tiles has to do that before.
    What a device runs out of memory with passes through, to `memory.is_out_of_memory`.
    """

    size_multiple: int
    stretch_input: bool
    device: str
    precision: str

    def run(self, *inputs: Float[np.ndarray, "h w_in c"]) -> Float[np.ndarray, "h w c_out"]:
        """One forward pass; float32 in and out, finite. BadDataError if even float32 gives values that are not."""
        ...

    def run_batches(self, batches: Iterable[Inputs]) -> Iterator[Float[np.ndarray, "b h w c_out"]]:
        """`run` on batches of tiles, in their order; the next ones may be under way while one is read."""
        ...

    def for_8_bits(self) -> "Engine | None":
        """The same network in a precision that is faster and enough for photos of 8 bits; None if there is none."""
        ...

    def room_px(self) -> int | None:
        """How many pixels, of all tiles at once, the device's free memory is estimated to hold; None if unknown."""
        ...


def formats_for(options: EngineOptions, *, quick: bool) -> tuple[str, ...]:
    """Formats of weights that the engine asked for can load, best first.

    `auto`: for little work (`quick`, see engine_choice) ONNX, on a CPU; else PyTorch, which computes
    1.0 to 1.9 times as fast (benchmarks/README.md). Either takes what there is, if it is all. Without PyTorch: ONNX.
    """
    if options.engine != "auto":
        return (FORMATS[options.engine],)
    if not has_torch():
        return ("onnx",)
    onnx_first = quick and options.precision in ("auto", "fp32") and not has_gpu(options.device)
    return ("onnx", "safetensors") if onnx_first else ("safetensors", "onnx")


def open_engine(weights: Path, options: EngineOptions) -> Engine:
    """Load a checkpoint on a device with the engine for its format; UsageError for a device or precision that this
    machine does not have, or where PyTorch is needed and not installed.
    """
    prepare_environment()
    name = next((name for name, suffix in FORMATS.items() if weights.suffix.lower() == f".{suffix}"), "torch")
    if name == "torch" and not has_torch():
        raise UsageError(
            f"'{weights}' needs PyTorch, which is not installed", "pip install torch, or give an .onnx file"
        )
    return resolve(ENGINES, name, "engine").load(weights, options)
