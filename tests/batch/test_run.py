"""Batches that are really run: failures, records, resuming, standard streams."""

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch.kinds import INPUTS
from glmha_cli.batch.worker import Worker
from glmha_cli.inference.loader import Loader
from glmha_cli.io import supervised
from tests.cli.in_process import run_here
from tests.signalled import run_signalled


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Four small photos in in/."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for i, name in enumerate(["a.png", "b.jpg", "c.tif", "d.png"]):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)).save(f"in/{name}")
    return tmp_path


@pytest.fixture
def derain(tiny_model):
    return lambda *arguments: run_here("derain", *arguments, "--model", tiny_model)


def sha256(path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def lines(name="run.jsonl", *, status=None) -> list[dict]:
    read = [json.loads(line) for line in Path(name).read_text().splitlines()]
    return [line for line in read if status in (None, line["status"])]


def summary(result) -> str:
    return next(line for line in result.stderr.splitlines() if " done, " in line)


def damage(*names: str) -> None:
    for name in names:
        Path(name).write_bytes(Path(name).read_bytes()[:90])


# Failures


def test_a_bad_file_costs_only_itself_and_is_named_at_the_end(here, derain):
    damage("in/b.jpg")
    result = derain("in", "out")
    assert result.returncode == 1 and sorted(os.listdir("out")) == ["a.png", "c.tif", "d.png"]
    assert summary(result) == "3 done, 0 skipped, 1 failed"
    assert result.stderr.splitlines()[-1].startswith("  failed: 'in/b.jpg'") and result.stdout == ""


@pytest.mark.parametrize(
    ("flags", "done"),
    [
        (["--fail-fast"], ["a.png"]),
        (["--max-failures", "2"], ["a.png", "c.tif"]),
        (["--max-failures", "9"], ["a.png", "c.tif"]),
    ],
)
def test_stopping_at_failures(here, derain, flags, done):
    damage("in/b.jpg", "in/d.png")
    result = derain("in", "out", *flags, "--json")
    assert result.returncode == 1 and sorted(os.listdir("out")) == done
    outcomes = [json.loads(line)["input"] for line in result.stdout.splitlines()]
    assert outcomes == (
        ["in/a.png", "in/b.jpg"] if flags == ["--fail-fast"] else ["in/a.png", "in/b.jpg", "in/c.tif", "in/d.png"]
    )
    assert ("not tried" in summary(result)) == (flags == ["--fail-fast"])


def test_sub_folders_are_mirrored_when_they_are_needed(here, derain):
    Path("in/x/y").mkdir(parents=True)
    Path("in/d.png").rename("in/x/y/line\nbreak.png")
    assert derain("in", "out", "--recursive", "--suffix", "_clean", "--ext", "webp").returncode == 0
    made = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file())
    assert made == ["a_clean.webp", "b_clean.webp", "c_clean.webp", "x/y/line\nbreak_clean.webp"]


def test_decoders_that_crash_or_never_end_cost_their_files_alone(here, derain, monkeypatch):
    monkeypatch.setitem(INPUTS, "photo", "tests.batch.crashing:CRASHING")
    monkeypatch.setattr(supervised, "SECONDS", 5)
    for done, skipped in ((2, 0), (0, 2)):
        result = derain("in", "out", "--record", "run.jsonl", "--resume")
        assert result.returncode == 1 and sorted(os.listdir("out")) == ["a.png", "d.png"]
        assert summary(result) == f"{done} done, {skipped} skipped, 2 failed"
        assert "'in/b.jpg' is damaged: its decoder crashed" in result.stderr
        assert "'in/c.tif' is damaged: reading it takes over 5 s" in result.stderr


def test_where_there_are_no_threads_left_a_batch_does_without(here, derain, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    damage("in/b.jpg")
    result = derain("in", "out")
    assert result.returncode == 1 and sorted(os.listdir("out")) == ["a.png", "c.tif", "d.png"]


# Record


def test_the_record_tells_what_was_made_of_what_and_how(here, derain, tiny_model):
    damage("in/b.jpg")
    assert derain("in", "out", "--record", "run.jsonl", "--quality", 80).returncode == 1
    assert [line["status"] for line in lines()] == ["writing", "ok", "failed", "writing", "ok", "writing", "ok"]
    for line in lines(status="ok"):
        assert line["sha256"] == sha256(line["output"]) and line["input_sha256"] == sha256(line["input"])
        assert line["input_bytes"] == Path(line["input"]).stat().st_size
        assert line["input_mtime_ns"] == Path(line["input"]).stat().st_mtime_ns
        assert line["model"] == "tiny" and line["weights_sha256"] == sha256(tiny_model) and line["tile"] == "256-288/32"
        assert line["seconds"] > 0 and line["time"].endswith("+00:00") and line["settings"]["quality"] == 80
    (failed,) = lines(status="failed")
    assert failed["input"] == str(here / "in/b.jpg") and "b.jpg" in failed["reason"]


def test_json_lines_are_those_of_the_record(here, derain):
    """But for the paths: there as they were given, here absolute."""
    result = derain("in", "out", "--record", "run.jsonl", "--json")
    recorded = [
        {name: value for name, value in line.items() if name not in ("time", "settings")} for line in lines(status="ok")
    ]
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [
        {**line, "input": str(here / line["input"]), "output": str(here / line["output"])} for line in said
    ] == recorded


@pytest.mark.parametrize("name", ["in/a.png", "in", "no/such/run.jsonl"])
def test_what_is_no_record_is_never_written_to(here, derain, name):
    before = sha256("in/a.png")
    for flags in ([], ["--resume"]):
        result = derain("in", "out", "--record", name, *flags)
        assert result.returncode in (65, 73) and sha256("in/a.png") == before
        assert len(result.stderr.strip().splitlines()) <= 1 + flags.count("--resume"), result.stderr


@pytest.mark.parametrize(("record", "flags"), [("out/a.png", []), ("out.tif", []), ("r.html", ["--report", "r.html"])])
def test_no_output_takes_the_place_of_the_record(here, derain, record, flags):
    result = derain("in", "out", "--record", record, "--overwrite", *flags)
    assert result.returncode == 2 and record in result.stderr and not Path("out").exists(), result.stderr


# Resuming


def resume(derain, *arguments, code=0):
    result = derain("in", "out", "--record", "run.jsonl", "--resume", *arguments)
    assert result.returncode == code, result.stderr
    return summary(result)


def test_what_is_done_is_skipped_and_no_network_is_loaded_for_nothing(here, derain, monkeypatch):
    assert resume(derain) == "4 done, 0 skipped, 0 failed"
    monkeypatch.setattr(Loader, "load", None)
    made = {name: (sha256(f"out/{name}"), os.stat(f"out/{name}").st_mtime_ns) for name in os.listdir("out")}
    assert resume(derain) == "0 done, 4 skipped, 0 failed"
    assert made == {name: (sha256(f"out/{name}"), os.stat(f"out/{name}").st_mtime_ns) for name in os.listdir("out")}
    result = derain("in", "out", "--record", "run.jsonl", "--resume", "--dry-run", "--json")
    assert {json.loads(line)["status"] for line in result.stdout.splitlines()} == {"skipped"}


def change_input(here):
    Image.new("RGB", (30, 20), (9, 9, 9)).save("in/a.png")


def lose_output(here, name="a.png"):
    Path("out", name).unlink()


def tear_line(here):
    """As a crash leaves it: the output is there, its line is not whole."""
    content = Path("run.jsonl").read_text().splitlines(keepends=True)
    first = [line for line in content if 'in/a.png"' in line]
    others = [line for line in content if 'in/a.png"' not in line]
    Path("run.jsonl").write_text("".join([*others, first[0], first[1][:40]]))


def fail_before(here):
    content = [line for line in Path("run.jsonl").read_text().splitlines(keepends=True) if 'in/a.png"' not in line]
    Path("run.jsonl").write_text("".join(content))
    Path("out/a.png").unlink()


@pytest.mark.parametrize("change", [change_input, lose_output, tear_line, fail_before])
def test_only_what_is_not_proven_is_done_again(here, derain, change):
    resume(derain)
    change(here)
    assert resume(derain) == "1 done, 3 skipped, 0 failed"
    assert resume(derain) == "0 done, 4 skipped, 0 failed"


def test_a_copy_of_the_inputs_with_another_time_is_still_the_same_input(here, derain):
    resume(derain)
    os.utime("in/a.png", ns=(1, 1))
    assert resume(derain) == "0 done, 4 skipped, 0 failed"


def test_other_flags_or_weights_do_all_again(here, derain, tiny_model):
    resume(derain)
    assert resume(derain, "--quality", 50) == "4 done, 0 skipped, 0 failed"
    assert resume(derain, "--quality", 50, "--overlap", 16) == "4 done, 0 skipped, 0 failed"
    assert resume(derain, "--quality", 50) == "4 done, 0 skipped, 0 failed"
    assert resume(derain, "--quality", 50, "--max-failures", 3, "--max-pixels", 10**6) == "0 done, 4 skipped, 0 failed"
    before = {name: sha256(f"out/{name}") for name in os.listdir("out")}
    other = here / "tiny.safetensors"
    from safetensors.torch import load_file, save_file

    from glmha_cli.weights.about import KEY, read_about

    tensors = {name: tensor * 1.01 for name, tensor in load_file(tiny_model).items()}
    save_file(tensors, other, metadata={"format": "pt", KEY: json.dumps(read_about(tiny_model))})
    result = run_here("derain", "in", "out", "--record", "run.jsonl", "--resume", "--quality", 50, "--model", other)
    assert summary(result) == "4 done, 0 skipped, 0 failed"
    assert all(before[name] != sha256(f"out/{name}") for name in before)


def test_an_output_that_is_not_the_records_is_kept_and_blocks_no_other(here, derain):
    resume(derain)
    Path("out/a.png").write_bytes(b"retouched by hand")
    lose_output(here, "b.jpg")
    for done, skipped in ((1, 2), (0, 3)):
        result = derain("in", "out", "--record", "run.jsonl", "--resume")
        assert result.returncode == 1 and summary(result) == f"{done} done, {skipped} skipped, 1 failed"
        assert "'out/a.png' exists already" in result.stderr
        assert Path("out/a.png").read_bytes() == b"retouched by hand"
    assert derain("in/a.png", "out/a.png", "--record", "run.jsonl", "--resume").returncode == 73
    assert resume(derain, "--overwrite") == "1 done, 3 skipped, 0 failed"


@pytest.mark.parametrize("retouched", [False, True])
def test_killed_between_the_move_and_its_line_a_file_is_ours_until_someone_changes_it(here, derain, retouched):
    resume(derain)
    content = Path("run.jsonl").read_text().splitlines(keepends=True)
    assert lines()[-1]["status"] == "ok" and lines()[-2]["sha256"] == sha256("out/d.png")
    Path("run.jsonl").write_text("".join(content[:-1]))
    if retouched:
        Path("out/d.png").write_bytes(b"retouched by hand")
        assert resume(derain, code=1) == "0 done, 3 skipped, 1 failed"
        assert Path("out/d.png").read_bytes() == b"retouched by hand"
    else:
        assert resume(derain) == "1 done, 3 skipped, 0 failed"


def test_what_is_changed_while_a_run_is_under_way_is_kept(here, derain, monkeypatch):
    resume(derain)
    before = Worker.look

    def retouch(worker, job, hashes, temporary, path):
        path.write_bytes(b"retouched by hand")
        before(worker, job, hashes, temporary, path)

    monkeypatch.setattr(Worker, "look", retouch)
    assert resume(derain, "--quality", 50, code=1) == "0 done, 0 skipped, 4 failed"
    assert all(path.read_bytes() == b"retouched by hand" for path in Path("out").iterdir())


def test_failed_files_are_tried_again(here, derain):
    whole = Path("in/b.jpg").read_bytes()
    damage("in/b.jpg")
    assert resume(derain, code=1) == "3 done, 0 skipped, 1 failed"
    Path("in/b.jpg").write_bytes(whole)
    assert resume(derain) == "1 done, 3 skipped, 0 failed"


def test_an_input_that_breaks_does_not_disown_what_was_made_of_it(here, derain):
    resume(derain)
    whole, made = Path("in/b.jpg").read_bytes(), sha256("out/b.jpg")
    damage("in/b.jpg")
    for _ in range(2):
        assert resume(derain, code=1) == "0 done, 3 skipped, 1 failed"
    assert sha256("out/b.jpg") == made
    Path("in/b.jpg").write_bytes(whole)
    assert resume(derain) == "0 done, 4 skipped, 0 failed"


def test_one_file_resumes_too(here, derain):
    for said in ("s)", "is done already"):
        result = derain("in/a.png", "a.png", "--record", "run.jsonl", "--resume")
        assert result.returncode == 0 and result.stderr.strip().endswith(said) and len(result.stderr.splitlines()) == 1


def test_a_record_holds_wherever_the_command_is_typed(here, derain, monkeypatch):
    resume(derain)
    Path("elsewhere/out").mkdir(parents=True)
    Path("elsewhere/out/a.png").write_bytes(b"someone else's")
    monkeypatch.chdir("elsewhere")
    result = derain("../in", "../out", "--record", "../run.jsonl", "--resume")
    assert summary(result) == "0 done, 4 skipped, 0 failed"
    result = derain("../in", "out", "--record", "../run.jsonl", "--resume")
    assert result.returncode == 1 and Path("out/a.png").read_bytes() == b"someone else's"


def test_results_beside_their_inputs_are_not_restored_once_more(here, derain):
    for name in ("a.png", "c.tif", "d.png"):
        Path(f"in/{name}").unlink()
    again = ("in", "in", "--ext", "png", "--record", "run.jsonl", "--resume")
    for expected in ("1 done, 0 skipped, 0 failed", "0 done, 1 skipped, 0 failed"):
        assert summary(derain(*again)) == expected
    made = sha256("in/b.png")
    result = derain("in", "in", "--ext", "png", "--overwrite")
    assert result.returncode == 2 and sha256("in/b.png") == made, "it may be a photo of its own"


def test_what_a_batch_has_done_is_on_record_though_nobody_reads_its_output(here, tiny_model):
    command = [
        sys.executable,
        "-m",
        "glmha_cli",
        "derain",
        "in",
        "out",
        "--json",
        "--record",
        "run.jsonl",
        "--model",
        tiny_model,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(timeout=120) == 141, process.stderr.read()
    process.stderr.close()
    assert [line["status"] for line in lines()][:2] == ["writing", "ok"]
    assert len(lines(status="ok")) == len(os.listdir("out")) < 4


def test_an_input_that_cannot_be_opened_is_one_with_and_without_a_record(here, derain):
    closed = Path("in/a.png")
    closed.unlink()
    closed.symlink_to("/proc/1/mem")  # closed even to root
    for flags in ([], ["--record", "run.jsonl"]):
        assert derain("in/a.png", "out.png", *flags).returncode == 66


def test_resuming_needs_a_record(here, derain):
    result = derain("in", "out", "--resume")
    assert result.returncode == 2 and "--record" in result.stderr


def test_shards_with_one_record_make_the_whole(here, derain):
    for part in ("1/2", "2/2"):
        assert derain("in", "out", "--shard", part, "--record", "run.jsonl").returncode == 0
    assert len(os.listdir("out")) == 4 and len(lines(status="ok")) == 4
    assert resume(derain) == "0 done, 4 skipped, 0 failed"


# Standard streams


def test_a_stdout_without_room_is_an_error_of_output(here, tiny_model):
    command = [sys.executable, "-m", "glmha_cli", "derain", "in/a.png", "-", "--ext", "png", "--model", tiny_model]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 74 and "stdout could not be written" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def piped(monkeypatch, derain):
    """The command with bytes for stdin; returns the result and the bytes of stdout."""

    def run(content: bytes, *arguments):
        out = io.TextIOWrapper(io.BytesIO())
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
            patch.setattr(contextlib, "redirect_stdout", lambda text: redirect_stdout(out))  # text takes no bytes
            result = derain(*arguments)
        return result, out.buffer.getvalue()

    return run


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.tif"])
def test_through_a_pipe_come_the_bytes_of_the_file(here, derain, piped, name):
    assert derain(f"in/{name}", f"plain{Path(name).suffix}").returncode == 0
    expected = Path(f"plain{Path(name).suffix}").read_bytes()
    content = Path(f"in/{name}").read_bytes()
    for given, arguments in ((content, ["-", "-"]), (b"", [f"in/{name}", "-"])):
        result, sent = piped(given, *arguments)
        assert result.returncode == 0 and sent == expected, result.stderr
    result, sent = piped(content, "-", "made.png")
    assert result.returncode == 0 and sent == b"" and Image.open("made.png").format == "PNG"
    assert "stdin -> made.png" in result.stderr and "/tmp" not in result.stderr
    _, sent = piped(content, "-", "made.png", "--json", "--overwrite")
    assert json.loads(sent)["input"] == "stdin" and json.loads(sent)["output"] == "made.png"


def test_the_extension_says_the_format_of_stdout(here, piped):
    _, sent = piped(Path("in/a.png").read_bytes(), "-", "-", "--ext", "jpg")
    assert sent.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("content", "arguments", "code", "said"),
    [
        (b"", ["-", "-"], 65, "stdin is empty"),
        (b"hello", ["-", "-"], 65, "not a photo"),
        (b"\x89PNG\r\n\x1a\n broken", ["-", "-"], 65, "stdin"),
        (b"", ["in/a.png", "-", "--json"], 2, "--json"),
        (b"", ["-", "in"], 2, "no name"),
        (b"", ["in", "-"], 2, "single photo"),
        (b"", ["-", "-", "--record", "run.jsonl"], 2, "--record"),
    ],
)
def test_what_does_not_go_through_a_pipe(here, piped, content, arguments, code, said):
    result, sent = piped(content, *arguments)
    assert (result.returncode, sent) == (code, b"") and said in result.stderr
    assert "glmha-" not in result.stderr and not list(here.glob("*.png"))


def test_a_pair_of_files_does_not_go_through_a_pipe(here):
    for extension in ("hdr", "img"):
        result = run_here("rgb2hsi", "in/a.png", "-", "--ext", extension)
        assert result.returncode == 2 and "two files" in result.stderr


# Interrupts


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_batch_leaves_whole_files_and_resumes(here, derain, tiny_model, number, code):
    for i in range(40):
        Image.new("RGB", (30, 20)).save(f"in/{i:02}.png")
    done = run_signalled(number, 4, "derain", "in", "out", "--model", tiny_model, "--record", "run.jsonl")
    assert done.returncode == code and "Traceback" not in done.stderr and "not tried" in done.stderr, done.stderr
    made = sorted(os.listdir("out"))
    assert made == sorted(Path(line["output"]).name for line in lines(status="ok")) and 3 <= len(made) < 44
    assert resume(derain) == f"{44 - len(made)} done, {len(made)} skipped, 0 failed"


# From Python


def test_a_batch_runs_from_python_without_the_command_line(here, tiny_model):
    code = f"""
import sys
from pathlib import Path
from glmha_cli.batch import BatchRequest, Reporter, run
from glmha_cli.batch.kinds import INPUTS
from glmha_cli.batch.worker import Worker
from glmha_cli.inference.loader import Loader
from glmha_cli.io import supervised
from glmha_cli.tasks.derain import DERAIN

class Told(Reporter):
    tiles_done, names = 0, []
    def tiles(self, job, done, total):
        self.tiles_done += 1
    def settled(self, outcome):
        self.names.append((outcome.job.source.name, outcome.status))

told = Told()
request = BatchRequest(inputs=["in"], output="out", record=Path("run.jsonl"))
summary = run(request, Loader(task=DERAIN, model={str(tiny_model)!r}), told)
assert told.names == [("a.png", "ok"), ("b.jpg", "failed"), ("c.tif", "ok"), ("d.png", "ok")] and told.tiles_done >= 6
assert (summary.done, summary.not_tried) == (3, 0) and "b.jpg" in summary.failures[0].error.message
loaded = {{"typer", "rich"}} & sys.modules.keys()
assert not loaded, loaded
"""
    damage("in/b.jpg")
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == result.stderr == "" and len(lines(status="ok")) == 3
