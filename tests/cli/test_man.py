"""The manual page has every verb and option, and is sound troff."""

import shutil
import subprocess

import pytest
import typer

from glmha_cli.cli.app import build_app
from glmha_cli.cli.man import page
from tests.cli.in_process import run_here


def commands_of(group, words=("glmha",)):
    for name, command in group.commands.items():
        yield (*words, name), command
        if hasattr(command, "commands"):
            yield from commands_of(command, (*words, name))


def test_every_verb_and_option_is_there():
    plain = page().replace(r"\-", "-")
    for words, command in commands_of(typer.main.get_command(build_app())):
        section = plain.partition(f'.SS "{" ".join(words)} ')[2].partition(".SS")[0]
        for parameter in command.params:
            for name in (*parameter.opts, *parameter.secondary_opts) if parameter.opts[0].startswith("-") else ():
                assert name in section, (words, name)
        assert "Examples:" in section, words


def test_the_verb_prints_it():
    result = run_here("man")
    assert result.returncode == 0 and result.stdout == page() and result.stdout.startswith(".TH GLMHA 1")


@pytest.mark.skipif(not shutil.which("groff"), reason="groff, which checks troff, is not installed")
def test_troff_finds_nothing_wrong():
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8"], input=page().encode(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\N{HORIZONTAL ELLIPSIS}" in done.stdout.decode()


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_finds_nothing_wrong():
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page().encode(), capture_output=True, check=False)
    assert done.stdout == b""
