"""What is done with each file of a restoring verb: read, computed, written, reported."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Num
from rich.progress import Progress

from glmha_cli import __version__
from glmha_cli.batch.files import FileOptions, Source, read_source, storing_result, write_result
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.pipeline import Outcome
from glmha_cli.batch.record import WRITING, Line, Record, input_identity, output_identity
from glmha_cli.cli.restore_options import RestoreOptions
from glmha_cli.cli.tally import Tally, line_of
from glmha_cli.inference.restorer import Restorer
from glmha_cli.weights.store import Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """A source, and what tells its file from a changed one (if anyone wants to know)."""

    source: Source
    identity: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Computed:
    """A result, with what it was made of and how."""

    read: Read
    result: Num[np.ndarray, "h w c"]
    provenance: Mapping[str, str]


class Worker:
    """See glmha_cli.batch.pipeline.Work, which also says in which thread each method runs."""

    def __init__(
        self,
        restorer: Restorer,
        weights: Weights,
        options: RestoreOptions,
        tally: Tally,
        progress: Progress,
        *,
        record: Record | None,
        settings: Line,
    ) -> None:
        self.restorer, self.weights, self.tally, self.progress = restorer, weights, tally, progress
        self.record, self.settings = record, settings
        self.identifies = record is not None or options.json
        given = asdict(options)
        self.files = FileOptions(
            **{field.name: given[field.name] for field in fields(FileOptions) if field.name in given}
        )
        self.bar = progress.add_task(
            restorer.task.name, total=tally.total, completed=tally.skipped, visible=not tally.single
        )

    def read(self, job: Job) -> Read:
        identity = input_identity(job.source) if self.identifies else {}
        return Read(source=read_source(self.restorer.task, job.source, self.files), identity=identity)

    def compute(self, job: Job, read: Read) -> Computed:
        tiles = self.progress.add_task(f"{job.source.name}: tiles", total=None)
        try:
            result = self.restorer.restore(
                read.source.value,
                store=storing_result(self.restorer.task, job.target, read.source),
                on_tile=lambda done, total: self.progress.update(tiles, completed=done, total=total),
            )
        finally:
            self.progress.remove_task(tiles)
        return Computed(read=read, result=result, provenance=self.provenance())

    def provenance(self) -> dict[str, str]:
        """How to make the same output again."""
        engine = self.restorer.engine
        return {
            "glmha": __version__,
            "task": self.restorer.task.name,
            "model": self.weights.id,
            "sha256": self.weights.sha256,
            "tile": str(self.restorer.tiling),
            "device": engine.device,
            "precision": engine.precision,
            "project": str(self.restorer.project).lower(),
        }

    def write(self, job: Job, computed: Computed) -> Line:
        self.keep(
            job, {"status": WRITING}
        )  # before it is there: cut off in between, the next run knows whose file it is
        source, provenance = computed.read.source, dict(computed.provenance)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        losses = write_result(
            self.restorer.task,
            job.target,
            computed.result,
            source=source,
            options=replace(self.files, overwrite=job.overwrite),
            provenance=provenance,
        )
        for note in (*source.notes, *losses):
            self.tally.output.warning(f"{job.source}: {note}")
        height, width = computed.result.shape[:2]
        return {
            **(output_identity(job.target) if self.identifies else {}),
            **computed.read.identity,
            "height": height,
            "width": width,
            "weights_sha256": provenance.pop("sha256"),
            **provenance,
        }

    def settled(self, outcome: Outcome) -> None:
        self.keep(
            outcome.job, {**line_of(outcome), "settings": self.settings}
        )  # first: whoever reads stdout may be gone
        self.tally.add(outcome)
        self.progress.advance(self.bar)

    def keep(self, job: Job, line: Line) -> None:
        """In the record, if there is one: with absolute paths, as the next run may begin in another folder."""
        if self.record is not None:
            paths = {"input": os.path.abspath(job.source), "output": os.path.abspath(job.target)}
            self.record.append({**paths, **line})
