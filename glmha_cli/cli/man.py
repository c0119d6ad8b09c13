"""`glmha man`: the manual page, made of what --help is made of, in the macros of man(7)."""

import sys
from collections.abc import Iterator
from typing import Any

import typer

from glmha_cli import __version__, errors
from glmha_cli.cli.options import NoOptions
from glmha_cli.cli.verb import EXAMPLES

DONE = {0: "All files are done.", 1: "Some of several files failed; the others are done."}
INTERRUPTED = {130: "Interrupted (Ctrl-C).", 141: "The reader of the output closed it.", 143: "Terminated."}


def man(options: NoOptions) -> None:
    sys.stdout.write(page())


def page() -> str:
    """The page as troff source."""
    from glmha_cli.cli.app import build_app

    return "\n".join(_page(typer.main.get_command(build_app()))) + "\n"


def _page(program: Any) -> Iterator[str]:
    context = typer.Context(program, info_name="glmha")
    yield f'.TH GLMHA 1 "" "glmha {__version__}" "User Commands"'
    yield from (".SH NAME", f"glmha \\- {_text(program.help)}")
    yield from (".SH SYNOPSIS", ".B glmha", ".I command", r"[\fIoptions\fR] [\fIarguments\fR]")
    yield ".SH COMMANDS"
    for words, command in _commands(program, ("glmha",)):
        yield from _command(words, command)
    yield from (".SH OPTIONS", *_parameters(program, context))
    yield from (".PP", "Every command has", r"\fB\-h, \-\-help\fR", "too.")
    yield from (".SH EXIT STATUS", *_exit_codes())


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command with its words, those below a verb after it."""
    for name, command in group.commands.items():
        yield (*words, name), command
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))


def _command(words: tuple[str, ...], command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=" ".join(words))
    summary, _, examples = (command.help or "").partition(EXAMPLES)
    yield f'.SS "{_text(" ".join((*words, *command.collect_usage_pieces(context))))}"'
    yield _text(summary)
    yield from _parameters(command, context)
    lines = [f"  {_text(line)}" for line in examples.split("\n\n") if line.strip()]
    yield from (".PP", "Examples:", ".EX", *lines, ".EE")


def _parameters(command: Any, context: typer.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        if parameter.name != "help" and (record := parameter.get_help_record(context)):
            name, text = record
            yield from (".TP", rf"\fB{_text(name)}\fR", _text(text))


def _exit_codes() -> Iterator[str]:
    kinds = (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.GlmhaError))
    codes = {each.exit_code: (each.__doc__ or "").partition("\n")[0] for each in kinds}
    for code, text in sorted((codes | DONE | INTERRUPTED).items()):
        yield from (".TP", str(code), _text(text))


def _text(text: str) -> str:
    """Words for troff: signs that it would take for its own escaped, on one line."""
    words = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
    words = "".join(sign if sign.isascii() else rf"\[u{ord(sign):04X}]" for sign in words)
    return rf"\&{words}" if words.startswith((".", "'")) else words
