"""Damaged files by the thousand, read in a process that may crash. Run as a program it prints the table of the docs.

python -m tests.reliability.fuzz 1500
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
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
    """(sample, seed); of slow formats every tenth."""
    return [(name, seed) for name in names for seed in range(0, count, 10 if name.endswith(SLOW) else 1)]


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
        done = subprocess.run(
            [*command, folder], input=orders, capture_output=True, text=True, check=False, errors="replace"
        )
    last_words = done.stderr.strip().rpartition("\n")[2]
    return done.stdout.splitlines(), f"exit {done.returncode}, {last_words}" if done.returncode else ""


def kind(name: str) -> str:
    """ "photo .tif" of "photo sealed lzw.tif"."""
    return f"{name.split()[0]} {Path(samples()[name].name).suffix}"


def row(group: str, tallies: Iterable[Tally]) -> str:
    tallies = list(tallies)
    outcomes, faults = (
        sum((tally.outcomes for tally in tallies), Counter()),
        sum(len(tally.faults) for tally in tallies),
    )
    cells = group, len(tallies), outcomes.total() + faults, outcomes["read"], outcomes["refused"], faults
    return f"| {' | '.join(map(str, cells))} |"


def main(count: int) -> None:
    print("| files | samples | cases | read | refused | neither |\n|---|---|---|---|---|---|")
    everything = {}
    for group in dict.fromkeys(map(kind, samples())):
        found = fuzz([name for name in samples() if kind(name) == group], count)
        everything |= found
        print(row(group, found.values()), flush=True)
    print(row("all", everything.values()))
    print("\n".join(fault for tally in everything.values() for fault in tally.faults))


if __name__ == "__main__":
    main(int(sys.argv[1]))
