"""`glmha models`: what there is."""

from rich.table import Table

from glmha_cli.cli.options import ReportOptions
from glmha_cli.cli.output import Output
from glmha_cli.weights.manifest import load_manifest


def models(options: ReportOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    manifest = load_manifest()
    rows = [{"id": entry.id, "task": entry.task, "size": entry.size, "source": entry.source, "status": entry.status,
             "default": manifest.defaults.get(entry.task) == entry.id} for entry in manifest.models.values()]
    for row in rows:
        output.record(row)
    if options.json:
        return
    table = Table("id", "task", "size", "source", "status", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["id"] + (" (default)" if row["default"] else ""), *(row[key] for key in ("task", "size", "source", "status")))
    output.table(table)
