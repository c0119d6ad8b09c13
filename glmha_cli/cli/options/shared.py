"""Options that several verbs share, each written once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

COMPUTE, FILES, REPORT, WEIGHTS = "Computing", "Files", "Reporting", "Weights"

DeviceChoice = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device to compute on.", rich_help_panel=COMPUTE)
]
PrecisionChoice = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(
        help="Precision of the network; auto: bf16 on CUDA, fp16 on CPUs with fast fp16, else fp32.",
        rich_help_panel=COMPUTE,
    ),
]
Scale = Annotated[
    str,
    typer.Option(
        help="Scale at which the photo is corrected: 1, 1/2, 1/4 …, several from coarse to fine (1/4,1), or `auto` to "
        "find it from the photo.",
        rich_help_panel=COMPUTE,
    ),
]
Model = Annotated[str, typer.Argument(help="Model id, task, or the path of a .safetensors file.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
MaxPixels = Annotated[int, typer.Option(help="Refuse photos with more pixels than this.", min=1, rich_help_panel=FILES)]


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line on stdout.", rich_help_panel=REPORT)
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=REPORT)] = False


@dataclass(frozen=True, kw_only=True)
class WeightsDirOptions(ReportOptions):
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="GLMHA_WEIGHTS_DIR",
            help="Folder, or its URL, in which weights are looked for first (made by: glmha models pull ID --to DIR).",
            show_default=False,
            rich_help_panel=WEIGHTS,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class WeightsOptions(WeightsDirOptions):
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.", rich_help_panel=WEIGHTS)] = (
        False
    )
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence",
            help="Accept the terms of the model's licence; asked once per model.",
            rich_help_panel=WEIGHTS,
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class ComputeOptions(WeightsOptions):
    """Which model runs, where and in what tiles."""

    model: Annotated[
        str | None,
        typer.Option(
            help="Model id (see: glmha models), or path of a .safetensors or .onnx file. Default: that of the task.",
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None
    engine: Annotated[
        Literal["auto", "onnx", "torch"],
        typer.Option(
            help="Inference engine; auto: ONNX Runtime for one input on a CPU, with an ONNX file, else PyTorch.",
            rich_help_panel=COMPUTE,
        ),
    ] = "auto"
    tile: Annotated[
        str, typer.Option(help="Side of the tiles in pixels, `whole` for no tiles, or `auto`.", rich_help_panel=COMPUTE)
    ] = "auto"
    overlap: Annotated[
        int | None,
        typer.Option(
            help="Pixels shared by neighbouring tiles. Default: 32, or half the side of a small tile.",
            min=0,
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """Of a verb that does one thing."""
