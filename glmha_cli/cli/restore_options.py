"""Options of the restoring verbs: what each kind of task takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from glmha_cli.cli.options import COMPUTE, FILES, ComputeOptions, MaxPixels


@dataclass(frozen=True, kw_only=True)
class RestoreOptions(ComputeOptions):
    """What all restoring verbs take. `project` is an option where a task has such a step."""

    project: ClassVar[bool] = False
    input: Annotated[Path, typer.Argument(help="A file, or a folder of files.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write, or a folder.", show_default=False)]
    ext: Annotated[str | None, typer.Option(
        help="For folders: extension of the outputs, such as .png. Default: as the input (photos), .tif (cubes).",
        show_default=False, rich_help_panel=FILES)] = None
    overwrite: Annotated[bool, typer.Option(
        "--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)] = False
    provenance: Annotated[bool, typer.Option(
        "--provenance/--no-provenance", help="Write into each output how it was made: versions, model, sha256, tiles.",
        rich_help_panel=FILES)] = True


@dataclass(frozen=True, kw_only=True)
class PhotoInput(RestoreOptions):
    max_pixels: MaxPixels = 400_000_000


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
