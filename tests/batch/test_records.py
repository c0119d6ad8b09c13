"""`glmha record`: sums, what is left to do, merging by proof, tables; a million lines."""

import hashlib
import json
import os
import subprocess
import sys
import time
from itertools import count

import pytest
from PIL import Image

from glmha_cli.batch import records
from glmha_cli.batch.record import read_record
from glmha_cli.errors import BadDataError, NoInputError
from tests.cli.in_process import run_here

MOMENT = count()


def line(name, status, **more):
    moment = f"2026-11-29T10:00:{next(MOMENT) / 1000:09.6f}+00:00"
    return {"time": moment, "input": f"/in/{name}.jpg", "output": f"/out/{name}.png", "status": status, **more}


def write(path, *lines, torn=b""):
    path.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in lines) + torn)
    return path


@pytest.fixture
def record(tmp_path):
    return write(
        tmp_path / "run.jsonl",
        line("a", "writing"),
        line("a", "ok", seconds=1.5),
        line("b", "failed", seconds=0.5, reason="/in/b.jpg: is damaged"),
        line("c", "failed", reason="/in/c.jpg: is damaged"),
        line("d", "failed", reason="no room"),
        line("d", "ok"),
        line("e\nf", "writing"),
        torn=b'{"time": "2026-11-29T11',
    )


def test_the_last_word_on_each_output_counts(record):
    totals = records.totals([record]).plain()
    assert (totals["files"], totals["ok"], totals["failed"], totals["unfinished"]) == (5, 2, 2, 1)
    assert totals["reasons"] == {"…: is damaged": 2} and totals["seconds"] == 2.0
    result = run_here("record", "summary", str(record))
    assert result.returncode == 0 and "5 files: 2 done, 2 failed, 1 unfinished" in result.stdout
    assert json.loads(run_here("record", "summary", str(record), "--json").stdout) == totals


def test_what_failed_is_what_files_from_takes(tmp_path):
    """A batch of two with one damaged file; mended, the list from its record is all that the next run needs."""
    (tmp_path / "in").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "out").mkdir()

    def glmha(*arguments, **more):
        command = [sys.executable, "-m", "glmha_cli", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, **more)

    assert glmha("derain", "in", "out", "--record", "run.jsonl", "-q").returncode == 1
    listed = glmha("record", "failed", "run.jsonl", "--null").stdout
    assert listed == str(tmp_path / "in" / "bad.png").encode() + b"\0"
    Image.new("RGB", (16, 16)).save(tmp_path / "in" / "bad.png")
    again = glmha("derain", "--files-from", "-", "--null", "out", "--record", "run.jsonl", input=listed)
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bad.png", "good.png"]
    assert glmha("record", "failed", "run.jsonl").stdout == b""


def test_names_that_end_lines_need_null(record):
    refused = run_here("record", "failed", str(record))
    assert refused.returncode == 2 and "--null" in refused.stderr
    command = [sys.executable, "-m", "glmha_cli", "record", "failed", str(record), "-0"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    assert listed.split(b"\0") == [b"/in/b.jpg", b"/in/c.jpg", b"/in/e\nf.jpg", b""]


def test_merging_shards_keeps_every_line_in_the_order_of_time(tmp_path):
    lines = [line(name, status) for name in "abcd" for status in ("writing", "ok")]
    shards = [write(tmp_path / f"{i}.jsonl", *lines[i::2]) for i in range(2)]
    result = run_here("record", "merge", *map(str, shards), str(tmp_path / "all.jsonl"))
    assert result.returncode == 0
    assert [json.loads(text) for text in (tmp_path / "all.jsonl").read_text().splitlines()] == lines
    assert read_record(tmp_path / "all.jsonl").keys() == {f"/out/{name}.png" for name in "abcd"}
    again = run_here("record", "merge", *map(str, shards), str(shards[0]), str(tmp_path / "twice.jsonl"))
    assert again.returncode == 0 and (tmp_path / "twice.jsonl").read_bytes() == (tmp_path / "all.jsonl").read_bytes()


def test_of_two_runs_that_made_one_output_the_file_decides(tmp_path):
    (tmp_path / "o.png").write_bytes(b"by the first")
    hashes = [hashlib.sha256(content).hexdigest() for content in (b"by the first", b"by the second")]
    made = [line("a", "ok") | {"output": str(tmp_path / "o.png"), "sha256": sha256} for sha256 in hashes]
    runs = [write(tmp_path / f"{i}.jsonl", each) for i, each in enumerate(made)]
    assert list(records.merged(runs)) == made[:1]
    (tmp_path / "o.png").write_bytes(b"by hand")
    assert list(records.merged(runs)) == made, "neither is proven"


def test_a_table(record, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    result = run_here("record", "to-parquet", str(record), str(tmp_path / "run.parquet"), "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["lines"] == 7
    rows = parquet.read_table(tmp_path / "run.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["writing", "ok", "failed", "failed", "failed", "ok", "writing"]
    assert rows[1]["seconds"] == 1.5 and rows[2]["reason"] == "/in/b.jpg: is damaged"


def test_a_table_leaves_what_its_columns_cannot_hold_to_the_details(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    name = "/in/\udcff.jpg"  # a name that is no UTF-8
    rows = [line("a", "ok") | {"input": name}, line("b", "ok", seconds=10**400, input_bytes=2**70), line("c", 5)]
    path = write(tmp_path / "run.jsonl", *rows)
    assert run_here("record", "to-parquet", path, tmp_path / "run.parquet").returncode == 0
    table = parquet.read_table(tmp_path / "run.parquet").to_pylist()
    assert [row["output"] for row in table] == ["/out/a.png", "/out/b.png", "/out/c.png"]
    assert [json.loads(row["details"]) for row in table] == [
        {"input": name},
        {"seconds": 10**400, "input_bytes": 2**70},
        {"status": 5},
    ]


@pytest.mark.parametrize("options", [{"separators": (",", ":")}, {"sort_keys": True}])
def test_a_record_that_a_tool_for_json_wrote_anew_is_one(record, tmp_path, options):
    """`jq -c` leaves no blanks, `jq -S` sorts."""
    lines = [json.loads(text) for text in record.read_text().splitlines()[:-1]]
    anew = tmp_path / "anew.jsonl"
    anew.write_text("".join(json.dumps(each, **options) + "\n" for each in lines))
    assert records.totals([anew]) == records.totals([record])
    assert read_record(anew) == read_record(record)
    for other in ("{}", '{"output": "a"}', "[]", '{"level":"info","time":"2026"}', "", "{", '{"'):
        anew.write_text(other + "\n")
        with pytest.raises(BadDataError, match="not a record"):
            read_record(anew)


def test_what_is_no_record_and_what_would_be_lost(record, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("hello")
    with pytest.raises(BadDataError, match="not a record"):
        list(records.lines_of(other))
    with pytest.raises(NoInputError):
        list(records.lines_of(tmp_path / "none.jsonl"))
    before = record.read_bytes()
    assert run_here("record", "merge", str(record), str(record), "--overwrite").returncode == 2
    assert run_here("record", "merge", str(record), str(other)).returncode == 73
    assert record.read_bytes() == before and other.read_text() == "hello"
    alone = run_here("record")
    assert alone.returncode == 2 and "glmha record summary" in alone.stderr


HOSTILE = {
    "nested": b'{"time": "2026-11-30", "output": ' + b"[" * 100_000,
    "no bytes": json.dumps({"time": "2026-11-30", "input": "/in/\ud800", "output": "/out/\ud800", "status": "failed"}),
    "zero": json.dumps({"time": "2026-11-30", "output": "/out/a\0b", "status": "ok", "sha256": "a"}),
    "another zero": json.dumps({"time": "2026-11-30", "output": "/out/a\0b", "status": "ok", "sha256": "b"}),
    "endless": b'{"time": "2026-11-30", "output": "/out/e", "status": "ok", "seconds": 1e999}',
}


def test_lines_that_no_run_writes_do_no_harm(tmp_path):
    paths = [tmp_path / f"{name}.jsonl" for name in HOSTILE]
    for path, text in zip(paths, HOSTILE.values(), strict=True):
        path.write_bytes((text.encode() if isinstance(text, str) else text) + b"\n")
    summed = json.loads(run_here("record", "summary", *paths, "--json").stdout)
    assert (summed["files"], summed["ok"], summed["seconds"]) == (1, 1, 0.0)
    assert list(records.to_do(paths)) == []
    assert run_here("record", "merge", *paths, tmp_path / "all.jsonl").returncode == 0
    assert list(read_record(paths[0])) == []


@pytest.mark.long
def test_a_million_lines_in_seconds(tmp_path):
    path = tmp_path / "run.jsonl"
    with path.open("w") as file:
        for i in range(1_000_000):
            file.write(json.dumps(line(f"folder/{i:07d}", "ok", seconds=0.1, sha256=f"{i:064x}")) + "\n")
    start = time.process_time()
    assert records.totals([path]).counts["ok"] == 1_000_000
    assert time.process_time() - start < 60


def test_a_record_is_a_file(tmp_path):
    """A pipe would wait for whoever writes into it."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    restoring = ("derain", tmp_path / "a.png", tmp_path / "b.png", "--resume", "--record")
    for arguments in (("record", "summary"), restoring):
        result = run_here(*arguments, tmp_path / "pipe.jsonl")
        assert result.returncode in (66, 73) and "device, not a file" in result.stderr
