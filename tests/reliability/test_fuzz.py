"""Damaged files of every format are read or refused; no crash, no hang, no foreign exception."""

import pytest

from tests.reliability.corpus import samples
from tests.reliability.fuzz import cases, fuzz

FEW, MANY = 60, 1500


def check(count: int) -> None:
    names = list(samples())
    tallies = fuzz(names, count)
    assert [fault for tally in tallies.values() for fault in tally.faults] == []
    assert sum(tally.outcomes.total() for tally in tallies.values()) == len(cases(names, count))
    assert not {outcome for tally in tallies.values() for outcome in tally.outcomes} - {"read", "refused"}


def test_hundreds_of_damaged_files_of_each_format():
    check(FEW)


@pytest.mark.long
def test_thousands_of_damaged_files_of_each_format():
    check(MANY)


def test_a_crash_of_the_process_would_be_seen(monkeypatch):
    monkeypatch.setattr("tests.reliability.fuzz.cases", lambda names, count: [("photo rgb.png", "not a seed")])
    (fault,) = fuzz(["photo rgb.png"], 1)["photo rgb.png"].faults
    assert "exit 1" in fault and "not a seed" in fault
