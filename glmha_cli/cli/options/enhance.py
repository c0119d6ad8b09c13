"""Options of `glmha enhance`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from glmha_cli.attention import ATTENTIONS
from glmha_cli.cli.options.shared import Overwrite
from glmha_cli.cli.options.training import DataOptions


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions(DataOptions):
    source: Annotated[
        str,
        typer.Argument(
            help="Model with channel attention (csa): id, .safetensors, or a released .pth.", show_default=False
        ),
    ]
    output: Annotated[Path, typer.Argument(help="The .safetensors file to write.", show_default=False)]
    task: Annotated[
        str | None,
        typer.Option(help="Task of a released .pth; other checkpoints tell it themselves.", show_default=False),
    ] = None
    attention: Annotated[
        str, typer.Option(help=f"Attention to put in: {', '.join(name for name in ATTENTIONS if name != 'csa')}.")
    ] = "glmha"
    reduction: Annotated[
        float | None,
        typer.Option(help="Share of K's and V's channels to drop. Default: 0.5.", min=0, max=0.99, show_default=False),
    ] = None
    budget: Annotated[
        float | None,
        typer.Option(
            help="10^9 multiply-adds that an image of 256x256 px may take; reductions are then chosen level by level.",
            min=0,
            show_default=False,
        ),
    ] = None
    loss_at_most: Annotated[
        float | None,
        typer.Option(
            help="PSNR in dB that may be lost before any training; reductions are then chosen level by level.",
            min=0.001,
            show_default=False,
        ),
    ] = None
    levels: Annotated[
        str | None,
        typer.Option(help="Levels to change: level1,level2,…,bottleneck. Default: all.", show_default=False),
    ] = None
    steps: Annotated[
        Literal["init", "layers", "all"],
        typer.Option(help="Where to end: after the first weights, after teaching layers, or after the whole network."),
    ] = "all"
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe, by name or path, whose degradation and last crops to learn from. Default: TASK-lite.",
            show_default=False,
        ),
    ] = None
    tiles: Annotated[int, typer.Option(help="Crops that the first weights are fitted to.", min=1)] = 64
    layer_steps: Annotated[int, typer.Option(help="Steps of teaching layers, at most.", min=1)] = 400
    whole_steps: Annotated[
        int | None,
        typer.Option(help="Steps of the whole network. Default: as many as fit.", min=1, show_default=False),
    ] = None
    max_minutes: Annotated[float, typer.Option(help="Stop after this many minutes.", min=0)] = 30
    seed: Annotated[int, typer.Option(help="Seed of the crops.", min=0)] = 1
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of what --resume goes on from. Default: runs/OUTPUT.", show_default=False),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's folder.")] = False
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device for the whole network.")] = (
        "auto"
    )
    precision: Annotated[Literal["bf16-mixed", "32-true"], typer.Option(help="Precision of the whole network.")] = (
        "bf16-mixed"
    )
    overwrite: Overwrite = False
