"""What is written beside a cube made of a photo: which pixels are clipped, and how uncertain the spectra are."""

import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Num, UInt8

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.jobs import Job
from glmha_cli.errors import CannotCreateError, UsageError
from glmha_cli.io.atomic import exists_already
from glmha_cli.io.cubes.cube import Cube, files_of, write_cube
from glmha_cli.io.photos.read import Photo, as_pixels
from glmha_cli.io.photos.write import write_photo
from glmha_cli.io.remote.url import is_url
from glmha_cli.physics.spread import SATURATED, clipped_pixels, spread_of
from glmha_cli.physics.wavelengths import RGB2HSI_NM

TOLD_SHARE = 0.01
"""Of the pixels: with fewer clipped ones nothing is said of them."""


def require_companions(files: FileOptions, output: Path, *, single: bool) -> None:
    """UsageError for one output beside several cubes, the folder of the cubes, or an address."""
    for option, path in (("--clipped", files.clipped), ("--uncertainty", files.uncertainty)):
        if path is not None and is_url(path):
            raise UsageError(f"{option} is written on this machine, not to an address", f"{option} {path.name}")
        if path is not None and os.path.realpath(path) == os.path.realpath(output):
            raise UsageError(f"{option} and the cubes need outputs of their own", f"{option} {path.stem}_beside/")
        if path is not None and not single and path.suffix:
            raise UsageError(f"several inputs need a folder for {option}; '{path}' is a file", f"{option} {path.stem}/")


def with_companions(job: Job, files: FileOptions) -> FileOptions:
    """The options with the names of this job's files; in a folder they lie and are named as the cube in its own."""
    return replace(
        files,
        clipped=_named(files.clipped, job, ".png"),
        uncertainty=_named(files.uncertainty, job, job.target.suffix),
    )


def places_beside(files: FileOptions) -> list[Path]:
    """The files or folders that were named for what is written beside cubes."""
    return [path for path in (files.clipped, files.uncertainty) if path is not None]


def may_be_outputs(folder: Path, files: FileOptions) -> bool:
    """Whether what is written beside cubes may have the names of cubes in `folder`."""
    cubes, beside = Path(os.path.realpath(folder)), [Path(os.path.realpath(place)) for place in places_beside(files)]
    return any(place.is_relative_to(cubes) or cubes.is_relative_to(place) for place in beside)


def companions_of(job: Job, files: FileOptions) -> list[Path]:
    """All files that are to be written beside this job's cube."""
    return list(chain.from_iterable(map(files_of, places_beside(with_companions(job, files)))))


def files_written(job: Job, files: FileOptions) -> list[Path]:
    """Those of the output, then those beside it."""
    return [*files_of(job.target), *companions_of(job, files)]


def _named(path: Path | None, job: Job, suffix: str) -> Path | None:
    return path if path is None or path.suffix else path / job.relative.with_name(job.target.stem + suffix)


def clipped_note(mask: UInt8[np.ndarray, "h w"]) -> tuple[str, ...]:
    share = np.count_nonzero(mask) / mask.size
    if share < TOLD_SHARE:
        return ()
    return (f"{share:.0%} of its pixels are clipped, and their spectra unknown (--clipped OUT.png marks them)",)


def clipped_in(source: Source, colours: Num[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w"]:
    """Of the photo as it was stored, and of its colours in sRGB."""
    return clipped_pixels(colours, *([source.photo.colours] if source.photo is not None else []))


def require_free_companions(files: FileOptions) -> None:
    """CannotCreateError where one is there; before the cube is written."""
    for path in places_beside(files):
        if taken := next(filter(os.path.lexists, files_of(path)), None):
            raise exists_already(taken)


class CompanionError(CannotCreateError):
    """The cube is written, and what belongs beside it cannot be."""


def write_companions(
    source: Source,
    colours: Num[np.ndarray, "h w c"],
    files: FileOptions,
    *,
    overwrite: bool,
    provenance: Mapping[str, str] | None,
) -> list[str]:
    """The files that were asked for, after the cube itself; returns notes on losses.

    The mask is 255 where a channel of the photo is at its top, 128 where one is at its bottom, 0 elsewhere. The cube of
    uncertainty holds standard deviations of reflectance, NaN where the mask is 255.
    """
    notes: list[str] = []
    mask = clipped_in(source, colours)
    if files.clipped is not None:
        files.clipped.parent.mkdir(parents=True, exist_ok=True)
        picture = Photo(colours=mask[..., None], bit_depth=8, grayscale=True)
        notes += write_photo(files.clipped, picture.colours, like=picture, overwrite=overwrite)
    if files.uncertainty is not None:
        files.uncertainty.parent.mkdir(parents=True, exist_ok=True)
        spread = spread_of(as_pixels(colours))
        spread[mask == SATURATED] = np.nan
        tags = {"quantity": "standard deviation of reflectance"}
        cube = Cube(values=spread, wavelength_nm=RGB2HSI_NM, tags=tags)
        notes += write_cube(files.uncertainty, cube, overwrite=overwrite, provenance=provenance)
    return notes


def refuse_companions(job: Job, files: FileOptions) -> None:
    """UsageError where a companion would be the input, the cube or the other companion; before any work."""
    taken = {os.path.realpath(path) for path in (job.source, *files_of(job.target))}
    for path in places_beside(with_companions(job, files)):
        if os.path.realpath(path) in taken:
            raise UsageError(f"'{path}' would be written twice, or over an input", "name another output")
        taken.add(os.path.realpath(path))
