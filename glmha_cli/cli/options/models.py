"""Options of the verbs about models and their files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from glmha_cli.cli.options.shared import FILES, Model, Overwrite, ReportOptions, WeightsDirOptions, WeightsOptions


@dataclass(frozen=True, kw_only=True)
class InfoOptions(ReportOptions):
    model: Model


@dataclass(frozen=True, kw_only=True)
class ExportOptions(WeightsOptions):
    model: Model
    output: Annotated[Path, typer.Argument(help="The .onnx file to write.", show_default=False)]
    tile: Annotated[
        int,
        typer.Option(
            help="Side, in pixels, at which the network is traced; the result is also compared at other sizes.", min=16
        ),
    ] = 256
    precision: Annotated[Literal["fp32", "fp16"], typer.Option(help="Precision of the network; fp16 is for GPUs.")] = (
        "fp32"
    )
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class PullOptions(WeightsOptions):
    models: Annotated[list[str], typer.Argument(help="Model ids or tasks.", show_default=False)]
    to: Annotated[
        Path | None,
        typer.Option(
            help="Copy the files into this folder, for --weights-dir on a machine without network access.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(WeightsDirOptions):
    models: Annotated[
        list[str], typer.Argument(help="Model ids or tasks. Default: all models on this machine.", show_default=False)
    ] = field(default_factory=list)
    signature: Annotated[
        Path | None,
        typer.Option(
            help="Signature (OpenSSF model signing) to verify; name one model, by its id or the path of a checkpoint.",
            show_default=False,
        ),
    ] = None
    key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) of whoever made the --signature.", show_default=False)
    ] = None


@dataclass(frozen=True, kw_only=True)
class PathOptions(WeightsDirOptions):
    model: Annotated[str, typer.Argument(help="Model id or task.", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class ImportOptions(ReportOptions):
    source: Annotated[Path, typer.Argument(help="A released .pth file.", show_default=False)]
    task: Annotated[str, typer.Option(help="Task that the checkpoint was trained for.", show_default=False)]
    network: Annotated[
        str | None,
        typer.Option(
            help="Network of the checkpoint; by default it is recognised by the names and shapes of its weights.",
            show_default=False,
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write. Default: beside the source, with the extension .safetensors.", show_default=False
        ),
    ] = None
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class PublishOptions(WeightsDirOptions):
    model: Annotated[
        str, typer.Argument(help="Model id, or the path of a .safetensors file that was trained.", show_default=False)
    ]
    repo: Annotated[
        str, typer.Option(help="Repository on the Hub, ORG/NAME; created if there is none.", show_default=False)
    ]
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be uploaded; upload nothing.")] = False
