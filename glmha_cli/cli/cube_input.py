"""What the verbs for cubes ask of their input: the options as `io.cubes` takes them, and notes as they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glmha_cli.cli.options import CubeExplained
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import reader_of
from glmha_cli.errors import UsageError
from glmha_cli.io.cubes.axes import require_order
from glmha_cli.io.cubes.cube import Cube, CubeOptions
from glmha_cli.io.cubes.wavelengths import require_unit
from glmha_cli.io.cubes.windows import Outlined
from glmha_cli.io.supervised import Supervised

_BIT = "bit"


@dataclass(frozen=True)
class CubeRows(Outlined):
    """A cube in its file, of which rows are read; a format that is read as a whole stays in the process that reads."""

    path: Path
    options: CubeOptions
    reader: Supervised

    def rows(self, start: int, stop: int) -> Cube:
        rows: Cube = self.reader.read("glmha_cli.io.cubes.windows:read_rows", self.path, self.options, start, stop)
        return rows


@contextmanager
def open_input(path: Path, options: CubeExplained, output: Output) -> Iterator[CubeRows]:
    """The cube of a file as the options explain it, by rows, as it may be larger than memory; says what was changed."""
    how = explained(options)
    with reader_of(output) as reader:
        outline = reader.read("glmha_cli.io.cubes.windows:outline", path, how)
        for note in outline.facts.notes:
            output.remark(path, note)
        yield CubeRows(outline, path, how, reader)


def explained(options: CubeExplained) -> CubeOptions:
    """UsageError for what is no order, no unit or no scale."""
    if options.unit is not None:
        require_unit(options.unit)
    return CubeOptions(
        key=options.key,
        axes=options.axes if options.axes is None else require_order(options.axes),
        scale=options.scale if options.scale is None else parse_scale(options.scale),
        unit=options.unit,
    )


def parse_scale(text: str) -> float:
    """A factor, as a number or a fraction (1e-4, 1/4095); or "12bit": 1 / the largest number of so many bits."""
    try:
        if text.endswith(_BIT) and 1 <= (bits := int(text.removesuffix(_BIT).rstrip("- "))) <= 64:
            return 1 / (2**bits - 1)
        number, _, divisor = text.partition("/")
        scale = float(number) / float(divisor or 1)
    except (ValueError, ZeroDivisionError):
        scale = 0.0
    if not 0 < scale < float("inf"):
        raise UsageError(f"--scale takes a number above 0, or a depth, not '{text}'", "--scale 1e-4, or --scale 12bit")
    return scale
