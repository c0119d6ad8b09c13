"""Names of files cannot command the terminal: every verb shows them escaped, in lines, tables and bars."""

import json
import shutil

import pytest
from PIL import Image

from glmha_cli.cli.app import VERBS
from glmha_cli.cli.output import Output, printable
from glmha_cli.tasks import TASKS
from tests.cli.in_process import run_here
from tests.cli.test_progress import on_a_terminal

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\r\nx"
RAW = ("\x1b", "\x07", "\x9b", "\rx", "pwned\n")

# Arguments of every verb in which FILE stands for a file, and DIR for a folder, of such a name.
ARGUMENTS = {
    **{
        task: [("FILE.png", "out", *mask), ("in.png", "FILE.xyz", *mask), ("DIR", "out", "--dry-run", *mask)]
        for task, mask in {**dict.fromkeys(TASKS, ()), "sci": ("--mask", "FILE.mat")}.items()
    },
    "convert": [("FILE.npy", "out.mat"), ("FILE.xyz", "out.mat")],
    "preview": [("FILE.npy", "out.png")],
    "spectrum": [("FILE.npy", "--at", "0,0")],
    "models": [
        ("pull", "FILE"),
        ("pull", "derain-lite", "--to", "DIR"),
        ("show", "FILE.safetensors"),
        ("verify", "--weights-dir", "FILE"),
        ("verify", "derain-lite", "--weights-dir", "DIR"),
        ("path", "FILE"),
        ("import", "FILE.pth", "--task", "derain"),
        ("publish", "FILE", "--repo", "FILE"),
        ("list", "--FILE"),
    ],
    "info": [("FILE.safetensors",), ("copy/FILE.safetensors",), ("copy/FILE.safetensors", "--json"), ("FILE",)],
    "export": [("FILE.safetensors", "out.onnx"), ("derain-lite", "FILE.xyz")],
    "degrade": [("rain", "FILE.png", "out.png"), ("FILE", "in.png", "out.png"), ("rain", "in.png", "FILE/out.png")],
    "train": [("FILE.toml",), ("derain-lite", "--images", "FILE")],
    "eval": [("derain", "--pairs", "FILE"), ("FILE", "--pairs", "."), ("derain", "--pairs", "DIR")],
    "bench": [("FILE.safetensors",), ("FILE",)],
    "analyze": [("derain-lite", "FILE.png"), ("FILE", "in.png")],
    "compare": [("FILE.png", "in.png", "-o", "out.html"), ("in.png", "in.png", "-o", "FILE.xyz")],
    "record": [("summary", "FILE"), ("failed", "FILE"), ("merge", "FILE", "out.jsonl"), ("FILE",)],
    "doctor": [("FILE",)],
    "man": [("FILE",)],
    "view": [("FILE.npy", "-o", "out.html")],
    "enhance": [("FILE.safetensors", "out.safetensors", "--images", "DIR"), ("FILE.pth", "FILE.xyz")],
    "recipes": [("show", "FILE"), ("copy", "derain-lite", "FILE/x.toml")],
    "profile": [("FILE.safetensors",), ("derain-lite", "--attention", "FILE")],
}


@pytest.fixture
def folder(tmp_path, tiny_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16)).save("in.png")
    (tmp_path / HOSTILE).mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / HOSTILE / (HOSTILE + ".png"))
    (tmp_path / "copy").mkdir()
    shutil.copyfile(tiny_model, tmp_path / "copy" / f"{HOSTILE}.safetensors")
    return tmp_path


def test_every_verb_is_tried():
    assert ARGUMENTS.keys() == VERBS.keys() | TASKS.keys()


@pytest.mark.parametrize("verb", ARGUMENTS)
def test_no_control_character_of_a_name_is_shown(folder, verb):
    for arguments in ARGUMENTS[verb]:
        named = [argument.replace("FILE", HOSTILE).replace("DIR", HOSTILE) for argument in arguments]
        result = run_here(verb, *named)
        said = result.stdout + result.stderr
        assert not [sign for sign in RAW if sign in said], (arguments, said)
        assert "pwned" in said, f"{arguments}: the name is not in what is said, so this tries nothing: {said}"


def test_bars_show_names_escaped(folder, tiny_model):
    shown = on_a_terminal("derain", HOSTILE, "out", "--model", tiny_model)
    assert "pwned" in shown and "\x1b]0;" not in shown and "\x07" not in shown and "\x9b" not in shown


def test_json_has_the_name_itself(folder):
    result = run_here("info", f"copy/{HOSTILE}.safetensors", "--json")
    assert json.loads(result.stdout)["id"] == HOSTILE and "\x1b" not in result.stdout


def test_printable(capsys):
    assert printable("photo 雨.png") == "photo 雨.png"
    assert printable("a\x1b[31m\n\u202eb") == "a\\x1b[31m\\n\\u202eb"
    Output().line("a\x1bb")
    assert capsys.readouterr().out == "a\\x1bb\n"
