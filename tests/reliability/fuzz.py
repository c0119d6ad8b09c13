"""Damaged files by the thousand, read in a process that may crash. Run as a program it prints the table of the docs.

python -m tests.reliability.fuzz 1500
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.corpus import samples

SLOW = ".heic"
"""A process per file; a case costs as much as dozens of the others."""


@dataclass(frozen=True)
class Tally:
    """What came of all cases of one sample. faults: what was neither read nor refused, with its seed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def cases(names: Iterable[str], count: int) -> list[tuple[str, int]]:
    """(sample, seed); of slow formats every fifth."""
    return [(name, seed) for name in names for seed in range(0, count, 5 if name.endswith(SLOW) else 1)]


def fuzz(names: Iterable[str], count: int) -> dict[str, Tally]:
    """Try `count` kinds of damage on each sample."""
    left, tallies = cases(names, count), {name: Tally() for name in names}
    while left:
        answers, died = survived(left)
        for (name, _), answer in zip(left, answers, strict=False):
            tallies[name].outcomes[answer.partition(":")[0]] += 1
        left = left[len(answers) :]
        if left and died:
            name, seed = left.pop(0)
            tallies[name].faults.append(f"{name}, seed {seed}: {died}")
    return tallies


def survived(wanted: list[tuple[str, int]]) -> tuple[list[str], str]:
    """An answer for each case up to the first that ended the process, and how it ended."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.reliability.worker"]
    with tempfile.TemporaryDirectory() as folder:
        orders = "".join(f"{seed} {name}\n" for name, seed in wanted)
        done = subprocess.run([*command, folder], input=orders, capture_output=True, text=True, check=False,
                              errors="replace")
    last_words = done.stderr.strip().rpartition("\n")[2]
    return done.stdout.splitlines(), f"exit {done.returncode}, {last_words}" if done.returncode else ""


def kind(name: str) -> str:
    """"photo .tif" of "photo sealed lzw.tif"."""
    return f"{name.split()[0]} {Path(samples()[name].name).suffix}"


def rows(tallies: dict[str, Tally]) -> Iterator[str]:
    yield "| files | samples | cases | read | refused | neither |"
    yield "|---|---|---|---|---|---|"
    for group in dict.fromkeys(map(kind, tallies)):
        members = [tally for name, tally in tallies.items() if kind(name) == group]
        outcomes, faults = sum((t.outcomes for t in members), Counter()), sum(len(t.faults) for t in members)
        cells = group, len(members), outcomes.total() + faults, outcomes["read"], outcomes["refused"], faults
        yield f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    result = fuzz(list(samples()), int(sys.argv[1]))
    print("\n".join([*rows(result), *(fault for tally in result.values() for fault in tally.faults)]))
