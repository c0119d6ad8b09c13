"""Cubes as outputs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.companions import (
    CompanionError,
    clipped_in,
    clipped_note,
    require_free_companions,
    write_companions,
)
from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds.base import Store
from glmha_cli.errors import BadDataError, CannotCreateError
from glmha_cli.io.cubes.cube import SUFFIXES, Cube, CubeOptions, read_cube, write_cube
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import Photo
from glmha_cli.physics.colour import rendering_weights
from glmha_cli.srgb import linear_to_srgb
from glmha_cli.tasks.base import Task
from glmha_cli.tasks.rgb2hsi import colours_of, in_light


class CubeKind:
    """Bands at the task's wavelengths, float32."""

    name = "cube"
    readable = tuple(suffix for suffix in SUFFIXES if suffix != ".img")
    writable = SUFFIXES

    def suffix_for(self, source: str) -> str:
        return ".tif"

    def before(self, source: Source) -> None:
        """No input is a cube."""

    def values(self, path: Path, wavelength_nm: tuple[float, ...]) -> Cube:
        return read_cube(path, CubeOptions(bands=len(wavelength_nm))).whole()

    def fit(self, source: Source, options: FileOptions) -> Source:
        """Spectra are defined by sRGB colours, so a photo with another profile is converted."""
        photo = source.photo
        if photo is None:
            return source
        if photo.frames > 1:
            raise BadDataError(f"it holds {photo.frames} pages or frames, and a cube is of one", "--frame 0")
        colours, notes = srgb_colours(photo, strict=options.strict)
        if photo.alpha is not None:
            notes += ("its alpha has no place in a cube: dropped",)
        notes += clipped_note(clipped_in(source, colours))
        return replace(source, value=in_light(colours, options.illuminant), notes=source.notes + notes)

    def storing(self, path: Path, source: Source) -> Store:
        return np.asarray

    def write(
        self,
        path: Path,
        result: Num[np.ndarray, "h w bands"],
        *,
        task: Task,
        source: Source,
        options: FileOptions,
        overwrite: bool,
        provenance: Mapping[str, str] | None,
    ) -> list[str]:
        if not overwrite:
            require_free_companions(options)
        cube = Cube(values=np.ascontiguousarray(result, np.float32), wavelength_nm=task.wavelength_nm)
        notes = list(write_cube(path, cube, overwrite=overwrite, provenance=provenance))
        if options.clipped is None and options.uncertainty is None:
            return notes
        colours = colours_of(source.value)
        try:
            return notes + write_companions(source, colours, options, overwrite=overwrite, provenance=provenance)
        except CannotCreateError as error:
            raise CompanionError(error.message, error.hint) from error

    def rendered(self, result: Num[np.ndarray, "h w bands"], task: Task, source: Source) -> Photo:
        """Its colours to an observer under D65."""
        linear = result @ rendering_weights(task.wavelength_nm).astype(np.float32)
        return Photo(colours=linear_to_srgb(linear.clip(0, 1)), bit_depth=32)


CUBE = CubeKind()
