"""What `glmha compare` takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from glmha_cli.cli.options.shared import MaxPixels, ReportOptions
from glmha_cli.io.photos.size import MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class CompareOptions(ReportOptions):
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO PHOTO [TRUTH]", help="Two photos of the same size, and optionally the ground truth."
        ),
    ]
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A page (.html) with a movable dividing line, or a picture (.png, .jpg, …)."
        ),
    ]
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False
    max_pixels: MaxPixels = MAX_PIXELS
