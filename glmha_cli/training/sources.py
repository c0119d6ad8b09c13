"""What a run aims at: clean photos, or cubes, real ones and ones made of photos."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float16, UInt8

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.cube import SUFFIXES, read_cube
from glmha_cli.tasks.base import Task
from glmha_cli.training.photos import File, decode, find_files, find_photos, load_photos, usable
from glmha_cli.training.reflectances import Library, read_library, resample
from glmha_cli.training.spectra import CubesConfig, nearest_cube, training_cube

Source = UInt8[np.ndarray, "h w 3"] | Float16[np.ndarray, "h w bands"]
"""A photo in sRGB, or a cube in [0, 1] at the task's wavelengths."""

CUBE_SUFFIXES = set(SUFFIXES) - {".img"}
PHOTO_SIDE_PX = 1280
VALIDATION_SIDE_PX = 256
VALIDATION_SCENES = {"photo": 24, "cube": 12}
"""By the task's output; a cube of 31 bands is twenty times a photo in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """Training targets are crops of `sources`, each at least a crop large, completed by `make(crop, rng)`.

    held_out: targets for validation, by what their set's name ends in.
    """

    sources: Sequence[Source]
    make: Callable[[Source, np.random.Generator], np.ndarray]
    held_out: Mapping[str, Sequence[Source]]


def load_targets(
    task: Task,
    *,
    images: Iterable[Path],
    cubes: Iterable[Path],
    spectra: Path | None,
    crop_px: int,
    config: CubesConfig,
) -> Targets:
    """Read everything into memory; a tenth of each folder, and of the spectra, is held out.

    images: folders or packs of photos. cubes: folders. config: of cubes made of photos. Raises
    UsageError for what the task has no use for or lacks, NoInputError and BadDataError for the files.
    """
    images, cubes = list(images), list(cubes)
    refuse_what_does_not_fit(task, images, cubes, spectra)
    make, sources = as_it_is, []
    if images and spectra:
        make = partial(as_cube, library=read_library(spectra, task.wavelength_nm)[0], config=config)
    if images:
        sources += load_photos(find_photos(images)[0], min_side_px=crop_px, max_side_px=PHOTO_SIDE_PX)
    if cubes:
        training, _ = find_files(cubes, CUBE_SUFFIXES, kind="cubes")
        sources += usable([load_cube(path, task) for path in training], min_side_px=crop_px, kind="cubes")
    return Targets(
        sources=sources, make=make, held_out=load_held_out(task, images=images, cubes=cubes, spectra=spectra)
    )


def load_held_out(
    task: Task, *, images: Sequence[Path], cubes: Sequence[Path], spectra: Path | None
) -> dict[str, list[Source]]:
    """What `load_targets` holds out of the same places, and nothing else."""
    held_out = {}
    if images:
        _, kept = find_photos(images)
        photos = [centre_crop(decode(file, max_side_px=PHOTO_SIDE_PX)) for file in evenly_chosen(kept, task)]
        if spectra:
            library = read_library(spectra, task.wavelength_nm)[1]
            photos = [nearest_cube(photo, library).astype(np.float16) for photo in photos]
        held_out[""] = photos
    if cubes:
        _, kept = find_files(cubes, CUBE_SUFFIXES, kind="cubes")
        held_out["_cubes"] = [centre_crop(load_cube(path, task)) for path in evenly_chosen(kept, task)]
    return held_out


def refuse_what_does_not_fit(task: Task, images: list[Path], cubes: list[Path], spectra: Path | None) -> None:
    to_photo = task.output_kind == "photo"
    if to_photo and (cubes or spectra):
        raise UsageError(f"{task.name} learns from photos alone", "leave --cubes and --spectra out")
    if not images and not cubes:
        raise UsageError(
            "nothing to learn from",
            "--images FOLDER" if to_photo else "--images FOLDER --spectra FILE.npz, or --cubes FOLDER",
        )
    if images and not to_photo and spectra is None:
        raise UsageError(
            f"{task.name} needs measured spectra to make cubes of photos",
            "--spectra FILE.npz with `reflectance` and `wavelength_nm`, or --cubes FOLDER alone",
        )


def as_it_is(crop: Source, rng: np.random.Generator) -> Source:
    return crop


def as_cube(crop: Source, rng: np.random.Generator, *, library: Library, config: CubesConfig) -> np.ndarray:
    return training_cube(crop, library, rng, config) if crop.dtype == np.uint8 else crop


def load_cube(path: Path, task: Task) -> Float16[np.ndarray, "h w bands"]:
    """A cube at the task's wavelengths, which one that names none must have. Half precision: memory is short."""
    cube = read_cube(path)
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


def evenly_chosen(files: Sequence[File], task: Task) -> list[File]:
    count = min(VALIDATION_SCENES[task.output_kind], len(files))
    return [files[i] for i in np.linspace(0, len(files) - 1, count).round().astype(int)]


def centre_crop(array: Source) -> Source:
    top, left = (max(0, (length - VALIDATION_SIDE_PX) // 2) for length in array.shape[:2])
    return array[top : top + VALIDATION_SIDE_PX, left : left + VALIDATION_SIDE_PX].copy()
