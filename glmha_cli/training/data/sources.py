"""What a run aims at: clean photos, or cubes, real ones and ones made of photos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float16, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.tasks.base import Task
from glmha_cli.training.data.found import FoundData
from glmha_cli.training.data.photos import decode, load_photos, usable
from glmha_cli.training.data.reflectances import Library, read_library, resample
from glmha_cli.training.data.spectra import CubesConfig, charts, nearest_cube, thinned, training_cube

CleanImage = UInt8[np.ndarray, "h w 3"] | Float16[np.ndarray, "h w bands"]
"""A photo in sRGB, or a cube in [0, 1] at the task's wavelengths."""

T = TypeVar("T")

VALIDATION_SIDE_PX = 256
VALIDATION_IMAGES = {"photo": 24, "cube": 12}
"""By the task's output; a cube of 31 bands is twenty times a photo in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """Training targets are crops of `images`, each at least a crop large, completed by `make(crop, rng)`.

    held_out: targets for validation, by what their set's name ends in.
    """

    images: Sequence[CleanImage]
    make: Callable[[CleanImage, np.random.Generator], np.ndarray]
    held_out: Mapping[str, Sequence[CleanImage]]


def load_targets(task: Task, found: FoundData, *, crop_px: int, config: CubesConfig) -> Targets:
    """Read the photos and cubes into memory. config: of cubes made of photos. Raises BadDataError for the files."""
    photos = load_photos(found.photos.training, min_side_px=crop_px)
    cubes = usable([load_cube(path, task) for path in found.cubes.training], min_side_px=crop_px, kind="cubes")
    libraries = read_library(found.spectra, task.wavelength_nm) if photos and found.spectra else None
    return Targets(
        images=[*photos, *cubes],
        make=partial(as_cube, library=libraries[0], config=config) if libraries else as_it_is,
        held_out=load_held_out(task, found, library=libraries[1] if libraries else None, config=config),
    )


def load_held_out(
    task: Task, found: FoundData, *, library: Library | None, config: CubesConfig
) -> dict[str, list[CleanImage]]:
    """The middles of some held-out photos and cubes. library: held-out spectra, which make cubes of the photos, and a
    chart for each of the sources that `config` names.
    """
    held_out: dict[str, list[CleanImage]] = {}
    if found.photos.held_out:
        photos = [centre_crop(decode(file)) for file in evenly_chosen(found.photos.held_out, task)]
        held_out[""] = photos
        if library:
            weights = library.weights(config.sources)
            held_out[""] = [nearest_cube(photo, library, weights).astype(np.float16) for photo in photos]
            held_out["_spectra"] = [cube.astype(np.float16) for cube in charts(library, config.sources).values()]
    if found.cubes.held_out:
        paths = evenly_chosen(found.cubes.held_out, task)
        held_out["_cubes"] = [centre_crop(load_cube(path, task)) for path in paths]
    return held_out


def as_it_is(crop: CleanImage, rng: np.random.Generator) -> CleanImage:
    return crop


def as_cube(crop: CleanImage, rng: np.random.Generator, *, library: Library, config: CubesConfig) -> np.ndarray:
    photo = crop.dtype == np.uint8
    return training_cube(crop, library, rng, config) if photo else thinned(crop, rng, config.side_px)


def load_cube(path: Path, task: Task) -> Float16[np.ndarray, "h w bands"]:
    """A cube at the task's wavelengths, which one that names none must have. Half precision: memory is short."""
    cube = read_cube(path).whole()
    if np.quantile(cube.values, 0.99) > 1 or cube.values.min() < -0.1:
        raise BadDataError(
            f"'{path}' holds values from {cube.values.min():.3g} to {cube.values.max():.3g}", "scale the cube to [0, 1]"
        )
    if not cube.wavelength_nm and cube.values.shape[2] != len(task.wavelength_nm):
        raise BadDataError(
            f"'{path}' has {cube.values.shape[2]} bands and does not name their wavelengths",
            "write it with wavelengths: .tif, .mat with `bands`, .npz with `wavelength_nm`",
        )
    try:
        values = resample(cube.values, cube.wavelength_nm or task.wavelength_nm, task.wavelength_nm)
    except BadDataError as error:
        raise error.about(path) from error
    return values.clip(0, 1).astype(np.float16)


def evenly_chosen(items: Sequence[T], task: Task) -> list[T]:
    """As many as a validation set has, spread over all `items`."""
    return spread(items, VALIDATION_IMAGES[task.output_kind])


def spread(items: Sequence[T], at_most: int) -> list[T]:
    """So many of them, the first and the last included; all where there are no more."""
    count = min(at_most, len(items))
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def centre_crop(array: CleanImage) -> CleanImage:
    top, left = (max(0, (length - VALIDATION_SIDE_PX) // 2) for length in array.shape[:2])
    return array[top : top + VALIDATION_SIDE_PX, left : left + VALIDATION_SIDE_PX].copy()
