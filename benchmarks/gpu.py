"""What a GPU must show: one JSON and one Markdown table. Started by gpu.sh, which ends it after four minutes.

    benchmarks/gpu.sh FOLDER            # needs an NVIDIA GPU
    benchmarks/gpu.sh FOLDER --dry-run  # the same steps on a CPU, tiny: that they run, not how fast

Plain: channels-first, eager, float32, CSA as the papers write it; ours: GLMHA as the tool computes it (bfloat16,
batches, CUDA graphs). Seconds are medians over rounds in turn. A step that fails is a row that says why, and the exit
code is 1.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnxruntime
import torch
from fusion import NETWORKS, glmha_of, inputs_of, plain, randomised
from torch.nn import functional as F

from glmha_cli.export import export_onnx
from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.torch_engine import TorchEngine, choose_precision
from glmha_cli.networks import network_to_plain
from glmha_cli.weights.checkpoint import save_checkpoint

ROOT = Path(__file__).parents[1]
Rows = Iterator[tuple[str, float | str, str]]


class Measurement:
    """device: "cuda", or "cpu" for a dry run with a small network and small tiles."""

    def __init__(self, device: str) -> None:
        self.device, self.dry = device, device == "cpu"
        self.config = NETWORKS["derain-lite" if self.dry else "restormer"][0]
        if self.dry:
            self.config = replace(self.config, channels=8, num_blocks=(1, 1, 1, 1))
        self.side, self.rounds, self.batches = (32, 1, (1, 2)) if self.dry else (256, 7, (1, 2, 4, 8, 16))
        self.precision = choose_precision("auto", device)
        self.images = inputs_of(self.config, self.side)

    def seconds(self, **forms: Callable[[], object]) -> dict[str, float]:
        """Median of each form, in turn, after two rounds to warm up (a graph is recorded in the second)."""
        taken: dict[str, list[float]] = {name: [] for name in forms}
        for turn in range(self.rounds + 2):
            for name, form in forms.items():
                self.wait()
                start = time.perf_counter()
                form()
                self.wait()
                if turn > 1:
                    taken[name].append(time.perf_counter() - start)
        return {name: statistics.median(each) for name, each in taken.items()}

    def wait(self) -> None:
        if not self.dry:
            torch.cuda.synchronize()

    def tests(self) -> Rows:
        """Those that need a GPU; without one they are skipped."""
        command = [sys.executable, "-m", "pytest", "-q", "tests/inference/test_cuda_graphs.py"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        yield "tests of CUDA graphs", done.stdout.strip().splitlines()[-1], ""
        assert done.returncode == 0, done.stdout

    def tile(self) -> Rows:
        """One tile, and the peak of memory of each form."""
        csa = plain(randomised(self.config.build())).to(self.device)
        ours = TorchEngine(glmha_of(self.config), device=self.device, precision=self.precision, about={})
        on_device = [x.to(self.device) for x in self.images]
        tile = [x[0].permute(1, 2, 0).numpy() for x in self.images]
        forms = {"plain": torch.inference_mode()(lambda: csa(*on_device)), "ours": lambda: ours.run(*tile)}
        seconds = self.seconds(**forms)
        yield "a tile, plain CSA in float32", seconds["plain"], "s"
        yield f"a tile, ours in {self.precision}", seconds["ours"], "s"
        yield "ours against plain", seconds["plain"] / seconds["ours"], "times as fast"
        for name, form in forms.items() if not self.dry else ():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            form()
            yield f"peak memory, {name}", torch.cuda.max_memory_allocated() / 2**20, "MiB"

    def batch_sizes(self) -> Rows:
        ours = TorchEngine(glmha_of(self.config), device=self.device, precision=self.precision, about={})
        for size in self.batches:
            batch = tuple(x.expand(size, -1, -1, -1).permute(0, 2, 3, 1).numpy() for x in self.images)
            taken = self.seconds(all=lambda batch=batch: list(ours.run_batches([batch] * 4)))["all"]
            yield f"images of {self.side} px, batches of {size}", 4 * size / taken, "images/s"

    def onnx_runtime(self) -> Rows:
        if not self.dry:
            assert "CUDAExecutionProvider" in onnxruntime.get_available_providers(), "no CUDA in this ONNX Runtime"
        tile = [x[0].permute(1, 2, 0).numpy() for x in self.images]
        with TemporaryDirectory() as folder:
            weights = Path(folder) / "w.safetensors"
            about = {"task": "-", "network": network_to_plain(glmha_of(self.config).config)}
            save_checkpoint(weights, glmha_of(self.config).state_dict(), about, dtype=torch.float32)
            for precision in ("fp32", "fp16"):
                path = weights.with_name(f"{precision}.onnx")
                export_onnx(weights, path, sha256="", tile_px=self.side, precision=precision)
                engine = open_engine(path, EngineOptions(device=self.device))
                yield f"ONNX Runtime, ours in {precision}", self.seconds(it=lambda e=engine: e.run(*tile))["it"], "s"

    def training_step(self) -> Rows:
        """Forward, backward and AdamW on eight crops, by autocast."""
        network = glmha_of(self.config).train().requires_grad_(True).to(self.device, memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(network.parameters())
        side = self.side // 2
        crops = torch.rand(2 if self.dry else 8, 3, side, side, device=self.device)

        def step() -> None:
            with torch.autocast(self.device, torch.bfloat16):
                loss = F.l1_loss(network(crops), crops)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        yield f"a training step, {len(crops)} crops of {side} px", self.seconds(step=step)["step"], "s"


def measured(measurement: Measurement) -> tuple[list[dict[str, object]], bool]:
    """All rows, and whether every step ended well."""
    rows, well = [], True
    for step in ("tests", "tile", "batch_sizes", "onnx_runtime", "training_step"):
        try:
            for what, value, unit in getattr(measurement, step)():
                rows.append({"what": what, "value": value, "unit": unit})
        except Exception as error:  # the other steps may still say something
            rows.append({"what": f"{step} failed", "value": f"{type(error).__name__}: {error}"[:200], "unit": ""})
            well = False
        print(*rows[-1].values(), flush=True)
    return rows, well


def table(rows: list[dict[str, object]]) -> str:
    lines = ["| what | value | |", "|---|---|---|"]
    for row in rows:
        value = f"{row['value']:.4g}" if isinstance(row["value"], float) else row["value"]
        lines.append(f"| {row['what']} | {value} | {row['unit']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    if not options.dry_run and not torch.cuda.is_available():
        sys.exit("no NVIDIA GPU that PyTorch can use - benchmarks/gpu.sh FOLDER --dry-run")
    rows, well = measured(Measurement("cpu" if options.dry_run else "cuda"))
    machine = "dry run on a CPU" if options.dry_run else torch.cuda.get_device_name()
    about = {"machine": machine, "torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    (options.folder / "gpu.json").write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    (options.folder / "gpu.md").write_text(f"{', '.join(about.values())}\n\n{table(rows)}")
    sys.exit(not well)


if __name__ == "__main__":
    main()
