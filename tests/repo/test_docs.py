"""What the documents say can be typed: every command line parses, every file named is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from glmha_cli.cli.app import build_app
from glmha_cli.cli.verbs import VERBS
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands_in(text: str) -> list[str]:
    """Lines of code blocks that call glmha; two to a line in the header of the README."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    parts = [part.strip() for line in lines for part in re.split(r"\s{3,}", line.split("#")[0])]
    return [part for part in parts if part.startswith("glmha ")]


EXAMPLES = [example for name in TASKS for example in resolve(TASKS, name, "task").examples]
EXAMPLES += [example for verb in VERBS.values() for each in (verb, *verb.verbs.values()) for example in each.examples]
COMMANDS = sorted(
    {command for path in DOCUMENTS for command in commands_in(path.read_text(encoding="utf-8"))} | set(EXAMPLES)
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
