"""`glmha analyze MODEL IMAGE…`: how low the rank of a model's attention is, level by level (GLMHA paper, Fig. 1)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import nn

from glmha_cli.batch.checks import require_apart, require_output
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.kinds import input_kind
from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import AnalyzeOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import files_of
from glmha_cli.errors import BadDataError
from glmha_cli.evaluation.figure import require_plot
from glmha_cli.evaluation.low_rank import MEASURES, SHARES, Spectrum, attention_of, middle, plot, spectra
from glmha_cli.evaluation.report import write_csv
from glmha_cli.inference.stretch import extremes_of, stretched
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from glmha_cli.weights.store import Weights, describe, find_weights

Crop = list[torch.Tensor]
"""What the network takes of one image."""


def analyze(options: AnalyzeOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    read = [Path(options.model), *options.images, *([] if options.mask is None else [options.mask])]
    for path in (options.plot, options.csv, options.plan):
        if path is not None:
            require_output(path, overwrite=options.overwrite, inputs=read)
    for path in filter(None, (options.plot, options.plan)):
        require_plot(path)
    require_apart(options.plot, options.csv, options.plan)
    task = resolve(TASKS, describe(options.model)["task"], "task")
    files = FileOptions(mask=options.mask, step=options.step)
    input_kind(task).require(files)
    weights = find_weights(options.model, task=task.name, access=access_of(options, output))
    network = load_network(weights.path)
    as_trained = stretch if read_about(weights.path).get("stretch_input", False) else np.asarray
    crops: list[Crop] = []
    with output.progress() as progress, files_of(task, files, output) as inputs:
        for path in progress.track(options.images, description="images"):
            try:
                prepared = task.prepare(inputs.source(path).value)
                crops.append(middle(network, tuple(map(as_trained, prepared))))
            except BadDataError as error:
                raise error.about(path) from error
    if options.plan is not None:
        tell_plan(options, options.plan, weights, network, crops, output)
    else:
        tell_ranks(options, weights, network, crops, output)


def tell_ranks(
    options: AnalyzeOptions, weights: Weights, network: nn.Module, crops: list[Crop], output: Output
) -> None:
    found = spectra([attention_of(network, crop) for crop in crops])
    for spectrum in found:
        output.record(
            {"model": weights.id, "sha256": weights.sha256, "images": len(options.images), **summary(spectrum)}
        )
    if options.csv:
        write_csv(options.csv, [row for spectrum in found for row in curve(spectrum)], overwrite=options.overwrite)
    if options.plot:
        plot(options.plot, found, title=title_of("attention", weights, crops), overwrite=options.overwrite)
    if not options.json:
        output.table(as_table(found))
        output.note(
            "how many singular values of a head hold this share of their squares (energy) or of their sum, on average"
        )


def tell_plan(
    options: AnalyzeOptions,
    path: Path,
    weights: Weights,
    network: nn.Module,
    crops: list[Crop],
    output: Output,
) -> None:
    """What `glmha enhance` would cost, level by level."""
    from glmha_cli.enhancement import outlook

    with output.progress() as progress:
        bar = progress.add_task("reductions", total=None)
        tried = outlook.outlook(
            network, crops, on_trial=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    rows = [outlook.row(trial) for trial in tried]
    for row in rows:
        output.record({"model": weights.id, "sha256": weights.sha256, "images": len(crops), **row})
    title = title_of("channels of K and V, dropped without training", weights, crops)
    outlook.plot(path, tried, title=title, overwrite=options.overwrite)
    if not options.json:
        output.table(as_plan(rows))
        output.note(
            "fitted to every other image and tried on the rest, before any training: 'missed' is the share of the "
            "attentions' output, in energy, that is expected to be lost"
        )


def title_of(what: str, weights: Weights, crops: list[Crop]) -> str:
    return f"{weights.id}: {what}, {len(crops)} image{'s' if len(crops) > 1 else ''}"


def as_plan(rows: list[dict[str, Any]]) -> Table:
    """A row per trial."""
    table = Table("level", "reduction", "saved G", "missed %", "PSNR to source dB", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["level"],
            f"{row['reduction']:g}",
            f"{row['saved_gmacs']:.2f}",
            f"{100 * row['missed']:.2f}",
            f"{row['psnr_to_source_db']:.1f}",
        )
    return table


def stretch(image: np.ndarray) -> np.ndarray:
    return stretched(image, extremes_of([image]))


def summary(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "level": spectrum.level,
        "channels": spectrum.channels,
        "kept": spectrum.kept,
        "matrices": spectrum.num_matrices,
        **{
            f"{measure}_{share:.0%}".rstrip("%"): round(spectrum.needed[measure][share], 3)
            for measure in MEASURES
            for share in SHARES
        },
    }


def curve(spectrum: Spectrum) -> list[dict[str, Any]]:
    """A row per number of singular values."""
    return [
        {
            "level": spectrum.level,
            "channels": spectrum.channels,
            "kept": spectrum.kept,
            "values": i + 1,
            **{measure: round(float(spectrum.curves[measure][i]), 6) for measure in MEASURES},
        }
        for i in range(spectrum.kept)
    ]


def as_table(found: list[Spectrum]) -> Table:
    """A row per level and size of matrix."""
    table = Table(
        "level",
        "matrix",
        "count",
        *(f"{share:.0%} of {measure}" for measure in MEASURES for share in SHARES),
        box=None,
        pad_edge=False,
    )
    for column in table.columns[:3]:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for each in found:
        table.add_row(
            each.level,
            f"{each.channels} x {each.kept}",
            str(each.num_matrices),
            *(f"{each.needed[measure][share]:.1f}" for measure in MEASURES for share in SHARES),
        )
    return table
