"""`glmha models import` and `publish`: checkpoints from elsewhere, and ours to the Hub."""

from glmha_cli.batch.checks import require_output
from glmha_cli.cli.options import ImportOptions, PublishOptions
from glmha_cli.cli.output import Output
from glmha_cli.weights.convert import import_checkpoint
from glmha_cli.weights.publish import publication, publish_model
from glmha_cli.weights.store import Access


def import_released(options: ImportOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    target = options.output or options.source.with_suffix(".safetensors")
    require_output(target, overwrite=options.overwrite, inputs=[options.source])
    about = import_checkpoint(
        options.source, target, task=options.task, network=options.network, overwrite=options.overwrite
    )
    output.note(
        f"{options.source} -> {target}: {about['network']['name']} with {about['network']['attention']['name']}"
    )
    output.note(f"licence of the released weights: {about['licence']}")
    output.record({"output": str(target), **about})


def publish(options: PublishOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    access = Access(weights_dir=options.weights_dir, say=output.note)
    if options.dry_run:
        what = publication(options.model, access)
        sizes = {name: path.stat().st_size for name, path in what.files.items()}
        sizes |= {name: len(text.encode()) for name, text in what.texts.items()}
        for name, size in sizes.items():
            output.note(f"would upload {name}, {size:,} bytes, to {options.repo}")
        output.record({"id": options.model, "repo_id": options.repo, "status": "dry run", "files": sizes})
        return
    commit = publish_model(options.model, options.repo, access)
    output.note(f"{options.model} -> {options.repo}@{commit}")
    output.record({"id": options.model, "repo_id": options.repo, "revision": commit})
