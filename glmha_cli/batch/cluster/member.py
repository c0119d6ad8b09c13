"""A member of a cluster: a process that does jobs as any other does, and whose driver keeps the record."""

import os
import queue
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glmha_cli import __version__
from glmha_cli.batch.cluster.calls import Call, Calls
from glmha_cli.batch.doing import Setup, outcomes_of
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.places import Places, Remote
from glmha_cli.errors import GlmhaError, UsageError, WeightsUnavailableError
from glmha_cli.inference.cpus import wait_without_spinning
from glmha_cli.inference.engine_choice import num_side_by_side
from glmha_cli.io.remote.stage import FILES_AHEAD, Stage
from glmha_cli.io.remote.url import Url

PATIENCE_SECONDS = 8
"""For the file that is being written when a run ends."""
STAGES = 3
"""A member has this many jobs beside those that are computed: one is read, one written, and one waits."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a member is to do. version: of the driver's glmha. folder: where its relative paths begin.

    stage: of the driver, where files stand in for URLs; None where there are none. uses_gpu: it was given one.
    """

    setup: Setup
    version: str
    folder: str
    stage: Path | None
    uses_gpu: bool


class Member:
    """Does jobs in threads of its own; the methods are its driver's, one at a time."""

    def start(self, order: Order) -> int | GlmhaError:
        """Load the network; returns how many jobs it wants at a time, or what is wrong."""
        os.environ.update({} if order.uses_gpu else {"CUDA_VISIBLE_DEVICES": ""})
        wait_without_spinning()
        with suppress(OSError):  # then relative paths are not there, as each file will say
            os.chdir(order.folder)
        self.temporary = tempfile.TemporaryDirectory(prefix="glmha-", ignore_cleanup_errors=True)
        self.order, self.places = order, Places()
        if order.stage is not None:
            self.places = Remote(Stage(Path(self.temporary.name).resolve()))
        self.calls, self.loaded = Calls(self.places), Future[None]()
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        try:
            setup = self._own(order.setup)
            self.thread = threading.Thread(target=self._do, args=(setup,), daemon=True)
            self.thread.start()
            self.loaded.result()
        except GlmhaError as error:
            return error
        files = FILES_AHEAD // 2 if order.stage is not None else 0
        return num_side_by_side(setup.sizes, device="cuda" if self.order.uses_gpu else "cpu") + max(STAGES, files)

    def exchange(
        self, jobs: Sequence[Job], secret: Mapping[str, Url], answers: Mapping[int, Any], seconds: float
    ) -> list[Call]:
        """Take jobs and answers; returns what has been called since, after so many seconds at most.

        secret: see `Stage`, of the jobs.
        """
        if isinstance(self.places, Remote):
            self.places.stage.secret.update(secret)
        for job in jobs:
            own = replace(job, source=self._here(job.source), target=self._here(job.target), area=self._here(job.area))
            self.calls.there.update({own.source: job.source, own.target: job.target})
            self.places.start(own)
            self.jobs.put(own)
        self.calls.answer(answers)
        return self.calls.since(seconds)

    def stop(self) -> list[Call]:
        """Finish the file that is being written, drop the others; returns the last calls."""
        self.calls.end()
        self.jobs.put(None)
        self.thread.join(PATIENCE_SECONDS)
        self.temporary.cleanup()
        return self.calls.since(0)

    def _own(self, setup: Setup) -> Setup:
        """The setup with files of this machine. WeightsUnavailableError where its weights are others."""
        if self.order.version != __version__:
            raise UsageError(
                f"the cluster has glmha {__version__}, this machine {self.order.version}", "install the same on both"
            )
        weights = setup.weights
        own = setup.loader.find_again(weights)
        if own.sha256 != weights.sha256:
            raise WeightsUnavailableError(f"the cluster has other weights as '{own.path}'", "copy them to all machines")
        files = replace(setup.files, mask=self._fetched(setup.files.mask), only=self._fetched(setup.files.only))
        return replace(setup, weights=own, files=files)

    def _fetched(self, path: Path | None) -> Path | None:
        path = self._here(path)
        if path is not None and isinstance(self.places, Remote) and self.places.stage.holds(path):
            self.places.stage.fetch(path)
        return path

    def _here(self, path: Path | None) -> Any:
        """A path of the driver, of which those that stand for URLs lie in another folder here."""
        stage = self.order.stage
        if path is None or stage is None or not path.is_relative_to(stage):
            return path
        assert isinstance(self.places, Remote)
        return self.places.stage.root / path.relative_to(stage)

    def _do(self, setup: Setup) -> None:
        try:
            with closing(outcomes_of(self._given(), setup, self.calls, self.places)) as outcomes:
                for _ in outcomes:
                    if self.calls.ended.is_set():
                        break
        except GlmhaError as error:
            self._fail(error)
        except Exception as error:  # a bug of ours, or what a library could not do: the run cannot go on
            self._fail(GlmhaError(f"a worker failed: {type(error).__name__}: {error}", "please report it"))

    def _fail(self, error: GlmhaError) -> None:
        if self.loaded.done():
            self.calls.broken(error)
        else:
            self.loaded.set_exception(error)

    def _given(self) -> Iterator[Job | None]:
        """The jobs, and None whenever there is none at hand; asked for once the network is loaded."""
        self.loaded.set_result(None)
        while not self.calls.ended.is_set():
            try:
                yield self.jobs.get_nowait()
            except queue.Empty:
                yield None
                job = self.jobs.get()
                if job is None:
                    return
                yield job
