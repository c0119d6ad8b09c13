"""Options of the restoring verbs: what each kind of task takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmha_cli.cli.options.batches import BatchOptions
from glmha_cli.cli.options.shared import COMPUTE, FILES, REPORT, ComputeOptions, MaxPixels, Scale
from glmha_cli.io.photos.size import MAX_PIXELS

if TYPE_CHECKING:
    from glmha_cli.batch.files import FileOptions


@dataclass(frozen=True, kw_only=True)
class RestoreOptions(BatchOptions, ComputeOptions):
    """What all restoring verbs take; for each kind of input and of output there is a class below."""

    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance/--no-provenance",
            help="Write into each output how it was made: versions, model, sha256, tiles.",
            rich_help_panel=FILES,
        ),
    ] = True
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Show results in the terminal, if it can (kitty, iTerm2, sixels).", rich_help_panel=REPORT
        ),
    ] = False

    @property
    def projects(self) -> bool:
        """Whether results get their task's closed-form step."""
        return False

    @property
    def working_scale(self) -> str:
        """At which photos are corrected, as `Scales.parse` takes it."""
        return "auto"

    def files(self) -> FileOptions:
        """How files are read and written."""
        from glmha_cli.batch.files import FileOptions

        return FileOptions(provenance=self.provenance)


@dataclass(frozen=True, kw_only=True)
class FromPhoto(RestoreOptions):
    max_pixels: MaxPixels = MAX_PIXELS
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse photos with damaged metadata; without it they are restored and the damaged part is left out.",
            rich_help_panel=FILES,
        ),
    ] = False

    frame: Annotated[
        int | None,
        typer.Option(
            help="Take this page or frame alone, counted from 0, of files with several. Default: all of them.",
            min=0,
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None

    def files(self) -> FileOptions:
        return replace(super().files(), max_pixels=self.max_pixels, strict=self.strict, frame=self.frame)


@dataclass(frozen=True, kw_only=True)
class FromMeasurement(RestoreOptions):
    mask: Annotated[
        Path | None,
        typer.Option(
            help="The mask of the camera (.mat, .npy, .npz, .tif, .png).", show_default=False, rich_help_panel=FILES
        ),
    ] = None
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Only say whether MEASUREMENT and MASK fit, and in which orientation.",
            rich_help_panel=FILES,
        ),
    ] = False
    key: Annotated[
        str | None,
        typer.Option(
            help="Variable of the measurement in its .mat or .npz file.", show_default=False, rich_help_panel=FILES
        ),
    ] = None
    normalise: Annotated[
        bool,
        typer.Option(
            "--normalise", help="Treat the file as a real measurement of unknown scale.", rich_help_panel=FILES
        ),
    ] = False
    step: Annotated[
        int,
        typer.Option(
            help="Dispersion between neighbouring bands, in pixels; negative: to the left.", rich_help_panel=COMPUTE
        ),
    ] = 2

    def files(self) -> FileOptions:
        return replace(super().files(), mask=self.mask, key=self.key, normalise=self.normalise, step=self.step)


@dataclass(frozen=True, kw_only=True)
class ToPhoto(RestoreOptions):
    scale: Scale = "auto"
    quality: Annotated[
        int, typer.Option(help="Quality of JPEG and WebP outputs.", min=1, max=100, rich_help_panel=FILES)
    ] = 95
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata", help="Leave out EXIF, ICC profile, XMP and resolution.", rich_help_panel=FILES
        ),
    ] = False

    @property
    def working_scale(self) -> str:
        return self.scale

    def files(self) -> FileOptions:
        return replace(super().files(), quality=self.quality, strip_metadata=self.strip_metadata)


@dataclass(frozen=True, kw_only=True)
class PhotoToPhoto(FromPhoto, ToPhoto):
    """derain, deblur."""

    strength: Annotated[
        float,
        typer.Option(
            help="Strength of the correction: 0 leaves the photo unchanged, 1 applies all of it.",
            min=0,
            max=1,
            rich_help_panel=COMPUTE,
        ),
    ] = 1.0
    only: Annotated[
        Path | None,
        typer.Option(
            help="Restore only where this mask is white: an image of the photo's size, or a folder of masks named like "
            "the photos.",
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None

    def files(self) -> FileOptions:
        return replace(super().files(), strength=self.strength, only=self.only)
