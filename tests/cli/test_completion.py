"""What shells complete, by Typer's protocol; and `glmha doctor`."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from glmha_cli.cli.doctor import EXTRAS
from tests.cli.in_process import run_here

PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'glmha'; from glmha_cli.cli.app import main; main()"]


def completed(words: str, shell: str = "bash") -> set[str]:
    """What is offered for the last of the words, which may be empty."""
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_GLMHA_COMPLETE": f"complete_{shell}"}
    environment |= {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_WORD_TO_COMPLETE": words.rpartition(" ")[2]}
    environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(PROGRAM, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.stderr == ""
    return set(done.stdout.replace("\t", "\n").replace(":::", "\n").split("\n"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_models_complete_in_every_shell(shell):
    found = " ".join(completed("glmha derain --model derain-l", shell))
    assert "derain-lite" in found and "deblur-lite" not in found


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("glmha info deb", "deblur-lite"),
        ("glmha models pull sci", "sci-unfolding"),
        ("glmha recipes show rgb", "rgb2hsi-lite"),
        ("glmha train der", "derain-lite"),
        ("glmha derain --ext .t", ".tiff"),
        ("glmha der", "derain"),
    ],
)
def test_names_complete(words, wanted):
    assert wanted in completed(words)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_by_the_script_that_typer_writes(tmp_path):
    program = tmp_path / "glmha"
    program.write_text(f"#!{sys.executable}\nfrom glmha_cli.cli.app import main\nmain()\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "_GLMHA_COMPLETE": "source_bash"}
    source = subprocess.run([program], capture_output=True, text=True, env=environment, check=True).stdout
    environment.pop("_GLMHA_COMPLETE")
    typed = 'COMP_WORDS=(glmha derain --model derain-l); COMP_CWORD=3; _glmha_completion glmha; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", f"{source}\n{typed}"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.split() == ["derain-lite"], done


def test_doctor_tells_what_is_there_and_what_to_install(monkeypatch):
    result = run_here("doctor", "--json")
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["packages"]["numpy"] and facts["output folder"] == "ok" and facts["devices"].startswith("cpu")
    assert "HEIC photos" in run_here("doctor").stdout
    monkeypatch.setitem(EXTRAS, "magic", ("no_such_module", "x"))
    assert "[x]" in json.loads(run_here("doctor", "--json").stdout)["optional"]["magic"]


def test_flags_are_shown_without_a_value():
    assert "<bool>" not in run_here("derain", "--help").stdout
    version = next(line for line in run_here("--help").stdout.splitlines() if "--version" in line)
    assert "<bool>" not in version


def test_doctor_fails_where_nothing_can_be_written(monkeypatch):
    monkeypatch.setattr("glmha_cli.cli.doctor.writable", lambda folder: f"'{folder}' cannot be written to")
    assert run_here("doctor").returncode == 1


def test_doctor_bears_a_system_without_a_folder_for_temporary_files(monkeypatch):
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)
    monkeypatch.setattr("tempfile.tempdir", None)
    result = run_here("doctor", "--json")
    assert result.returncode == 1 and "No usable" in json.loads(result.stdout)["temporary folder"]
