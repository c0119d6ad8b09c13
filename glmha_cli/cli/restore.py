"""The restoring verbs, one per task: files in, files out."""

from typing import Any

from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.batch.jobs import Shard
from glmha_cli.batch.request import BatchRequest
from glmha_cli.batch.runner import run
from glmha_cli.batch.watch import watch
from glmha_cli.cli.compute import loader_of
from glmha_cli.cli.options.restoring import FromMeasurement, RestoreOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.reporters import reporter_of, require_possible
from glmha_cli.cli.sci_check import check
from glmha_cli.cli.tally import Tally
from glmha_cli.errors import UsageError
from glmha_cli.tasks.base import Task

SOME_FAILED = 1


def restore(task: Task, options: RestoreOptions) -> int:
    """The exit code: 0, or 1 where files of several have failed."""
    require_possible(options)
    output = Output(quiet=options.quiet, as_json=options.json)
    if isinstance(options, FromMeasurement) and options.check:
        return check(options, output)
    loader = loader_of(task, options, output, project=options.projects, scale=options.working_scale)
    request = request_of(options)
    if options.watch:
        watch(request, loader, Tally(output))
    summary = run(request, loader, reporter_of(options, request, loader, output))
    return SOME_FAILED if summary.failures else 0


def request_of(options: RestoreOptions) -> BatchRequest:
    return BatchRequest(
        inputs=options.inputs,
        output=options.output,
        files=options.files(),
        ext=options.ext,
        suffix=options.suffix,
        keep_ext=options.keep_ext,
        overwrite=options.overwrite,
        recursive=options.recursive,
        files_from=options.files_from,
        null=options.null,
        shard=Shard.parse(options.shard) if options.shard else None,
        dry_run=options.dry_run,
        record=options.record,
        resume=options.resume,
        max_failures=1 if options.fail_fast else options.max_failures,
        hashes=options.json,
        cluster=cluster_of(options),
    )


def cluster_of(options: RestoreOptions) -> Cluster | None:
    """UsageError for shares of a cluster where none was named."""
    shares = {"actors": options.actors, "cpus": options.cpus_per_actor, "gpus": options.gpus_per_actor}
    given: dict[str, Any] = {name: value for name, value in shares.items() if value is not None}
    if options.cluster is not None:
        return Cluster.parse(options.cluster, **given)
    if given:
        raise UsageError("--actors, --cpus-per-actor and --gpus-per-actor are of a cluster", "--cluster ray")
    return None
