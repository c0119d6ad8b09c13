"""How jobs are given to members, and what becomes of those whose member is lost; the members are played here."""

import json
from collections import Counter
from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest

from glmha_cli.batch.cluster.calls import Call
from glmha_cli.batch.cluster.clerk import Clerk
from glmha_cli.batch.cluster.driver import _Driver
from glmha_cli.batch.cluster.on_ray import Lost, Ray, Seat
from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.keeper import Keeper
from glmha_cli.batch.record import Record
from glmha_cli.batch.report import Reporter, Summary
from glmha_cli.errors import GlmhaError, NoInputError, UsageError, WeightsUnavailableError

ROOM = 4


class Played:
    """Members that settle all of their jobs at once, but are lost with those of `deadly`, after a line "writing".

    given: the names of the jobs given together.
    """

    def __init__(self, num: int, *, deadly=(), times=10, start=ROOM):
        self.num, self.deadly, self.left, self.start = num, deadly, times, start
        self.given, self.owns, self.stopped_seats = [], {}, []

    def seats(self):
        return [self.seat() for _ in range(self.num)]

    def seat(self):
        return Seat(actor=object(), call="start")

    def exchange(self, seat, places, seconds):
        seat.call, seat.fresh = ("exchange", seat.fresh, seat.answers), []
        seat.answers = {}

    def replies(self, seats, seconds):
        for seat in list(seats):
            call, seat.call = seat.call, None
            yield seat, self.start if call == "start" else self.reply(seat, call[1])

    def reply(self, seat, jobs):
        if jobs:
            self.given.append([job.source.name for job in jobs])
        self.owns |= {job.source.name: job.own for job in jobs}
        fatal = [job for job in seat.jobs.values() if job.source.name in self.deadly]
        written = [job for job in seat.jobs.values() if job not in jobs]
        if fatal and not jobs and self.left:
            self.left -= 1
            return Lost("gone")
        first = [Call("keep", (job.target, {"status": "writing", "sha256": "a" * 64}), 0) for job in jobs]
        return first + [Call("settled", (job.target, "ok", 0.1, {}, None)) for job in written]

    def stopped(self, seats):
        self.stopped_seats = list(seats)
        return []


def jobs(count: int) -> list[Job]:
    return [Job(Path(f"{i}.png"), Path(f"out/{i}.png"), PurePath(f"{i}.png")) for i in range(count)]


class Listening(Reporter):
    def __init__(self):
        self.warnings = []

    def warning(self, text):
        self.warnings.append(text)


def driver(played, todo, record=None):
    summary = Summary(task="derain", total=len(todo), single=False, dry_run=False)
    keeper = Keeper(summary=summary, reporter=Listening(), record=record, settings={})
    return _Driver(played, iter(todo), Clerk(keeper))


def test_all_jobs_are_done_once_and_on_record_before_they_are_told(tmp_path):
    played, record = Played(2), Record(tmp_path / "run.jsonl")
    told = []
    for outcome in driver(played, jobs(20), record).outcomes():
        lines = [json.loads(line) for line in record.path.read_text().splitlines()]
        assert [line["status"] for line in lines if line["output"].endswith(str(outcome.job.target))] == [
            "writing",
            "ok",
        ]
        told.append(outcome.job.source.name)
    assert Counter(told) == Counter(f"{i}.png" for i in range(20))
    assert max(map(len, played.given)) == ROOM and len(played.stopped_seats) == 2


def test_what_a_lost_member_had_is_done_by_others_one_by_one_and_known_as_ours():
    played = Played(2, deadly={"1.png"}, times=1)
    run = driver(played, jobs(10))
    outcomes = list(run.outcomes())
    assert Counter(each.status for each in outcomes) == {"ok": 10}
    assert played.owns["1.png"] == {"a" * 64} and not played.owns["9.png"]
    assert [group for group in played.given if "1.png" in group][1:] == [["1.png"]]
    assert run.clerk.keeper.reporter.warnings == ["a worker was lost, others do its 4 files (gone)"]


def test_a_file_that_ends_every_member_fails_alone():
    run = driver(Played(2, deadly={"1.png"}), jobs(10))
    outcomes = {each.job.source.name: each for each in run.outcomes()}
    assert len(outcomes) == 10 and [name for name in outcomes if outcomes[name].status != "ok"] == ["1.png"]
    assert "3 workers were lost with it" in outcomes["1.png"].error.message


def test_members_that_are_lost_before_anything_is_done_end_the_run():
    run = driver(Played(2, start=Lost("no memory")), jobs(10))
    with pytest.raises(GlmhaError, match="end again and again: no memory"):
        list(run.outcomes())


def test_what_is_wrong_with_all_members_ends_the_run():
    with pytest.raises(WeightsUnavailableError, match="other weights"):
        list(driver(Played(1, start=WeightsUnavailableError("other weights")), jobs(3)).outcomes())


def test_what_is_done_or_refused_needs_no_member():
    done = Job(Path("a.png"), Path("out/a.png"), PurePath("a.png"), done=True)
    refused = Job(Path("b.png"), Path("out/b.png"), PurePath("b.png"), problem=NoInputError("'b.png' refused"))
    played = Played(1)
    outcomes = list(driver(played, [done, refused]).outcomes())
    assert [each.status for each in outcomes] == ["skipped", "failed"] and not played.given


@pytest.mark.parametrize(
    "arguments",
    [("ray:/x",), ("dask",), ("ray", {"cpus": 0.0}), ("ray", {"cpus": 1.5}), ("ray", {"gpus": -1.0})],
)
def test_clusters_that_cannot_be_are_refused(arguments):
    text, options = arguments[0], arguments[1] if len(arguments) > 1 else {}
    with pytest.raises(UsageError):
        Cluster.parse(text, **options)
    assert Cluster.parse("ray://head:10001", gpus=0.25).address == "ray://head:10001"


@pytest.mark.parametrize(("cpus", "gpus", "num"), [(1, 0, 6), (4, 0, 1), (0.5, 0.25, 4), (1, 2, 1)])
def test_there_is_an_actor_for_each_share_that_fits(monkeypatch, cpus, gpus, num):
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    on_ray = Ray(Cluster(cpus=cpus, gpus=gpus), None, Listening().warning)
    on_ray.is_callers, on_ray.seat = False, lambda: "a seat"
    nodes = [{"CPU": 4.0, "GPU": 1.0}, {"CPU": 2.0}]
    on_ray.ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": each} for each in nodes])
    assert on_ray.seats() == ["a seat"] * num
    if gpus > 1:
        monkeypatch.delenv("RAY_ADDRESS")
        with pytest.raises(UsageError, match="2 GPUs"):
            on_ray.seats()
