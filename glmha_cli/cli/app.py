"""The command line, built of the tables of tasks (`tasks`) and verbs (`cli.verbs`)."""

import io
import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from glmha_cli import __version__
from glmha_cli.cli.entry import Verb
from glmha_cli.cli.options import reconstructing, restoring
from glmha_cli.cli.verb import Group, add_group, add_verb, guarded
from glmha_cli.cli.verbs import VERBS
from glmha_cli.lookup import import_target, resolve
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task

RESTORE_OPTIONS = {
    ("photo", "photo"): restoring.PhotoToPhoto,
    ("photo", "cube"): reconstructing.PhotoToCube,
    ("measurement", "cube"): reconstructing.MeasurementToCube,
}


BATCH_EXAMPLES = {
    "photo": (
        "glmha {0} photos/ restored/ --recursive --record run.jsonl --resume",
        "glmha {0} 'photos/**/*.jpg' restored/ --suffix _{0} --dry-run",
        "find photos -type f -newer last.png -print0 | glmha {0} --files-from - --null photos restored",
        "glmha {0} - - --ext tif < in.png > out.tif",
    )
}
"""By kind of input."""


def examples_of(task: Task) -> tuple[str, ...]:
    return task.examples + tuple(example.format(task.name) for example in BATCH_EXAMPLES.get(task.input_kind, ()))


def build_app() -> typer.Typer:
    """The whole command line, as the tables say."""
    app = typer.Typer(
        name="glmha",
        cls=Group,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        help="Restore photos and reconstruct spectra with GLMHA networks.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(glmha)
    for name in TASKS:
        task = resolve(TASKS, name, "task")
        add_verb(
            app,
            name,
            RESTORE_OPTIONS[task.input_kind, task.output_kind],
            late("glmha_cli.cli.restore:restore", task),
            summary=task.summary,
            examples=examples_of(task),
            panel="Restore",
        )
    for name, verb in VERBS.items():
        add(app, name, verb, panel=verb.panel)
    return app


def add(app: typer.Typer, name: str, verb: Verb, *, panel: str) -> None:
    """The verb, and below it those that it has."""
    if not verb.verbs:
        add_verb(app, name, verb.options, late(verb.run), summary=verb.summary, examples=verb.examples, panel=panel)
        return
    group = add_group(
        app, name, verb.options, late(verb.run), summary=verb.summary, examples=verb.examples, panel=panel
    )
    for below, each in verb.verbs.items():
        add(group, below, each, panel="Commands")


def show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"glmha {__version__}")
        raise typer.Exit


def glmha(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """What `glmha` itself takes, before any verb."""


def late(target: str, *before: Any) -> Callable[[Any], int | None]:
    """A function that imports "module:function" when called, and calls it with `before` and its argument."""
    return lambda values: import_target(target)(*before, values)


def open_closed_streams() -> None:
    """In place of standard streams that whoever started us has closed: nothing to read, and what is said is lost."""
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for as long as the process lives


def drop_odd_sizes() -> None:
    """Of the terminal. Rich and Typer fail at a width that is no number, and show no sign where it is 0."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if name in os.environ and not re.fullmatch("0*[1-9][0-9]{0,3}", os.environ[name]):
            del os.environ[name]


def main() -> None:
    open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that its encoding lacks, as stderr does
    drop_odd_sizes()
    sys.exit(guarded(lambda app: app(), build_app(), debug="--debug" in sys.argv))  # Typer itself writes help
