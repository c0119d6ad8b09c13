"""The restoring verbs, one per task: files in, files out."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from rich.progress import Progress

from glmha_cli import __version__
from glmha_cli.cli.models import access_of
from glmha_cli.cli.output import Output, one_line
from glmha_cli.cli.restore_options import RestoreOptions
from glmha_cli.errors import UsageError
from glmha_cli.runtime.batch import Job, Outcome, plan_file, plan_folder, run_jobs
from glmha_cli.runtime.engine import EngineOptions, open_engine
from glmha_cli.runtime.files import (
    DEFAULT_CUBE,
    READABLE,
    WRITABLE,
    FileOptions,
    read_source,
    storing_result,
    write_result,
)
from glmha_cli.runtime.memory import fitted
from glmha_cli.runtime.restore import Restorer
from glmha_cli.runtime.tiling import OVERLAP_PX, TILE_PX, Tiling
from glmha_cli.tasks.base import Task
from glmha_cli.weights.store import Weights, find_weights

SOME_FAILED = 1


def restore(task: Task, options: RestoreOptions) -> int:
    """Plan all files, find the weights, and only then load the network and work."""
    output = Output(quiet=options.quiet, as_json=options.json)
    tiling = parse_tiling(options.tile, options.overlap)
    jobs = plan(task, options)
    weights = find_weights(options.model, task=task.name, device=options.device, access=access_of(options, output))
    engine = open_engine(weights.path, EngineOptions(device=options.device, precision=options.precision))
    tiling, batch = fitted(engine, tiling, may_shrink=options.tile == "auto", say=output.warning)
    restorer = Restorer(task=task, engine=engine, tiling=tiling, batch=batch, project=options.project, say=output.warning)
    single = not options.input.is_dir()
    with output.progress() as progress:
        worker = Worker(restorer, weights, options, output, progress)
        files = progress.add_task(task.name, total=len(jobs), visible=not single)
        failures = 0
        for outcome in run_jobs(jobs, worker.work):
            if single and outcome.error is not None:
                raise outcome.error
            failures += outcome.error is not None
            worker.report(outcome)
            progress.advance(files)
    if failures:
        output.note(f"{failures} of {len(jobs)} files failed")
    return SOME_FAILED if failures else 0


def parse_tiling(tile: str, overlap_px: int | None) -> Tiling:
    """`auto`, `whole` or a number of pixels, and the overlap if one was asked for."""
    if tile == "whole":
        return Tiling(tile_px=None)
    if tile != "auto" and not tile.isdigit():
        raise UsageError(f"--tile takes auto, whole or a number of pixels, not '{tile}'", "--tile 256")
    tile_px = TILE_PX if tile == "auto" else int(tile)
    return Tiling(tile_px=tile_px, overlap_px=min(OVERLAP_PX, tile_px // 2) if overlap_px is None else overlap_px)


def plan(task: Task, options: RestoreOptions) -> list[Job]:
    """The jobs, every output checked: extension, folder, existence."""
    extension = options.ext and "." + options.ext.lower().lstrip(".")

    def suffix_for(suffix: str) -> str:
        return extension or (suffix if task.output_kind == "photo" else DEFAULT_CUBE)

    if options.input.is_dir():
        jobs = plan_folder(options.input, options.output, readable=READABLE[task.input_kind], suffix_for=suffix_for,
                           overwrite=options.overwrite)
    else:
        jobs = plan_file(options.input, options.output, suffix_for=suffix_for, overwrite=options.overwrite)
    for job in jobs:
        if job.target.suffix.lower() not in WRITABLE[task.output_kind]:
            raise UsageError(f"cannot write a {task.output_kind} as '{job.target.name}'",
                             f"use {', '.join(WRITABLE[task.output_kind])}")
    return jobs


class Worker:
    """Reads, restores and writes one job at a time, and reports it."""

    def __init__(self, restorer: Restorer, weights: Weights, options: RestoreOptions, output: Output,
                 progress: Progress) -> None:
        self.restorer, self.weights, self.output, self.progress = restorer, weights, output, progress
        given = asdict(options)
        self.files = FileOptions(**{field.name: given[field.name] for field in fields(FileOptions) if field.name in given})

    def work(self, job: Job) -> Mapping[str, Any]:
        task = self.restorer.task
        source = read_source(task, job.source, self.files)
        tiles = self.progress.add_task(f"{job.source.name}: tiles", total=None)
        try:
            result = self.restorer.restore(
                source.value, store=storing_result(task, job.target, source),
                on_tile=lambda done, total: self.progress.update(tiles, completed=done, total=total))
        finally:
            self.progress.remove_task(tiles)
        losses = write_result(task, job.target, result, source=source, options=self.files, provenance=self.provenance())
        for note in (*source.notes, *losses):
            self.output.warning(f"{job.source}: {note}")
        return {"height": result.shape[0], "width": result.shape[1]}

    def provenance(self) -> dict[str, str]:
        """How to make the same output again."""
        engine = self.restorer.engine
        return {"glmha": __version__, "task": self.restorer.task.name, "model": self.weights.id,
                "sha256": self.weights.sha256, "tile": str(self.restorer.tiling), "device": engine.device,
                "precision": engine.precision, "project": str(self.restorer.project).lower()}

    def report(self, outcome: Outcome) -> None:
        source, target = outcome.job.source, outcome.job.target
        record = {"input": str(source), "output": str(target), "seconds": round(outcome.seconds, 3)}
        if outcome.error is not None:
            self.output.error(outcome.error)
            self.output.record({**record, "status": "failed", "reason": one_line(outcome.error)})
            return
        self.output.note(f"{source} -> {target} ({outcome.seconds:.1f} s)")
        self.output.record({**record, "status": "ok", **outcome.details, **self.provenance()})
