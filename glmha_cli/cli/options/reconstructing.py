"""Options of the verbs that make cubes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmha_cli.cli.options.restoring import FromMeasurement, FromPhoto, RestoreOptions
from glmha_cli.cli.options.shared import COMPUTE, FILES
from glmha_cli.physics.wavelengths import DEFAULT_LIGHT

if TYPE_CHECKING:
    from glmha_cli.batch.files import FileOptions


@dataclass(frozen=True, kw_only=True)
class ToCube(RestoreOptions):
    project: Annotated[
        bool,
        typer.Option(
            "--project/--no-project",
            help="Change each spectrum as little as possible so that the cube agrees exactly with its input.",
            rich_help_panel=COMPUTE,
        ),
    ] = True

    @property
    def projects(self) -> bool:
        return self.project


@dataclass(frozen=True, kw_only=True)
class PhotoToCube(FromPhoto, ToCube):
    """rgb2hsi."""

    illuminant: Annotated[
        str,
        typer.Option(
            help="Light of the scene, for which the camera's white balance was right: D65, D50 (D40 to D250), A, "
            "F1 to F12, or a measured spectrum as .csv (nm, power).",
            rich_help_panel=COMPUTE,
        ),
    ] = DEFAULT_LIGHT
    clipped: Annotated[
        Path | None,
        typer.Option(
            help="Write a mask too: 255 where a channel of the photo is at its top, 128 where one is at its bottom. "
            "A photo, or for several inputs a folder.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    uncertainty: Annotated[
        Path | None,
        typer.Option(
            help="Write a second cube too: the standard deviation of measured reflectances that make each pixel's "
            "colour. A cube, or for several inputs a folder.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None

    def files(self) -> FileOptions:
        """UsageError for a light that is none, or without the step that uses it."""
        from glmha_cli.errors import UsageError
        from glmha_cli.tasks.lights import named_power

        named_power(self.illuminant)
        if self.illuminant.upper() != DEFAULT_LIGHT and not self.project:
            raise UsageError("--illuminant is for the step that --no-project leaves out", "leave out --no-project")
        return replace(super().files(), illuminant=self.illuminant, clipped=self.clipped, uncertainty=self.uncertainty)


@dataclass(frozen=True, kw_only=True)
class MeasurementToCube(FromMeasurement, ToCube):
    """sci."""
