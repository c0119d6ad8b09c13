"""A verb is a frozen dataclass of options and a function of it; this turns the two into a Typer command."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Annotated, Any, get_type_hints

import typer

from glmha_cli.cli.output import Output
from glmha_cli.errors import GlmhaError

DEBUG = inspect.Parameter(
    "debug", inspect.Parameter.KEYWORD_ONLY, default=False,
    annotation=Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")],
)


def add_verb(app: typer.Typer, name: str, options_type: type, run: Callable[[Any], int | None], *, summary: str,
             examples: tuple[str, ...], panel: str) -> None:
    """Register `run(options)` as the command `name`; it returns an exit code, None for 0.

    The options are the dataclass's fields (types annotated with typer.Argument or typer.Option), so options
    that several verbs share are written once, in a base class.
    """

    def command(*, debug: bool, **values: Any) -> None:
        raise typer.Exit(guarded(run, options_type(**values), debug=debug))

    parameters = [*_parameters(options_type), DEBUG]
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shown = "\n\n".join(f"    {example}" for example in examples)
    text = f"{summary}\n\n[bold]Examples[/]\n\n{shown}"
    app.command(name, help=text, short_help=summary, rich_help_panel=panel)(command)


def _parameters(options_type: type) -> list[inspect.Parameter]:
    hints = get_type_hints(options_type, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(field.name, keyword, annotation=hints[field.name],
                              default=inspect.Parameter.empty if field.default is MISSING else field.default)
            for field in fields(options_type)]


def guarded(run: Callable[[Any], int | None], options: Any, *, debug: bool) -> int:
    """The exit code of `run`; a GlmhaError becomes one line on stderr and its code."""
    try:
        return run(options) or 0
    except GlmhaError as error:
        if debug:
            raise
        Output().error(error)
        return error.exit_code
    except BrokenPipeError:  # `glmha models | head`: the reader has had enough
        sys.stderr.close()
        return 0
