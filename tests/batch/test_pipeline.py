"""Reading, computing and writing overlap, in bounded memory and in order, and a failure is one file's own."""

import threading
import time
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.pipeline import run_jobs
from glmha_cli.errors import BadDataError, NoInputError


def jobs(count: int, *, refused: frozenset[int] = frozenset()) -> list[Job]:
    return [
        Job(
            Path(f"{i}.png"),
            Path(f"out/{i}.png"),
            PurePath(f"{i}.png"),
            problem=NoInputError(f"'{i}.png' refused") if i in refused else None,
        )
        for i in range(count)
    ]


class FakeWork:
    """Sleeps at every stage and fails where it is told to: {(stage, number): error}."""

    def __init__(self, failures=(), seconds=0.0):
        self.failures, self.seconds = dict(failures), seconds
        self.events, self.threads, self.alive, self.most_alive, self.lock = [], {}, 0, 0, threading.Lock()

    def stage(self, name, job):
        number = int(job.source.stem)
        self.threads.setdefault(name, set()).add(threading.get_ident())
        self.events.append((name, number))
        time.sleep(self.seconds)
        if (name, number) in self.failures:
            raise self.failures[name, number]

    def read(self, job):
        self.stage("read", job)
        with self.lock:
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
        return job.source.stem

    def compute(self, job, source):
        assert source == job.source.stem
        self.stage("compute", job)
        return source * 2

    def write(self, job, result):
        self.stage("write", job)
        return {"result": result}

    def stop(self):
        pass

    def settled(self, outcome):
        with self.lock:
            self.alive -= 1
        self.events.append(("settled", int(outcome.job.source.stem)))


def test_stages_overlap_each_in_a_thread_of_its_own_and_three_files_are_alive_at_most():
    work = FakeWork(seconds=0.03)
    start = time.perf_counter()
    outcomes = list(run_jobs(jobs(10), work))
    assert time.perf_counter() - start < 0.75 * 30 * 0.03
    assert [outcome.details["result"] for outcome in outcomes] == [f"{i}{i}" for i in range(10)]
    assert [number for name, number in work.events if name == "settled"] == list(range(10))
    assert work.threads["compute"] == {threading.get_ident()}
    assert all(len(each) == 1 for each in work.threads.values()) and len(set.union(*work.threads.values())) == 3
    assert work.most_alive <= 3


def test_small_files_are_computed_side_by_side_and_come_in_order():
    work = FakeWork(seconds=0.03, failures={("compute", 3): BadDataError("'3.png' is damaged")})
    outcomes = list(run_jobs(jobs(10), work, side_by_side=3))
    assert [int(outcome.job.source.stem) for outcome in outcomes] == list(range(10))
    assert [outcome.status == "failed" for outcome in outcomes] == [i == 3 for i in range(10)]
    assert [number for name, number in work.events if name == "settled"] == list(range(10))
    assert len(work.threads["compute"]) == 3 and work.most_alive <= 5


STAGES = st.sampled_from(["read", "compute", "write"])
ERRORS = st.sampled_from(
    [BadDataError("bad"), OSError(28, "No space left on device"), MemoryError(), ValueError("a bug")]
)


@given(failures=st.dictionaries(st.tuples(STAGES, st.integers(0, 7)), ERRORS), refused=st.frozensets(st.integers(0, 7)))
def test_whatever_fails_wherever_costs_its_own_file_and_is_named(failures, refused):
    work = FakeWork(failures)
    outcomes = list(run_jobs(jobs(8, refused=refused), work))
    assert [outcome.job.source.stem for outcome in outcomes] == [str(i) for i in range(8)]
    bad = {number for _, number in failures} | refused
    for number, outcome in enumerate(outcomes):
        assert (outcome.error is not None) == (number in bad)
        if outcome.error is not None:
            assert f"{number}.png" in outcome.error.message and not outcome.details
    assert not {event for event in work.events if event[0] == "read" and event[1] in refused}


def test_after_the_last_outcome_taken_nothing_more_is_written():
    for number in range(6):
        work = FakeWork(seconds=0.002)
        outcomes = run_jobs(jobs(8), work)
        for _ in range(number + 1):
            next(outcomes)
        outcomes.close()
        time.sleep(0.02)
        assert [i for name, i in work.events if name == "write"] == list(range(number + 1))


def test_an_interrupt_lets_the_file_that_is_written_be_finished_and_drops_the_others():
    work = FakeWork({("compute", 3): KeyboardInterrupt()}, seconds=0.02)
    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(jobs(8), work))
    written = [i for name, i in work.events if name == "write"]
    assert written == [i for name, i in work.events if name == "settled"] == [0, 1, 2]


@pytest.mark.parametrize("side_by_side", [1, 3])
def test_where_the_next_job_is_not_at_hand_those_before_it_are_done_first(side_by_side):
    work, settled = FakeWork(), []

    def given():
        for job in jobs(4):
            yield job
            yield None
            settled.append([number for name, number in work.events if name == "settled"])

    assert [outcome.status for outcome in run_jobs(given(), work, side_by_side=side_by_side)] == ["ok"] * 4
    assert settled == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
