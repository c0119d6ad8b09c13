"""What is done with each file: read, restored, written, reported."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Num

from glmha_cli import __version__
from glmha_cli.batch.areas import files_for
from glmha_cli.batch.companions import CompanionError
from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.frames import Frames
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.keeper import Keeping
from glmha_cli.batch.kinds import input_kind, output_kind, read_supervised, write_result
from glmha_cli.batch.pipeline import Skip
from glmha_cli.batch.places import Places, is_one_of
from glmha_cli.batch.record import WRITING, Line, output_identity
from glmha_cli.batch.report import Outcome
from glmha_cli.batch.stages import Computed, OwnRestorer, Read, Written
from glmha_cli.errors import CannotCreateError
from glmha_cli.inference.restorer import Restorer
from glmha_cli.io.atomic import looking_before_moves
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.supervised import Supervised
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.store import Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Worker:
    """See glmha_cli.batch.pipeline.Work, which also says in which thread each method runs.

    hashes: of inputs and outputs, for whoever is told of them.
    """

    reader: Supervised
    own: OwnRestorer
    weights: Weights
    files: FileOptions
    keeper: Keeping
    hashes: bool
    places: Places = field(default_factory=Places)
    turn: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def restorer(self) -> Restorer:
        return self.own.restorer

    def read(self, job: Job) -> Read:
        if job.done:
            raise Skip
        if not job.own:
            self.require_undone(job)
        self.places.require(job)
        identity = self.places.identity(job.source) if self.hashes else {}
        source = self._read(job, files_for(job, self.files))
        return Read(source=source, identity=identity)

    def compute(self, job: Job, read: Read) -> Computed:
        photo = read.source.photo
        if photo is not None and (photo.frames > 1 or (read.source.moment and self.files.frame is None)):
            return self.compute_frames(job, read, photo)
        return Computed(read=read, result=self.restored(job, read.source), provenance=self.provenance())

    def read_frame(self, job: Job, frame: int) -> Source:
        return self._read(job, replace(files_for(job, self.files), frame=frame))

    def _read(self, job: Job, files: FileOptions) -> Source:
        """One at a time: frames of a file are read while the next file is."""
        with self.turn:
            return read_supervised(self.reader, self.restorer.task, job.source, files)

    def restored(self, job: Job, source: Source, *, index: int = 0, count: int = 1) -> Num[np.ndarray, "h w c"]:
        """The result of a source, which is one of `count`."""
        return self.restorer.restore(
            source.value,
            blend=source.blend,
            store=output_kind(self.restorer.task).storing(job.target, source),
            on_tile=lambda done, total: self.keeper.reporter.tiles(job, index * total + done, count * total),
        )

    def compute_frames(self, job: Job, read: Read, first: Photo) -> Computed:
        """A file of several photos is written while it is computed: one of them is in memory at a time."""
        files, several = files_for(job, self.files), Frames(self, job, read.source, first)
        written = self.placed(job, lambda: several.write(files, overwrite=job.overwrite or bool(job.own)))
        return Computed(read=read, result=several.results[0], provenance=self.provenance(), written=written)

    def provenance(self) -> dict[str, str]:
        """How to make the same output again."""
        engine = self.restorer.computing
        return {
            "glmha": __version__,
            "task": self.restorer.task.name,
            "model": self.weights.id,
            "sha256": self.weights.sha256,
            **({"licence": self.weights.licence} if self.weights.licence else {}),
            "tile": str(self.restorer.tiling),
            **({"scale": self.restorer.scale} if self.restorer.task.any_scale else {}),
            "device": engine.device,
            "precision": engine.precision,
            "project": str(self.restorer.projects).lower(),
        }

    def write(self, job: Job, computed: Computed) -> Line:
        source, provenance = computed.read.source, dict(computed.provenance)
        written = computed.written or self.placed(
            job,
            lambda: write_result(
                self.restorer.task,
                job.target,
                computed.result,
                source=source,
                options=files_for(job, self.files),
                overwrite=job.overwrite or bool(job.own),
                provenance=provenance,
            ),
        )
        self.show(job, computed)
        for note in (*source.notes, *written.losses):
            self.keeper.reporter.remark(job.source, note)
        height, width = computed.result.shape[:2]
        return {
            **output_identity(job.target, written.hashes),
            **written.sent,
            **computed.read.identity,
            "height": height,
            "width": width,
            "weights_sha256": provenance.pop("sha256"),
            **provenance,
            "project": self.restorer.projects,
        }

    def placed(self, job: Job, put: Callable[[], list[str]]) -> Written:
        """What `put` writes, on record before it is moved into its place."""
        hashes: dict[Path, str] = {}
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            with looking_before_moves(partial(self.look, job, hashes)):
                losses = put()
            sent = self.places.send(job)
        except CompanionError:  # the output itself is there, and of this run
            raise
        except CannotCreateError:
            self.require_undone(job)
            raise
        return Written(hashes=hashes, losses=losses, sent=sent)

    def show(self, job: Job, computed: Computed) -> None:
        """What became of a file, to a reporter that wants to see it."""
        if not self.keeper.reporter.shows:
            return
        task, source = self.restorer.task, computed.read.source
        try:
            after = output_kind(task).rendered(computed.result, task, source)
            self.keeper.reporter.restored(job, input_kind(task).picture(source), after)
        except Exception:  # the file is written all the same
            self.keeper.reporter.remark(job.source, "cannot be shown on the report page")

    def look(self, job: Job, hashes: dict[Path, str], temporary: Path, path: Path) -> None:
        """Before a finished file is moved into place: on record, so that a run that is cut off knows it for its own."""
        if not self.hashes:
            return
        if job.own and os.path.lexists(path) and not is_one_of(path, job.own):
            raise CannotCreateError(f"'{path}' was changed since this run began", "--overwrite, or move it elsewhere")
        hashes[path] = sha256_of(temporary)
        self.keeper.keep(job, {"status": WRITING, **output_identity(job.target, hashes)})

    def require_undone(self, job: Job) -> None:
        """Skip a job that another run with this record has done since this run was planned."""
        if not job.overwrite and os.path.lexists(job.target) and self.keeper.is_done(job):
            raise Skip

    def stop(self) -> None:
        """Nothing more is read; a file that is being read is given up."""
        self.reader.close()

    def settled(self, outcome: Outcome) -> None:
        self.keeper.settled(outcome)
        self.places.forget(outcome.job)
