"""`glmha eval TASK`: a model on pairs of files, or results that are there already, by a published protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from glmha_cli.batch.checks import require_output
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.kinds import input_kind, output_kind
from glmha_cli.cli.compute import loader_of
from glmha_cli.cli.eval_sets import PairSet, require_comparable, sets_of
from glmha_cli.cli.options import EvalOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import TaskFiles, files_of
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.evaluation.pairs import Pair
from glmha_cli.evaluation.protocols import PROTOCOLS, Protocol
from glmha_cli.evaluation.report import Row, with_means, write_csv
from glmha_cli.inference.scales import enlarged_whole
from glmha_cli.inference.self_ensemble import require_any_orientation, restore_in_all_orientations
from glmha_cli.io.photos.read import as_pixels
from glmha_cli.lookup import resolve, unknown
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A result, what it was made of where that is of the same kind, and in which tiles."""

    result: np.ndarray
    before: np.ndarray | None = None
    tile: str = ""


Load = Callable[[Path, int], Loaded]
"""The result of an input that is enlarged so many times."""


def evaluate(options: EvalOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    task = resolve(TASKS, options.task, "task")
    protocol = protocol_for(task, options.protocol)
    sets = sets_of(task, options)
    if options.csv:
        read = chain.from_iterable((pair.source, pair.target) for each in sets for pair in each.pairs)
        require_output(options.csv, overwrite=options.overwrite, inputs=read)
    files = FileOptions(mask=options.mask, step=options.step)
    if not options.results:
        input_kind(task).require(files)
        if options.tta:
            require_any_orientation(task)
    rows = []
    with files_of(task, files, output) as inputs:
        for pair in dict.fromkeys(chain(*(each.pairs for each in sets))):
            require_comparable(inputs, pair, is_result=options.results is not None)
        load, setup = (partial(loaded_result, inputs), {}) if options.results else loader_by_model(inputs, options)
        with output.progress() as progress:
            bar = progress.add_task(task.name, total=sum(len(each.pairs) for each in sets))
            for each in sets:
                for pair in each.pairs:
                    rows.append(measured(each, pair, protocol, load, inputs.values(pair.target)))
                    progress.advance(bar)
    records = [{**row.record(), "protocol": protocol.name, **setup} for row in with_means(rows)]
    for record in records:
        output.record(record)
    if not options.json:
        output.table(as_table(records, [name for name in rows[0].record() if name != "tile"]))
        output.note(f"{protocol.name}: {protocol.rule}")
        output.note(", ".join(f"{name} {records[-1][name]}" for name in (*setup, "tile") if name in records[-1]))
    if options.csv:
        write_csv(options.csv, records, overwrite=options.overwrite)


def protocol_for(task: Task, name: str | None) -> Protocol:
    """The protocol of that name, or the task's; UsageError if it measures another kind of thing."""
    name = name or task.protocol
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    if protocol.kind != task.output_kind:
        raise UsageError(
            f"protocol '{name}' measures a {protocol.kind}, {task.name} gives a {task.output_kind}",
            f"--protocol {task.protocol}",
        )
    return protocol


def loaded_result(inputs: TaskFiles, path: Path, times: int) -> Loaded:
    return Loaded(result=inputs.values(path))


def loader_by_model(inputs: TaskFiles, options: EvalOptions) -> tuple[Load, dict[str, Any]]:
    """How an input becomes a result, and what has to be known to get the same again."""
    task, output = inputs.task, inputs.output
    loader = loader_of(task, options, output, project=options.project, scale=options.scale)
    weights = loader.find()
    restorer = loader.load(weights, say=output.warning)

    def load(path: Path, times: int) -> Loaded:
        source = inputs.source(path)
        if times > 1:
            source = replace(source, value=enlarged_whole(as_pixels(source.value), times))
        before = output_kind(task).before(source)
        result = restore_in_all_orientations(restorer, source.value) if options.tta else restorer.restore(source.value)
        return Loaded(result=result, before=before, tile=restorer.described_tiles)

    setup = {
        "model": weights.id,
        "sha256": weights.sha256,
        "tta": options.tta,
        "device": restorer.engine.device,
        "precision": restorer.described_precision,
    }
    return load, setup | ({} if task.project is None else {"project": options.project})


def measured(of: PairSet, pair: Pair, protocol: Protocol, load: Load, target: np.ndarray) -> Row:
    """One image's scores; an error says which image it was."""
    try:
        loaded = load(pair.source, of.times)
        target = enlarged_whole(target, of.times) if of.times > 1 else target
        return Row(
            set=of.name,
            image=pair.name,
            score=protocol.score(loaded.result, target),
            tile=loaded.tile,
            input_score=None if loaded.before is None else protocol.score(loaded.before, target),
        )
    except BadDataError as error:
        raise error.about(pair.source) from error


def as_table(records: Sequence[Mapping[str, Any]], columns: list[str]) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for record in records:
        table.add_row(
            *(shown(record.get(column, "")) for column in columns), style="bold" if record["image"] == "mean" else ""
        )
    return table


def shown(value: Any) -> str:
    """Four significant decimals; an infinite score is null in records."""
    return "inf" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
