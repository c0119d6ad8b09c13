"""Options that several verbs share, each written once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

COMPUTE, FILES, REPORT = "Computing", "Files", "Reporting"


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.", rich_help_panel=REPORT)] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=REPORT)] = False


@dataclass(frozen=True, kw_only=True)
class RestoreOptions(ReportOptions):
    """What all restoring verbs take."""

    input: Annotated[Path, typer.Argument(help="A file, or a folder of files.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write, or a folder.", show_default=False)]
    model: Annotated[str | None, typer.Option(
        help="Model id (see: glmha models), or the path of a .safetensors file. Default: the task's.",
        show_default=False, rich_help_panel=COMPUTE)] = None
    tile: Annotated[str, typer.Option(
        help="Side of the tiles in px, `whole` for none, or `auto`.", rich_help_panel=COMPUTE)] = "auto"
    overlap: Annotated[int | None, typer.Option(
        help="Px shared by neighbouring tiles. Default: 32, or half of a small tile.", min=0, show_default=False,
        rich_help_panel=COMPUTE)] = None
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(
        help="Where to compute.", rich_help_panel=COMPUTE)] = "auto"
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option(
        help="Arithmetic of the network; auto: bf16 on CUDA, else fp32.", rich_help_panel=COMPUTE)] = "auto"
    ext: Annotated[str | None, typer.Option(
        help="For folders: extension of the outputs, such as .png. Default: as the input (photos), .tif (cubes).",
        show_default=False, rich_help_panel=FILES)] = None
    overwrite: Annotated[bool, typer.Option(
        "--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)] = False


@dataclass(frozen=True, kw_only=True)
class PhotoInput(RestoreOptions):
    max_pixels: Annotated[int, typer.Option(
        help="Refuse photos with more pixels than this.", min=1, rich_help_panel=FILES)] = 400_000_000


@dataclass(frozen=True, kw_only=True)
class PhotoToPhoto(PhotoInput):
    quality: Annotated[int, typer.Option(
        help="Quality of JPEG and WebP outputs.", min=1, max=100, rich_help_panel=FILES)] = 95
    strip_metadata: Annotated[bool, typer.Option(
        "--strip-metadata", help="Drop EXIF, ICC profile, XMP and DPI.", rich_help_panel=FILES)] = False


@dataclass(frozen=True, kw_only=True)
class PhotoToCube(PhotoInput):
    project: Annotated[bool, typer.Option(
        "--project/--no-project", help="Move each spectrum the least way to render exactly to the photo's colour.",
        rich_help_panel=COMPUTE)] = True


@dataclass(frozen=True, kw_only=True)
class MeasurementToCube(RestoreOptions):
    mask: Annotated[Path, typer.Option(help="The mask of the camera (.mat, .npy, .npz, .tif, .png).",
                                       show_default=False, rich_help_panel=FILES)]
    key: Annotated[str | None, typer.Option(help="Variable of the measurement in its .mat or .npz file.",
                                            show_default=False, rich_help_panel=FILES)] = None
    normalise: Annotated[bool, typer.Option(
        "--normalise", help="Treat the file as a real measurement of unknown scale.", rich_help_panel=FILES)] = False
    step: Annotated[int, typer.Option(help="Px that each band is shifted further.", min=0, rich_help_panel=COMPUTE)] = 2
    project: Annotated[bool, typer.Option(
        "--project/--no-project", help="Move the cube the least way to give exactly the measurement.",
        rich_help_panel=COMPUTE)] = True


@dataclass(frozen=True, kw_only=True)
class InfoOptions(ReportOptions):
    model: Annotated[str, typer.Argument(help="Model id, task, or the path of a .safetensors file.", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    recipe: Annotated[str, typer.Argument(help="Recipe of the package, or the path of a .toml file.", show_default=False)]
    images: Annotated[list[Path], typer.Option(
        help="Folder of clean photos, searched through; may be given several times.", show_default=False)]
    run_dir: Annotated[Path | None, typer.Option(
        help="Where checkpoint, curve and weights go. Default: runs/RECIPE.", show_default=False)] = None
    validate_pairs: Annotated[list[Path], typer.Option(
        help="Folder with input/ and target/ to validate on as well; may be given several times.",
        show_default=False)] = ()
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False
    steps: Annotated[int | None, typer.Option(
        help="Train for so many steps in all, instead of the recipe's.", min=1, show_default=False)] = None
    max_minutes: Annotated[float | None, typer.Option(
        help="Stop after so long, with a checkpoint to resume from.", min=0, show_default=False)] = None
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")] = "auto"
    precision: Annotated[Literal["bf16-mixed", "16-mixed", "32-true"], typer.Option(
        help="Arithmetic of the network.")] = "bf16-mixed"
    workers: Annotated[int, typer.Option(help="Processes that prepare data.", min=0)] = 1
