"""How fast a batch goes, in a bar and in a log."""

from pathlib import Path, PurePath

import pytest

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Outcome, Summary
from glmha_cli.cli.output import Output
from glmha_cli.cli.pace import Pace
from glmha_cli.cli.tally import Tally

MEGAPIXELS = {"height": 2000, "width": 1000}


@pytest.fixture
def seconds() -> list[float]:
    return [0.0]


def outcome(status: str = "ok") -> Outcome:
    job = Job(Path("a.png"), Path("b.png"), PurePath("a.png"))
    return Outcome(job=job, status=status, details=MEGAPIXELS if status == "ok" else {})


def test_the_pace_counts_what_was_worked_on(seconds):
    pace = Pace(lambda: seconds[0])
    assert str(pace) == ""
    for status in ("skipped", "ok", "ok", "failed"):
        pace.settled(outcome(status))
    seconds[0] = 6.0
    assert str(pace) == "0.5 files/s, 0.67 Mpx/s"
    summary = Summary(task="derain", total=304, single=False, dry_run=False, done=3, skipped=1)
    assert pace.progress(summary) == "4 of 304 files, 0.5 files/s, 0.67 Mpx/s, about 10 min left"


def test_a_log_hears_of_it_at_intervals_and_sees_no_bars(seconds, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    tally = Tally(Output())
    summary = Summary(task="derain", total=101, single=False, dry_run=False)
    tally.started(summary)
    tally.pace = Pace(lambda: seconds[0])
    for _ in range(100):
        seconds[0] += 1
        summary.add(outcome())
        tally.tiles(outcome().job, 0, 1)
        tally.settled(outcome())
    tally.finished()
    lines = capsys.readouterr().err.splitlines()
    paces = [line for line in lines if " left" in line]
    assert len(paces) == 3 and paces[0] == "30 of 101 files, 1 files/s, 2 Mpx/s, about 71 s left"
    assert not any("━" in line for line in lines)
