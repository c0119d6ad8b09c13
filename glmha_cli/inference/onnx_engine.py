"""ONNX Runtime, on CPU or CUDA: starts in a tenth of the time that PyTorch takes to load."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float

from glmha_cli.devices import has_cuda
from glmha_cli.errors import BadDataError, GlmhaError, UsageError, first_line
from glmha_cli.inference.cpus import num_threads
from glmha_cli.inference.engine import EngineOptions, Inputs
from glmha_cli.inference.memory import free_bytes, is_out_of_memory, room_px
from glmha_cli.shapes import size_text
from glmha_cli.weights.about import read_about

WIDTH = 64  # of a network whose file does not say: more than any of ours has
OTHERS = "glmha export MODEL out.onnx"
"""For a graph that is not as the file says of itself."""
PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}


class OnnxEngine:
    """See glmha_cli.inference.engine.Engine. The file's own precision is the engine's."""

    def __init__(self, session: onnxruntime.InferenceSession, about: Mapping[str, Any], *, device: str) -> None:
        self.session, self.about, self.device = session, about, device
        self.size_multiple = about["size_multiple"]
        self.stretch_input = about.get("stretch_input", False)
        self.precision = about["precision"]
        self.names, self.output_name = [each.name for each in session.get_inputs()], session.get_outputs()[0].name

    @classmethod
    def load(cls, weights: Path, options: EngineOptions) -> "OnnxEngine":
        """Raises UsageError also for a precision that is not the file's."""
        about = read_about(weights)  # refuses tensors in other files, before the runtime looks for them
        if not {"size_multiple", "precision"} <= about.keys():
            raise BadDataError(f"'{weights}' lacks the metadata that glmha export writes", OTHERS)
        if options.precision not in ("auto", about["precision"]):
            raise UsageError(
                f"'{weights.name}' computes in {about['precision']}, not in {options.precision}",
                "--engine torch, or glmha export MODEL out.onnx --precision fp16",
            )
        device = choose_device(options.device)
        return cls(open_session(weights, device), about, device=device)

    def for_8_bits(self) -> None:
        """The file has one precision."""

    def room_px(self) -> int | None:
        """Of the main memory; how much a GPU has, ONNX Runtime does not tell."""
        return room_px(free_bytes(), self.about.get("width", WIDTH)) if self.device == "cpu" else None

    def run(self, *inputs: Float[np.ndarray, "h w_in c"]) -> Float[np.ndarray, "h w c_out"]:
        return self._run(tuple(array[None] for array in inputs))[0]

    def run_batches(self, batches: Iterable[Inputs]) -> Iterator[Float[np.ndarray, "b h w c_out"]]:
        return map(self._run, batches)

    def _run(self, inputs: Inputs) -> Float[np.ndarray, "b h w c_out"]:
        if len(inputs) != len(self.names):
            raise BadDataError(f"the graph takes {len(self.names)} inputs, and there are {len(inputs)}", OTHERS)
        feed = {
            name: np.ascontiguousarray(array.transpose(0, 3, 1, 2), np.float32)
            for name, array in zip(self.names, inputs, strict=True)
        }
        try:
            output = self._bound(feed)
        except Exception as error:  # the runtime's own exceptions share no other base class
            if is_out_of_memory(error):
                raise
            raise GlmhaError(f"ONNX Runtime failed ({first_line(error)})", "--engine torch") from error
        if output.ndim != 4 or (output.shape[0], output.shape[2]) != inputs[0].shape[:2]:
            raise BadDataError(f"the graph makes {size_text(output.shape)} of {size_text(inputs[0].shape)}", OTHERS)
        if not np.isfinite(output).all():
            raise BadDataError(f"the network's output has infinite or NaN values in {self.precision}", "--engine torch")
        return output.transpose(0, 2, 3, 1)

    def _bound(self, feed: Mapping[str, Float[np.ndarray, "b c h w_in"]]) -> Float[np.ndarray, "b c_out h w"]:
        """By IO binding: inputs and output lie on the device, and only the output that is read comes back."""
        binding = self.session.io_binding()
        for name, array in feed.items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array, self.device))
        binding.bind_output(self.output_name, self.device)
        self.session.run_with_iobinding(binding)
        return binding.get_outputs()[0].numpy()


def choose_device(asked: str) -> str:
    """CUDA if driver and runtime have it, else the CPU; UsageError for a device that is not there."""
    there = has_cuda() and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if asked == "mps" or (asked == "cuda" and not there):
        raise UsageError(
            f"device '{asked}' is not available on this machine or in this ONNX Runtime",
            "--engine torch, or --device cpu",
        )
    return "cuda" if asked != "cpu" and there else "cpu"


def open_session(path: Path, device: str) -> onnxruntime.InferenceSession:
    """Raises BadDataError for a graph that the runtime does not take, UsageError where CUDA's libraries are missing."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised too
    options.intra_op_num_threads = num_threads()
    # Threads that spin while they wait took almost twice the CPU time of the same tile on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.dynamic_block_base", "4"
    )  # small shares of work: the faster thread takes more
    if device == "cuda":
        onnxruntime.preload_dlls()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=PROVIDERS[device])
    except Exception as error:  # as above
        if is_out_of_memory(error):
            raise
        raise BadDataError(f"'{path}': ONNX Runtime cannot load it ({first_line(error)})", OTHERS) from error
    if session.get_providers()[0] != PROVIDERS[device][0]:
        raise UsageError("ONNX Runtime finds no CUDA libraries", "--engine torch, or --device cpu")
    return session
