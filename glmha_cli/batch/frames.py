"""Files of several pages or frames, and videos: restored one by one, each written before the next is read."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.jobs import Job
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.scales import Scales
from glmha_cli.io.photos.frames import Restored, require_frames, write_frames
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.supervised import Supervised
from glmha_cli.io.videos.frame import EndOfVideoError
from glmha_cli.io.videos.write import RestoredFrame, write_video

JOIN = "glmha_cli.io.videos.join"
Result = Num[np.ndarray, "h w c"]


class Worker(Protocol):
    """Who reads and restores; see glmha_cli.batch.worker. turn: is held while `reader` reads."""

    @property
    def reader(self) -> Supervised: ...
    @property
    def turn(self) -> threading.Lock: ...

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
        notes: dict[str, None] = {}
        with _scales_kept(self.worker.restorer):
            write = self._photos if self.first.moment is None else self._video
            losses = write(files, notes, overwrite=overwrite)
        return list(dict.fromkeys([*notes, *losses]))

    def _photos(self, files: FileOptions, notes: dict[str, None], *, overwrite: bool) -> list[str]:
        lost = require_frames(self.job.target, self.photo)
        photos = (
            Restored(
                pixels=result,
                like=source.photo or self.photo,
                provenance=self._provenance(files) if source is self.first else None,
            )
            for source, result in self._restored(notes)
        )
        losses = write_frames(
            self.job.target,
            photos,
            count=self.photo.frames,
            quality=files.quality,
            strip_metadata=files.strip_metadata,
            overwrite=overwrite,
        )
        return [*lost, *losses]

    def _video(self, files: FileOptions, notes: dict[str, None], *, overwrite: bool) -> list[str]:
        def join(silent: Path, target: Path) -> list[str]:
            kept = self._provenance(files)
            provenance = None if kept is None else json.dumps(kept, separators=(",", ":"))
            options = {"strip_metadata": files.strip_metadata, "provenance": provenance}
            with self.worker.turn:
                return self.worker.reader.read(f"{JOIN}:join", self.job.source, silent, target, **options)

        frames = (
            RestoredFrame(pixels=result, moment=source.moment)
            for source, result in self._restored(notes)
            if source.moment is not None
        )
        return write_video(self.job.target, frames, join, overwrite=overwrite)

    def _restored(self, notes: dict[str, None]) -> Iterator[tuple[Source, Result]]:
        """Each with its result, in their order. Those that are shown one after the other are restored at the scale of
        the first, or they would flicker.
        """
        worker, count = self.worker, self.photo.frames
        for index, source in enumerate(self._sources()):
            notes.update(dict.fromkeys(source.notes if index else ()))
            result = worker.restored(self.job, source, index=index, count=max(count, index + 1))
            if not index:
                self.results.append(result)
                if self.photo.seconds:
                    worker.restorer.scales = Scales.parse(worker.restorer.scale)
            yield source, result

    def _sources(self) -> Iterator[Source]:
        """As many as there are: what a video says of their number is a guess."""
        yield self.first
        index = 1
        with suppress(EndOfVideoError):
            while self.first.moment is not None or index < self.photo.frames:
                yield self.worker.read_frame(self.job, index)
                index += 1

    def _provenance(self, files: FileOptions) -> dict[str, str] | None:
        return {**self.worker.provenance(), **files.choices()} if files.provenance else None


@contextmanager
def _scales_kept(restorer: Restorer) -> Iterator[None]:
    scales = restorer.scales
    try:
        yield
    finally:
        restorer.scales = scales
