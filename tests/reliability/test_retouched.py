"""kill -9 between "writing" and "ok" in the record, and someone who retouches outputs before the run is resumed."""

import json
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from glmha_cli.batch.record import WRITING
from tests.reliability.conftest import NAMES, Starter, shown


def cut_off_in(record: Path) -> Path:
    """The output that the record's last line says to be written."""
    line = json.loads(record.read_text().splitlines()[-1])
    assert line["status"] == WRITING
    return Path(line["output"])


def kill_and_retouch(starter: Starter, command: list[object], tmp_path: Path, kills: int, *, seed: int = 0) -> Counter:
    """Batches, each killed at random moves and resumed until all is done. Of the outputs that a kill was at, there by
    then or not, every second is changed by hand: those stay, the others become what an undisturbed run makes.
    """
    assert starter.run(*command, tmp_path / "undisturbed") == 0
    expected = shown(tmp_path / "undisturbed")
    count, chance = Counter(), random.Random(seed)
    while count["kills"] < kills:
        count["batches"] += 1
        out, record = tmp_path / f"out{count['batches']}", tmp_path / f"run{count['batches']}.jsonl"
        resume = [*command, out, "--record", record, "--resume"]
        retouched: dict[str, bytes] = {}
        while count["kills"] < kills:
            after = chance.random() < 0.5
            code = starter.run(*resume, kill_at=(chance.randrange(1, 4), after))
            if code != -signal.SIGKILL:
                break
            count["kills"] += 1
            path = cut_off_in(record)
            assert path.exists() or not after  # before its move an earlier one may be there
            if chance.random() < 0.5:
                retouched[str(path.relative_to(out))] = f"retouched {count['kills']}".encode()
                path.write_bytes(retouched[str(path.relative_to(out))])
                count["retouched"] += 1
            assert shown(out).items() >= retouched.items(), "something was lost"
        assert starter.run(*resume) == bool(retouched)
        assert shown(out) == expected | retouched and len(expected) == len(NAMES)
    return count


def test_what_is_retouched_after_a_kill_is_kept(starter, command, tmp_path):
    count = kill_and_retouch(starter, command, tmp_path, 4)
    assert count["kills"] == 4 and 0 < count["retouched"] < 4


@pytest.mark.long
def test_what_is_retouched_after_any_of_200_kills_is_kept(starter, command, tmp_path, capsys):
    count = kill_and_retouch(starter, command, tmp_path, 200, seed=1)
    with capsys.disabled():
        print(dict(count))
    assert count["retouched"] > 50
