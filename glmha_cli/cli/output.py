"""The one sink: data to stdout, everything else to stderr."""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from glmha_cli.errors import GlmhaError, one_line
from glmha_cli.printable import printable, renamed

PIPE_WIDTH = 160


class PipedConsole(Console):
    """Rich's, but a reader that has gone is an exception as for any write, not the end of the process with code 1; and
    whatever is shown, in lines, tables or bars, has no control characters but Rich's own.
    """

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text, kept="\n"), segment.style)


class Description(ProgressColumn):
    """What a bar is about, in one line."""

    def render(self, task: Task) -> Text:
        return Text(printable(task.description))


def without_infinite(data: Any) -> Any:
    """Plain data with None for the numbers that JSON has no name for: NaN and infinite ones."""
    if isinstance(data, Mapping):
        return {key: without_infinite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return list(map(without_infinite, data))
    return None if isinstance(data, float) and not math.isfinite(data) else data


class Output:
    """What a command says. quiet: errors only. json: one JSON object a line on stdout. names: of paths, for people."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json
        self.names: dict[str, str] = {}
        self.stderr = PipedConsole(stderr=True, highlight=False, emoji=False, soft_wrap=True)

    def note(self, text: str) -> None:
        if not self.quiet:
            self._say(self._shown(text))

    def remark(self, path: PurePath, text: str) -> None:
        """What became of a file that was read or written: side data left out, something assumed, damage."""
        if not self.quiet:
            self._say(f"[cyan]note:[/] {self._shown(f'{path}: {text}')}")

    def warning(self, text: str) -> None:
        """What concerns the run or the machine, not one file."""
        if not self.quiet:
            self._say(f"[yellow]warning:[/] {self._shown(text)}")

    def error(self, error: GlmhaError) -> None:
        self._say(f"[red]error:[/] {self._shown(one_line(error))}")

    def _say(self, text: str) -> None:
        """A line on stderr. One that a full disk does not take is lost, and the work goes on."""
        try:
            self.stderr.print(text)
        except BrokenPipeError:
            raise
        except OSError:
            return

    def line(self, text: str) -> None:
        """One line of data on stdout, for people."""
        sys.stdout.write(printable(renamed(text, self.names)) + "\n")

    def _shown(self, text: str) -> str:
        return escape(printable(renamed(text, self.names)))

    def record(self, data: Mapping[str, Any]) -> None:
        """One JSON line on stdout, if asked for."""
        if self.as_json:
            named = {
                key: renamed(value, self.names) if isinstance(value, str) else value for key, value in data.items()
            }
            sys.stdout.write(json.dumps(without_infinite(named), allow_nan=False) + "\n")
            sys.stdout.flush()

    def table(self, table: Table) -> None:
        """A table for people, on stdout: it is what was asked for. Whole lines where no terminal limits them."""
        # No markup: cells hold names of files, which may look like it.
        PipedConsole(
            highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH
        ).print(table)

    @property
    def shows_bars(self) -> bool:
        """Not in logs: Rich's is_terminal also holds where FORCE_COLOR is set."""
        return not self.quiet and sys.stderr.isatty()

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Bars on stderr where it is a terminal; silent elsewhere."""
        columns = (
            Description(),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        # Where only stderr is a terminal, lines for stdout must not be drawn around the bars.
        with Progress(
            *columns,
            console=self.stderr,
            transient=True,
            disable=not self.shows_bars,
            redirect_stdout=sys.stdout.isatty(),
        ) as progress:
            yield progress
