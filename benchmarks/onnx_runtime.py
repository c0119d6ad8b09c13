"""Seconds of a 256x256 tile in ONNX Runtime: the plain network with CSA, ours with GLMHA, and PyTorch on ours.

    python benchmarks/onnx_runtime.py                          # paper-size Restormer, MST++, MST-L
    python benchmarks/onnx_runtime.py --network derain-lite    # of fusion.py's table

Plain: float32, attention as the papers write it, exported as it is (TorchScript exporter, its own graph) and run with
the runtime's defaults. Ours: what `glmha export` writes, as the engine runs it. All in one process, in turn; the best
of the rounds. With OMP_NUM_THREADS=1 the clock is that of the thread, so that other work on the machine disturbs
little.
"""

import argparse
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import onnxruntime
import torch
from fusion import NETWORKS, SIDE, best_of, plain, randomised
from torch import nn

from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.export import export_onnx
from glmha_cli.export.graph import OPSET, operators
from glmha_cli.inference.cpus import num_threads
from glmha_cli.inference.engine import Engine, EngineOptions, open_engine
from glmha_cli.networks import network_to_plain
from glmha_cli.weights.checkpoint import save_checkpoint


def plain_session(network: nn.Module, inputs: list[torch.Tensor]) -> Callable[[], object]:
    """The network as torch exports it, with the runtime's own settings."""
    graph = io.BytesIO()
    names = [f"x{i}" for i in range(len(inputs))]
    with operators(), warnings.catch_warnings(action="ignore"), torch.no_grad():
        torch.onnx.export(network, tuple(inputs), graph, dynamo=False, opset_version=OPSET, input_names=names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads()
    session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    return lambda: session.run(None, feed)


def measure(name: str, rounds: int) -> None:
    config, _ = NETWORKS[name]
    inputs = [torch.rand(shape) for shape in config.input_shapes(SIDE, SIDE)]
    tiles = [tensor[0].permute(1, 2, 0).numpy() for tensor in inputs]
    csa, ours = (
        randomised(type(config)(**{**vars(config), "attention": attention}).build())
        for attention in (config.attention, GLMHAConfig())
    )
    forms = {"ONNX Runtime, plain CSA": plain_session(plain(csa), inputs)}
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "w.safetensors"
        save_checkpoint(
            weights, ours.state_dict(), {"task": "-", "network": network_to_plain(ours.config)}, dtype=torch.float32
        )
        export_onnx(weights, weights.with_suffix(".onnx"), sha256="", tile_px=64)
        single = EngineOptions(device="cpu", precision="fp32")
        ours_onnx, ours_torch = open_engine(weights.with_suffix(".onnx"), single), open_engine(weights, single)
        engines: dict[str, Engine] = {"ONNX Runtime, ours": ours_onnx, "PyTorch, ours, fp32": ours_torch}
        auto = open_engine(weights, EngineOptions(device="cpu"))
        for engine in (auto, auto.for_8_bits()):
            if engine is not None and engine.precision != "fp32":
                engines[f"PyTorch, ours, {engine.precision}"] = engine
    forms |= {label: lambda engine=engine: engine.run(*tiles) for label, engine in engines.items()}
    seconds = best_of(forms, rounds)
    print(f"\n{name}, {SIDE}x{SIDE}, {num_threads()} threads")
    for label, each in seconds.items():
        print(f"  {label:26}{each:8.3f} s {seconds['ONNX Runtime, plain CSA'] / each:7.2f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", action="append", choices=tuple(NETWORKS))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name in options.network or ("restormer", "mst_plus_plus", "mst"):
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
