"""The command line: verbs by table, each imported only when it is used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from glmha_cli import __version__
from glmha_cli.cli import options
from glmha_cli.cli.verb import add_verb
from glmha_cli.lookup import import_target, resolve
from glmha_cli.tasks import TASKS


@dataclass(frozen=True, kw_only=True)
class Verb:
    """run: "module:function" of the options, imported when the verb is used."""

    run: str
    options: type
    summary: str
    examples: tuple[str, ...]


VERBS = {
    "models": Verb(run="glmha_cli.cli.models:models", options=options.ReportOptions,
                   summary="List the models: id, task, size, source, status.", examples=("glmha models",)),
    "info": Verb(run="glmha_cli.cli.info:info", options=options.InfoOptions,
                 summary="Show a model: network, costs, training, licence, measured quality.",
                 examples=("glmha info derain-lite", "glmha info my.safetensors --json")),
    "train": Verb(run="glmha_cli.cli.train:train_verb", options=options.TrainOptions,
                  summary="Train a model from a recipe on a folder of clean photos.",
                  examples=("glmha train derain-lite --images photos/ --max-minutes 60",
                            "glmha train derain-lite --images photos/ --resume")),
}

RESTORE_OPTIONS = {
    ("photo", "photo"): options.PhotoToPhoto,
    ("photo", "cube"): options.PhotoToCube,
    ("measurement", "cube"): options.MeasurementToCube,
}


def build_app() -> typer.Typer:
    """The whole command line, as the tables say."""
    app = typer.Typer(
        name="glmha", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
        help="Restore photos and reconstruct spectra with GLMHA networks.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(glmha)
    for name in TASKS:
        task = resolve(TASKS, name, "task")
        add_verb(app, name, RESTORE_OPTIONS[task.input_kind, task.output_kind], late("glmha_cli.cli.restore:restore", task),
                 summary=task.summary, examples=task.examples, panel="Restore")
    for name, verb in VERBS.items():
        add_verb(app, name, verb.options, late(verb.run), summary=verb.summary, examples=verb.examples, panel="Models")
    return app


def show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"glmha {__version__}")
        raise typer.Exit


def glmha(version: Annotated[bool, typer.Option(
    "--version", help="Show the version and exit.", is_eager=True, callback=show_version)] = False) -> None:
    """What `glmha` itself takes, before any verb."""


def late(target: str, *before: Any) -> Callable[[Any], int | None]:
    """A function that imports "module:function" when called, and calls it with `before` and its argument."""
    return lambda values: import_target(target)(*before, values)


def main() -> None:
    build_app()()
