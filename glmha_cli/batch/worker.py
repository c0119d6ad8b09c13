"""What is done with each file: read, restored, written, reported."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Num

from glmha_cli import __version__
from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.kinds import output_kind, read_source, write_result
from glmha_cli.batch.record import WRITING, Line, Record, input_identity, line_of, output_identity
from glmha_cli.batch.report import Outcome, Reporter, Summary
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Worker:
    """See glmha_cli.batch.pipeline.Work, which also says in which thread each method runs.

    settings: what outputs depend on, for the record. hashes: of inputs and outputs, for whoever is told of them.
    """

    restorer: Restorer
    weights: Weights
    files: FileOptions
    summary: Summary
    reporter: Reporter
    record: Record | None
    settings: Line
    hashes: bool

    def read(self, job: Job) -> Read:
        identity = input_identity(job.source) if self.hashes else {}
        return Read(source=read_source(self.restorer.task, job.source, self.files), identity=identity)

    def compute(self, job: Job, read: Read) -> Computed:
        result = self.restorer.restore(
            read.source.value,
            store=output_kind(self.restorer.task).storing(job.target, read.source),
            on_tile=lambda done, total: self.reporter.tiles(job, done, total),
        )
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
            "project": str(self.restorer.projects).lower(),
        }

    def write(self, job: Job, computed: Computed) -> Line:
        # Before it is there: cut off in between, the next run knows whose file it is.
        self.keep(job, {"status": WRITING})
        source, provenance = computed.read.source, dict(computed.provenance)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        losses = write_result(
            self.restorer.task,
            job.target,
            computed.result,
            source=source,
            options=self.files,
            overwrite=job.overwrite,
            provenance=provenance,
        )
        for note in (*source.notes, *losses):
            self.reporter.warning(f"{job.source}: {note}")
        height, width = computed.result.shape[:2]
        return {
            **(output_identity(job.target) if self.hashes else {}),
            **computed.read.identity,
            "height": height,
            "width": width,
            "weights_sha256": provenance.pop("sha256"),
            **provenance,
        }

    def settled(self, outcome: Outcome) -> None:
        self.keep(outcome.job, {**line_of(outcome), "settings": self.settings})  # first: telling it may fail
        self.summary.add(outcome)
        self.reporter.settled(outcome)

    def keep(self, job: Job, line: Line) -> None:
        """In the record, if there is one: with absolute paths, as the next run may begin in another folder."""
        if self.record is not None:
            paths = {"input": os.path.abspath(job.source), "output": os.path.abspath(job.target)}
            self.record.append({**line, **paths})
