"""What the documents say can be typed: every command line parses, every file named is there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image

from glmha_cli.cli.app import build_app
from glmha_cli.cli.verbs import VERBS
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def commands_of(example: str) -> list[str]:
    """The commands of a line for a shell, without what redirects them."""
    parts = [re.split(r"\s[<>]\s", part)[0].strip() for part in example.split(" | ")]
    return [part for part in parts if part.startswith("glmha ")]


def commands_in(text: str) -> list[str]:
    """Lines of code blocks that call glmha; two to a line in the header of the README."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    parts = [part.strip() for line in lines for part in re.split(r"\s{3,}", line.split("#")[0])]
    return [command for part in parts for command in commands_of(part)]


EXAMPLES = [example for name in TASKS for example in resolve(TASKS, name, "task").examples]
EXAMPLES += [example for verb in VERBS.values() for each in (verb, *verb.verbs.values()) for example in each.examples]
COMMANDS = sorted(
    {command for path in DOCUMENTS for command in commands_in(path.read_text(encoding="utf-8"))}
    | {command for example in EXAMPLES for command in commands_of(example)}
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_parses(command):
    name, *arguments = shlex.split(command)[1:]
    verb = typer.main.get_command(build_app()).commands[name]
    if arguments and arguments[0] in getattr(verb, "commands", ()):
        name, *arguments = arguments
        verb = verb.commands[name]
    with verb.make_context(name, arguments) as context:
        assert context.params


def test_there_are_documented_commands():
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_exist(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("code", SNIPPETS)
def test_python_in_the_readme_runs(code, photo, tmp_path, monkeypatch):
    photo.rename(tmp_path / "in.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "out.png").stat().st_size > 100


def test_there_is_python_in_the_readme():
    assert SNIPPETS


def python_in(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_documented_python_runs(name, tmp_path):
    (tmp_path / "photos").mkdir()
    for path in ("in.png", "photos/a.png"):
        Image.new("RGB", (24, 16), (90, 120, 60)).save(tmp_path / path)
    blocks = python_in(ROOT / name)
    assert blocks
    run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path)
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (24, 16)


def test_headings_and_documents_that_code_cites_exist():
    cited = re.compile(r"((?:README|ARCHITECTURE|CONTRIBUTING|docs/[\w/-]+|benchmarks/README)\.md)(?:, \"([^\"]+)\")?")
    found = {match for path in (ROOT / "glmha_cli").rglob("*.py") for match in cited.findall(path.read_text("utf-8"))}
    assert found
    for document, heading in found:
        text = (ROOT / document).read_text(encoding="utf-8")
        assert not heading or re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE), (document, heading)


def test_the_site_builds_without_a_warning_and_has_every_command(tmp_path):
    run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path / "site"], cwd=ROOT)
    commands = (tmp_path / "site" / "commands.html").read_text(encoding="utf-8")
    for name in (*TASKS, *VERBS, *(f"models-{below}" for below in VERBS["models"].verbs)):
        assert f'id="glmha-{name}"' in commands, name


def run(command: list, *, cwd: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
