"""Records of finished runs as data: what they say in sum, what is left to do, and several as one.

Records are read line by line, so that a million files take seconds and little memory; torn lines are left out.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmha_cli.batch.record import WRITING, Line, begins_record, parsed, place_of
from glmha_cli.errors import BadDataError, GlmhaError
from glmha_cli.io.guard import require_readable
from glmha_cli.io.remote.store import facts_of
from glmha_cli.io.remote.url import Url, is_url
from glmha_cli.weights.integrity import sha256_of

FAILED, OK, UNFINISHED = "failed", "ok", "unfinished"
LONGEST_LINE = 2**20
MOST_SECONDS = 1e9
"""Of one file, thirty years: a line that says more was not written by a run."""


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a record, in the order in which they were written.

    Raises NoInputError where there is no such file, BadDataError for one that is no record.
    """
    require_readable(path)
    with path.open("rb") as file:
        if not begins_record(file.readline(LONGEST_LINE)):
            raise BadDataError(f"'{path}' is not a record of glmha", "give what --record wrote")
        file.seek(0)
        yield from (line for line in parsed(file) if isinstance(line.get("time"), str))


def merged_by_time(paths: Sequence[Path]) -> Iterator[Line]:
    """The lines of several records, the earliest first."""
    return heapq.merge(*(lines_of(path) for path in paths), key=lambda line: line["time"])


@dataclass(slots=True)
class State:
    """What became of an output: its input, the last status (`unfinished` where a run ended while writing), why."""

    input: str
    status: str
    reason: str = ""


def state_of(line: Line) -> State:
    """What a line says of its output. A failure after "ok" counts as failed."""
    status = UNFINISHED if line.get("status") == WRITING else str(line.get("status"))
    return State(str(line.get("input", "")), status, str(line.get("reason", "")))


@dataclass
class Totals:
    """Of all records together. reasons: of what failed, with paths cut out, the most frequent first."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    first: str = ""
    last: str = ""
    reasons: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        counts = {status: self.counts[status] for status in (OK, FAILED, UNFINISHED)}
        times = {"seconds": round(self.seconds, 1), "first": self.first, "last": self.last}
        return {"files": sum(self.counts.values()), **counts, **times, "reasons": dict(self.reasons.most_common())}


def totals(paths: Sequence[Path]) -> Totals:
    """Counts of outputs by their last status, and the seconds of all lines."""
    result, states = Totals(), {}
    for line in merged_by_time(paths):
        result.first, result.last = result.first or line["time"], line["time"]
        seconds = line.get("seconds", 0)
        result.seconds += seconds if isinstance(seconds, int | float) and 0 <= seconds < MOST_SECONDS else 0
        states[place_of(line["output"])] = state_of(line)
    for output, state in states.items():
        result.counts[state.status] += 1
        if state.status == FAILED:
            result.reasons[state.reason.replace(state.input, "…").replace(output, "…")] += 1
    return result


def to_do(paths: Sequence[Path]) -> Iterator[State]:
    """What failed or was left unfinished, one state for each input."""
    last = {place_of(line["output"]): state_of(line) for line in merged_by_time(paths)}
    seen = set()
    for state in last.values():
        if state.status in (FAILED, UNFINISHED) and state.input not in seen:
            seen.add(state.input)
            yield state


def merged(paths: Sequence[Path]) -> Iterator[Line]:
    """One record of several, by time, without what they have in common.

    Where two runs say that they made one output, the file there decides: of the lines that say `ok` those of another
    sha256 are left out, as far as one of them has that of the file.
    """
    proven = _proven(paths)
    last: Line | None = None
    for line in merged_by_time(paths):
        sha256 = proven.get(place_of(line["output"]))
        disproved = sha256 is not None and line.get("status") == OK and line.get("sha256") != sha256
        if line != last and not disproved:
            yield line
        last = line


def _proven(paths: Sequence[Path]) -> dict[str, str]:
    """sha256 by output, of the outputs that several records claim with different contents, and that one is right of."""
    claims: defaultdict[str, dict[str, Line]] = defaultdict(dict)
    for output, line in _last_claims(paths):
        claims[output][line["sha256"]] = line
    proven = {}
    for output, lines in claims.items():
        if len(lines) > 1:
            with suppress(OSError, GlmhaError, StopIteration):
                proven[output] = next(sha256 for sha256, line in lines.items() if _is_there(output, line))
    return proven


def _is_there(output: str, line: Line) -> bool:
    """Whether the output is the one of the line: told by its content, in a store by what that tells of it."""
    if not is_url(output):
        return sha256_of(Path(output)) == line["sha256"]
    found = facts_of(Url.parse(output)) or {}
    return bool(found) and all(line.get(f"output_{name}") == value for name, value in found.items())


def _last_claims(paths: Iterable[Path]) -> Iterator[tuple[str, Line]]:
    """What each record says last of each output that it made."""
    for path in paths:
        made = {}
        for line in lines_of(path):
            if line.get("status") == OK and isinstance(line.get("sha256"), str):
                made[place_of(line["output"])] = line
        yield from made.items()
