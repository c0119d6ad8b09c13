"""`glmha models`: what there is, where it is, and whether it is what was published."""

import shutil
import sys
from dataclasses import replace
from os.path import realpath
from pathlib import Path

from rich.table import Table

from glmha_cli.cli.options import PathOptions, PullOptions, ReportOptions, VerifyOptions, WeightsOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import CannotCreateError, UsageError, WeightsUnavailableError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.weights.integrity import difference
from glmha_cli.weights.licence import require_acceptance
from glmha_cli.weights.manifest import ModelEntry, load_manifest
from glmha_cli.weights.signature import require_signed
from glmha_cli.weights.store import Access, fetch, is_path, locate

COLUMNS = ("id", "task", "size", "source", "status")
REFUSED = WeightsUnavailableError.exit_code


def access_of(options: WeightsOptions, output: Output) -> Access:
    """What the options allow."""
    return Access(
        weights_dir=options.weights_dir,
        offline=options.offline,
        accept_licence=options.accept_licence,
        say=output.note,
        progress=not output.quiet and sys.stderr.isatty(),
    )


def list_models(options: ReportOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    manifest = load_manifest()
    rows = [
        {**{column: getattr(entry, column) for column in COLUMNS}, "default": manifest.is_default(entry)}
        for entry in manifest.models.values()
    ]
    for row in rows:
        output.record(row)
    if options.json:
        return
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["id"] + (" (default)" if row["default"] else ""), *(row[column] for column in COLUMNS[1:]))
    output.table(table)


def pull(options: PullOptions) -> None:
    """Get every file of the models; with --to also copy them there, each whole or not at all."""
    output = Output(quiet=options.quiet, as_json=options.json)
    access = access_of(options, output)
    if options.to and access.weights_dir and realpath(options.to) == realpath(access.weights_dir):
        access = replace(access, weights_dir=None)  # what is to be filled or mended is no source
    for name in options.models:
        entry = load_manifest().model(name)
        require_acceptance(entry, accept=access.accept_licence, say=access.say)
        for kind in entry.files or ["safetensors"]:
            path = fetch(entry, kind, access)
            if options.to is not None:
                path = copy_into(options.to, path, entry.files[kind].name)
            output.note(f"{entry.id}: {path}")
            output.record({"id": entry.id, "path": str(path), "sha256": entry.files[kind].sha256})


def copy_into(folder: Path, path: Path, name: str) -> Path:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotCreateError(
            f"cannot create the folder '{folder}': {error.strerror}", "give --to a folder that can be created"
        ) from error
    with atomic_output(folder / name, overwrite=True) as temporary:
        shutil.copyfile(path, temporary)
    return folder / name


def verify(options: VerifyOptions) -> int:
    """0 if all files are here and right; models that were not asked for by name may be absent."""
    output = Output(quiet=options.quiet, as_json=options.json)
    if options.signature is not None or options.key is not None:
        return verify_signature(options, output)
    manifest = load_manifest()
    entries = [manifest.model(name) for name in options.models] or list(manifest.models.values())
    records = [record for entry in entries for record in records_of(entry, options.weights_dir)]
    for record in records:
        output.record(record)
    if not options.json:
        table = Table("id", "place", "file", "status", box=None, pad_edge=False)
        for record in records:
            table.add_row(record["id"], record["place"], record["path"], record["status"])
        output.table(table)
    good = {"ok"} if options.models else {"ok", "absent"}
    return 0 if all(record["status"] in good for record in records) else REFUSED


def verify_signature(options: VerifyOptions, output: Output) -> int:
    """0 if the checkpoint is signed; of a model's id it is the file that `glmha models path` names, verified too."""
    if options.signature is None or options.key is None or len(options.models) != 1:
        raise UsageError(
            "--signature and --key verify one model together",
            "glmha models verify derain-lite --signature derain-lite.sig --key public.pem",
        )
    (model,) = options.models
    path = Path(model) if is_path(model) else local_file(model, options.weights_dir)[1]
    require_signed(path, options.signature, options.key)
    output.note(f"{path} is signed with the key {options.key}")
    output.record({"id": model, "path": str(path), "status": "ok", "key": str(options.key)})
    return 0


def records_of(entry: ModelEntry, weights_dir: Path | None) -> list[dict[str, str]]:
    """One record per file of the model; one that says absent if it has none."""
    records = []
    for kind, file in entry.files.items():
        place, path = locate(entry, kind, weights_dir) or ("-", None)
        status = "absent" if path is None else difference(path, file) or "ok"
        records.append({"id": entry.id, "place": place, "path": str(path or file.name), "status": status})
    return records or [{"id": entry.id, "place": "-", "path": "-", "status": "absent"}]


def path(options: PathOptions) -> None:
    """The path alone on stdout, for scripts."""
    about, found = local_file(options.model, options.weights_dir)
    if options.json:
        Output(as_json=True).record({**about, "path": str(found)})
    else:
        Output().line(str(found))


def local_file(model: str, weights_dir: Path | None) -> tuple[dict[str, str], Path]:
    """Id and sha256 of the model's first file, and where on this machine it is, verified."""
    entry = load_manifest().model(model)
    kind = next(iter(entry.files), "safetensors")
    path = fetch(entry, kind, Access(weights_dir=weights_dir, offline=True))
    return {"id": entry.id, "sha256": entry.files[kind].sha256}, path
