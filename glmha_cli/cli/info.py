"""`glmha info MODEL`: everything a checkpoint and the manifest know of a model, and what it costs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from glmha_cli.cli.options import InfoOptions
from glmha_cli.cli.output import Output
from glmha_cli.evaluation.complexity import count
from glmha_cli.weights.about import config_of, read_about
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.manifest import load_manifest
from glmha_cli.weights.store import is_path


def info(options: InfoOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    facts = facts_of_file(Path(options.model)) if is_path(options.model) else facts_of_entry(options.model)
    complexity = count(config_of(facts, options.model), height=256, width=256)
    facts["parameters"] = complexity.parameters
    facts["multiply_adds_256x256"] = dict(complexity.macs)
    output.record(facts)
    if not options.json:
        output.table(as_table(facts))


def facts_of_file(path: Path) -> dict[str, Any]:
    return {"id": path.stem, **read_about(path), "sha256": sha256_of(path)}


def facts_of_entry(name: str) -> dict[str, Any]:
    entry = load_manifest().model(name)
    files = {kind: asdict(file) for kind, file in entry.files.items()}
    return {
        "id": entry.id,
        "task": entry.task,
        "size": entry.size,
        "summary": entry.summary,
        "status": entry.status,
        "source": entry.source,
        "network": dict(entry.network),
        "licence": entry.licence,
        "terms": entry.terms,
        "training": dict(entry.training),
        "quality": dict(entry.quality),
        "files": files,
    }


def as_table(facts: Mapping[str, Any]) -> Table:
    """One fact a row; what is nested is indented below its name."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        for row in rows_of(name, value):
            table.add_row(*row)
    return table


def rows_of(name: str, value: Any, indent: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        nested = [row for key, item in value.items() for row in rows_of(key, item, indent + "  ")]
        return [(indent + name, "" if value else "none"), *nested]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return [(indent + name, f"{value:,}")]
    return [(indent + name, str(value))]
