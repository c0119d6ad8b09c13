"""Files of several pages or frames: restored one by one, each written before the next is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.jobs import Job
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.scales import Scales
from glmha_cli.io.photos.frames import Restored, require_frames, write_frames
from glmha_cli.io.photos.read import Photo

Result = Num[np.ndarray, "h w c"]


class Worker(Protocol):
    """Who reads and restores; see glmha_cli.batch.worker."""

    @property
    def restorer(self) -> Restorer: ...

    def read_frame(self, job: Job, frame: int) -> Source: ...

    def restored(self, job: Job, source: Source, *, index: int, count: int) -> Result: ...

    def provenance(self) -> dict[str, str]: ...


@dataclass(frozen=True, eq=False)
class Frames:
    """All of the file that begins with `first`, and its photo. results: the first one, once it is there."""

    worker: Worker
    job: Job
    first: Source
    photo: Photo
    results: list[Result] = field(default_factory=list)

    def write(self, files: FileOptions, *, overwrite: bool) -> list[str]:
        """Restore and write them; returns what the user should know."""
        lost = require_frames(self.job.target, self.photo)
        notes: dict[str, None] = {}
        with _scales_kept(self.worker.restorer):
            losses = write_frames(
                self.job.target,
                self._restored(files, notes),
                count=self.photo.frames,
                quality=files.quality,
                strip_metadata=files.strip_metadata,
                overwrite=overwrite,
            )
        return [*lost, *dict.fromkeys([*notes, *losses])]

    def _restored(self, files: FileOptions, notes: dict[str, None]) -> Iterator[Restored]:
        yield self._first(files)
        for index in range(1, self.photo.frames):
            source = self.worker.read_frame(self.job, index)
            notes.update(dict.fromkeys(source.notes))
            result = self.worker.restored(self.job, source, index=index, count=self.photo.frames)
            yield Restored(pixels=result, like=source.photo or self.photo, provenance=None)

    def _first(self, files: FileOptions) -> Restored:
        """With how it was made; the other frames of an animation are restored at its scale, or they would flicker."""
        worker = self.worker
        result = worker.restored(self.job, self.first, index=0, count=self.photo.frames)
        self.results.append(result)
        if self.photo.seconds:
            worker.restorer.scales = Scales.parse(worker.restorer.scale)
        kept = {**worker.provenance(), **files.choices()} if files.provenance else None
        return Restored(pixels=result, like=self.photo, provenance=kept)


@contextmanager
def _scales_kept(restorer: Restorer) -> Iterator[None]:
    scales = restorer.scales
    try:
        yield
    finally:
        restorer.scales = scales
