"""A record as a table for data tools: Parquet, by pyarrow."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from glmha_cli.batch.record import Line
from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command

COLUMNS = {
    "time": "string",
    "input": "string",
    "output": "string",
    "status": "string",
    "seconds": "float64",
    "reason": "string",
    "input_bytes": "int64",
    "input_sha256": "string",
    "sha256": "string",
    "model": "string",
}
"""Name and type of each column; what else a line says is in the column `details`, as JSON."""
ROWS = 10_000


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


HOLDS: dict[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "float64": lambda value: isinstance(value, float) or (isinstance(value, int) and abs(value) <= 2**53),
    "int64": lambda value: isinstance(value, int) and -(2**63) <= value < 2**63,
}
"""Whether a column of a type can hold a value."""


def write_parquet(lines: Iterable[Line], path: Path) -> int:
    """Write the lines as rows, `ROWS` at a time; returns how many. UsageError where pyarrow is not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError("Parquet needs the package pyarrow", extra_command("parquet")) from error
    schema = pa.schema([*((name, getattr(pa, kind)()) for name, kind in COLUMNS.items()), ("details", pa.string())])
    rows, written = map(row_of, lines), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in _parts(rows):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
            written += len(part)
    return written


def row_of(line: Line) -> dict[str, Any]:
    """A line as a row: values that their column cannot hold, such as names that are no UTF-8, are left to `details`."""
    row = {name: line[name] for name, kind in COLUMNS.items() if HOLDS[kind](line.get(name))}
    return row | {"details": json.dumps({name: value for name, value in line.items() if name not in row})}


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(rows, ROWS)):
        yield part
