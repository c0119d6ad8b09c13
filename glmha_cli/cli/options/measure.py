"""Options of the verbs that measure a model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from glmha_cli.attention import ATTENTIONS
from glmha_cli.cli.options.shared import (
    COMPUTE,
    FILES,
    REPORT,
    ComputeOptions,
    DeviceChoice,
    Model,
    PrecisionChoice,
    ReportOptions,
    Scale,
    WeightsOptions,
)
from glmha_cli.networks import NETWORKS


@dataclass(frozen=True, kw_only=True)
class BenchOptions(WeightsOptions):
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model ids, tasks, or paths of .safetensors files. Default: all bundled models.", show_default=False
        ),
    ] = field(default_factory=list)
    engine: Annotated[
        list[str],
        typer.Option(
            help="Engine; may be given several times. Default: all.", show_default=False, rich_help_panel=COMPUTE
        ),
    ] = field(default_factory=list)
    size: Annotated[int, typer.Option(help="Side of the tile, in pixels.", min=64, rich_help_panel=COMPUTE)] = 256
    photo: Annotated[
        int,
        typer.Option(help="Side of the photo that the cold start restores, in pixels.", min=1, rich_help_panel=COMPUTE),
    ] = 512
    repeat: Annotated[
        int, typer.Option(help="Number of timed runs per tile, after a warm-up.", min=1, rich_help_panel=COMPUTE)
    ] = 5
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"


@dataclass(frozen=True, kw_only=True)
class EvalOptions(ComputeOptions):
    task: Annotated[str, typer.Argument(help="Task of the inputs and outputs.", show_default=False)]
    pairs: Annotated[
        list[Path],
        typer.Option(
            help="Folder with input/ and target/, files matched by stem; may be given several times, for several sets.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = field(default_factory=list)
    results: Annotated[
        Path | None,
        typer.Option(
            help="Folder of existing results to measure, instead of --pairs.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    targets: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the ground truth that --results is compared with.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Protocol: derain, gopro, arad or kaist. Default: that of the task.",
            show_default=False,
            rich_help_panel=REPORT,
        ),
    ] = None
    scale: Scale = "auto"
    enlarge: Annotated[
        str | None,
        typer.Option(
            metavar="TIMES,…",
            help="Also measure pairs enlarged (bicubically) so many times, for derain and deblur: 1,2,3,4.",
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Average over all flips and rotations of the input (takes eight times as long).",
            rich_help_panel=COMPUTE,
        ),
    ] = False
    project: Annotated[
        bool,
        typer.Option(
            "--project/--no-project",
            help="Make cubes agree with their input, as the task's verb does.",
            rich_help_panel=COMPUTE,
        ),
    ] = True
    mask: Annotated[
        Path | None, typer.Option(help="The mask of the camera, for sci.", show_default=False, rich_help_panel=FILES)
    ] = None
    step: Annotated[
        int,
        typer.Option(
            help="Dispersion between neighbouring bands in pixels, for sci; negative: to the left.",
            rich_help_panel=COMPUTE,
        ),
    ] = 2
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write the scores of every image and the means to this CSV file as well.",
            show_default=False,
            rich_help_panel=REPORT,
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the CSV file.", rich_help_panel=REPORT)] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class ProfileOptions(ReportOptions):
    model: Annotated[
        str,
        typer.Argument(
            help=f"Model id, task, path of a .safetensors file, or a network: {', '.join(NETWORKS)}.",
            show_default=False,
        ),
    ]
    attention: Annotated[
        str | None,
        typer.Option(help=f"Attention to use instead: {', '.join(ATTENTIONS)}.", show_default=False),
    ] = None
    reduction: Annotated[
        float | None,
        typer.Option(help="Fraction of channels that GLMHA drops from keys and values.", min=0, show_default=False),
    ] = None
    levels: Annotated[
        str | None,
        typer.Option(
            help="Levels that get the attention, with CSA at the others: level1,level2,…,bottleneck.",
            show_default=False,
        ),
    ] = None
    size: Annotated[str, typer.Option(help="Height x width of the input, in pixels.")] = "256x256"


@dataclass(frozen=True, kw_only=True)
class AnalyzeOptions(WeightsOptions):
    model: Model
    images: Annotated[list[Path], typer.Argument(help="Inputs of the model's task.", show_default=False)]
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot of the curves to this .png file.", show_default=False)
    ] = None
    csv: Annotated[Path | None, typer.Option(help="Write the curves to this CSV file.", show_default=False)] = None
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Try what 'glmha enhance' would cost a model with channel attention, level by level; plot it to this "
            ".png file.",
            show_default=False,
        ),
    ] = None
    mask: Annotated[Path | None, typer.Option(help="The mask of the camera, for sci.", show_default=False)] = None
    step: Annotated[
        int, typer.Option(help="Dispersion between neighbouring bands in pixels, for sci; negative: to the left.")
    ] = 2
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")] = False
