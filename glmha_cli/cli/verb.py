"""A verb is a frozen dataclass of options and a function of it; this turns the two into a Typer command."""

import inspect
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from glmha_cli.cli.completion import completer
from glmha_cli.cli.output import Output, printable
from glmha_cli.errors import GlmhaError, NoInputError, OutputError
from glmha_cli.interrupts import unwinding

EXAMPLES = "[bold]Examples[/]"
"""In the help of a verb, what comes between its summary and its examples."""
PIPE_CLOSED = 128 + 13  # as a shell says of a program that SIGPIPE ended

DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")],
)


class _PlainFlags:
    """Flags take no value, and are shown without the type of one."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if getattr(parameter, "is_flag", False) and parameter.metavar is None:
                parameter.metavar = ""
        return found


class Group(_PlainFlags, TyperGroup):
    """Typer's, of verbs."""


class Command(_PlainFlags, TyperCommand):
    """Typer's, but errors about arguments show them escaped: a shell makes arguments of all names in a folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if _has_empty_name(args):
            ctx.fail("an argument is empty; is a variable of the command not set?")
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if hasattr(error, "message"):
                error.message = printable(error.message, kept="\n")
            raise


def _has_empty_name(args: list[str]) -> bool:
    """Whether an argument is "", which as a path would be the current folder; the value of an option may be."""
    return any(not arg and (before == "-" or not before.startswith("-")) for before, arg in pairwise(["", *args]))


def add_verb(
    app: typer.Typer,
    name: str,
    options_type: type,
    run: Callable[[Any], int | None],
    *,
    summary: str,
    examples: tuple[str, ...],
    panel: str,
) -> None:
    """Register `run(options)` as the command `name`; it returns an exit code, None for 0.

    The options are the dataclass's fields (types annotated with typer.Argument or typer.Option), so options
    that several verbs share are written once, in a base class.
    """

    def command(*, debug: bool, **values: Any) -> None:
        raise typer.Exit(guarded(run, options_type(**values), debug=debug))

    parameters = [*_parameters(options_type), DEBUG]
    app.command(name, cls=Command, help=_help(summary, examples), short_help=summary, rich_help_panel=panel)(
        _with_signature(command, parameters)
    )


def add_group(
    app: typer.Typer,
    name: str,
    options_type: type,
    run: Callable[[Any], int | None],
    *,
    summary: str,
    examples: tuple[str, ...],
    panel: str,
) -> typer.Typer:
    """Register a verb that has verbs below it, to be added to the result; alone it does `run(options)`."""

    def command(*, context: typer.Context, debug: bool, **values: Any) -> None:
        alone = context.invoked_subcommand is None
        if not alone and options_type(**values) != options_type():
            context.fail(f"options come after the subcommand: glmha {name} {context.invoked_subcommand} …")
        if alone:
            raise typer.Exit(guarded(run, options_type(**values), debug=debug))

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    group = typer.Typer(cls=Group, rich_markup_mode="rich")
    group.callback(invoke_without_command=True)(_with_signature(command, [context, *_parameters(options_type), DEBUG]))
    app.add_typer(group, name=name, help=_help(summary, examples), short_help=summary, rich_help_panel=panel)
    return group


def _with_signature(command: Callable[..., None], parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """The function as Typer reads it: one parameter per option."""
    setattr(command, "__signature__", inspect.Signature(parameters))  # noqa: B010 - functions have it, their type does not
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _help(summary: str, examples: tuple[str, ...]) -> str:
    shown = "\n\n".join(f"    {example}" for example in examples)
    return f"{summary}\n\n{EXAMPLES}\n\n{shown}"


def _parameters(options_type: type) -> list[inspect.Parameter]:
    hints = get_type_hints(options_type, include_extras=True)
    for name, hint in hints.items():
        for info in getattr(hint, "__metadata__", ()):
            info.autocompletion = completer(name)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(
            field.name,
            keyword,
            annotation=hints[field.name],
            default=_default(field),
        )
        for field in fields(options_type)
    ]


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def guarded(run: Callable[[Any], int | None], options: Any, *, debug: bool) -> int:
    """The exit code of `run`; a GlmhaError, or what the system refused, becomes one line on stderr and its code. A
    signal that asks for the end unwinds it."""
    try:
        with unwinding():
            require_current_folder()
            code = run(options) or 0
            sys.stdout.flush()  # what cannot be written fails here, not at the end of the process
            return code
    except GlmhaError as error:
        if debug:
            raise
        Output().error(error)
        return error.exit_code
    except BrokenPipeError:  # `glmha models | head`: the reader has had enough; not all is done
        return PIPE_CLOSED
    except OSError as error:
        if debug:
            raise
        Output().error(OutputError(str(error), "--debug shows where"))
        return OutputError.exit_code
    finally:
        _drop_unwritable()


def require_current_folder() -> None:
    """NoInputError where it was deleted: what libraries look up there fails, and MKL then ends the process."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise NoInputError("the current folder is no longer there", "cd to another one") from error


def _drop_unwritable() -> None:
    """What is still buffered and cannot be written would fail once more at the end of the process."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with open(os.devnull, "wb") as nowhere, suppress(OSError, ValueError):
                os.dup2(nowhere.fileno(), stream.fileno())
