"""A record as a table for data tools: Parquet, by pyarrow."""

import json
from collections.abc import Iterable, Iterator
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
    """A line as a row: values of another type than their column's are left to `details`."""
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "float64": (int, float), "int64": int}
    row = {name: line[name] for name, kind in COLUMNS.items() if isinstance(line.get(name), kinds[kind])}
    return row | {"details": json.dumps({name: value for name, value in line.items() if name not in row})}


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(rows, ROWS)):
        yield part
