"""The workflows are valid YAML, pin what they run, take no more rights than they need, and run files that exist."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> list[dict]:
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def test_there_are_workflows():
    assert {path.stem for path in WORKFLOWS} == {"ci", "fuzz", "release"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_say_their_release(path):
    used = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_may_only_read_and_end(path):
    assert workflow(path)["permissions"] == {"contents": "read"}
    for name, job in workflow(path)["jobs"].items():
        assert job["timeout-minutes"] <= 90
        assert set(job.get("permissions", {})) <= ({"id-token"} if name == "publish" else set())


def test_every_promised_system_and_python_is_tested():
    matrix = workflow(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {label.split("-")[0] for label in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert any(label.endswith("-arm") for label in matrix["os"])


def test_make_targets_and_scripts_that_workflows_run_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step]
    targets = {target for command in commands for target in re.findall(r"make ([a-z -]+)", command)}
    for target in " ".join(targets).split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    scripts = [script for command in commands for script in re.findall(r"python (\S+\.py)", command)]
    assert scripts and all((ROOT / script).is_file() for script in scripts)


def test_the_local_hooks_are_the_makefile_s_targets():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {hook["entry"] for hook in local["hooks"]} == {"make lint", "make types", "make test"}
    assert re.search(r"^check: lint types test test-plugins$", makefile, re.MULTILINE)
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
