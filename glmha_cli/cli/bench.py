"""`glmha bench [MODEL …]`: how fast models are here, against what the machine can do, and what a cold start costs."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.table import Table

from glmha_cli.batch.kinds import input_kind, output_kind
from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import BenchOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.complexity import count
from glmha_cli.evaluation.speed import Process, matrix_rate, run_process, seconds_of
from glmha_cli.inference.engine import FORMATS, EngineOptions, formats_for, open_engine
from glmha_cli.inference.tiling import OVERLAP_PX
from glmha_cli.lookup import resolve
from glmha_cli.shapes import next_multiple
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task
from glmha_cli.weights.about import config_of
from glmha_cli.weights.manifest import load_manifest
from glmha_cli.weights.store import Weights, describe, find_weights, is_path

TILES = 4
HEADINGS = {
    "model": "model",
    "engine": "engine",
    "tile_px": "tile",
    "tile_s": "s/tile",
    "megapixel_s": "s/Mpx",
    "multiply_adds": "GMAC",
    "gflop_per_s": "GFLOP/s",
    "matrix_gflop_per_s": "matrix",
    "share": "share",
    "cold_start_s": "start s",
    "peak_bytes": "MB",
}


def bench(options: BenchOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if options.size <= OVERLAP_PX:
        raise UsageError(f"tiles of {options.size} px are too small for the overlap", "--size 256")
    models = options.models or [entry.id for entry in load_manifest().models.values() if entry.status == "ready"]
    rows = []
    with output.progress() as progress:
        for model, engine in progress.track(
            [(each, engine) for each in models for engine in options.engine or engines_of(each)]
        ):
            rows.append(measured(model, engine, options, output))
            output.record(rows[-1])
    if not options.json:
        output.table(as_table(rows))
        for line in (
            f"s/tile: {TILES} tiles as a photo's are computed, median of {options.repeat}; s/Mpx: large "
            f"photos, overlap of {OVERLAP_PX} px",
            "GMAC: multiply-adds of the network as trained (`glmha profile`: everything); GFLOP/s: twice that a second",
            "matrix: GFLOP/s of a product of two 2048 x 2048 matrices here; share: of that rate",
            f"start s, MB: a whole `glmha` process on one input of {options.photo} x {options.photo} px, and "
            f"its peak memory",
        ):
            output.note(line)


def engines_of(model: str) -> list[str]:
    """Those that can load a file which the model has, or the path's."""
    kinds = {Path(model).suffix[1:].lower()} if is_path(model) else set(load_manifest().model(model).files)
    return [engine for engine, kind in FORMATS.items() if kind in kinds] or ["torch"]


def measured(model: str, engine_name: str, options: BenchOptions, output: Output) -> dict[str, Any]:
    """A row: one model with one engine."""
    about = describe(model)
    task, config = resolve(TASKS, about["task"], "task"), config_of(about, model)
    asked = EngineOptions(engine=engine_name, device=options.device, precision=options.precision)
    weights = find_weights(
        model,
        task=task.name,
        device=options.device,
        formats=formats_for(asked, quick=True),
        access=access_of(options, output),
    )
    engine = open_engine(weights.path, asked)
    side = next_multiple(options.size, engine.size_multiple)
    rng = np.random.default_rng(0)
    inputs = [
        rng.random((1, height, width, channels), dtype=np.float32)
        for _, channels, height, width in config.input_shapes(side, side)
    ]
    tile_s = seconds_of(lambda: list(engine.run_batches([tuple(inputs)] * TILES)), options.repeat) / TILES
    macs = count(config, height=side, width=side).macs["everything"]
    rate = matrix_rate(engine.device, engine.precision)
    cold = cold_start(task, weights, engine_name, options)
    return {
        "model": weights.id,
        "engine": engine_name,
        "device": engine.device,
        "precision": engine.precision,
        "tile_px": side,
        "tile_s": tile_s,
        "megapixel_s": tile_s * 1e6 / (side - OVERLAP_PX) ** 2,
        "multiply_adds": macs,
        "gflop_per_s": 2e-9 * macs / tile_s,
        "matrix_gflop_per_s": 1e-9 * rate,
        "share": 2 * macs / tile_s / rate,
        "photo_px": options.photo,
        "cold_start_s": cold.seconds,
        "peak_bytes": cold.peak_bytes,
    }


def cold_start(task: Task, weights: Weights, engine: str, options: BenchOptions) -> Process:
    """A whole `glmha` on one input, from nothing loaded to the output written."""
    with TemporaryDirectory() as folder:
        paths = list(inputs_in(Path(folder), task, options.photo))
        model = ["--model", str(weights.path), "--engine", engine]
        return run_process(
            [
                sys.executable,
                "-m",
                "glmha_cli",
                task.name,
                *map(str, paths),
                *model,
                "--quiet",
                "--device",
                options.device,
                "--precision",
                options.precision,
            ]
        )


def inputs_in(folder: Path, task: Task, side: int) -> Iterator[str | Path]:
    """An input of noise, an output, and the mask where there is one: arguments of the task's verb."""
    source, options = input_kind(task).write_noise(folder, task, side)
    yield from (source, folder / f"out{output_kind(task).suffix_for(source.suffix)}")
    if options.mask is not None:
        yield from ("--mask", options.mask)


def as_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(*HEADINGS.values(), box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for column in table.columns[2:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*(shown(name, row[name]) for name in HEADINGS))
    return table


def shown(name: str, value: Any) -> str:
    """Three digits; multiply-adds in 1e9, bytes in 1e6."""
    if value is None:
        return "-"
    if name == "share":
        return f"{value:.0%}"
    scale = {"multiply_adds": 1e-9, "peak_bytes": 1e-6}.get(name)
    if scale or isinstance(value, float):
        value *= scale or 1
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)
