"""Files in, files out: how each kind of input is read for a task and each kind of output written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.errors import UsageError
from glmha_cli.io.cubes.cube import SUFFIXES, Cube, write_cube
from glmha_cli.io.measurements import read_mask, read_measurement
from glmha_cli.io.photos.formats import png
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import MAX_PIXELS, Photo, read_photo
from glmha_cli.io.photos.write import JPEG_QUALITY, OUTPUT_FORMATS, storing, write_photo
from glmha_cli.tasks.base import Scene, Task


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How files are read and written.

    max_pixels: larger photos are refused before decoding. mask, key, normalise, step: of measurements.
    overwrite: replace existing outputs. quality: JPEG and WebP, 1..100. provenance: say in outputs how they were made.
    """

    max_pixels: int = MAX_PIXELS
    mask: Path | None = None
    key: str | None = None
    normalise: bool = False
    step: int = 2
    overwrite: bool = False
    quality: int = JPEG_QUALITY
    strip_metadata: bool = False
    provenance: bool = True


@dataclass(frozen=True, kw_only=True)
class Source:
    """An input as read: what the task's `prepare` takes, the photo it came from, and what the user should know."""

    value: Any
    photo: Photo | None
    notes: tuple[str, ...]


def _photo_for_photo(path: Path, options: FileOptions) -> Source:
    photo = read_photo(path, max_pixels=options.max_pixels)
    return Source(value=photo.colours, photo=photo, notes=photo.notes)


def _photo_for_cube(path: Path, options: FileOptions) -> Source:
    """Spectra are defined by sRGB colours, so other profiles are converted; a photo keeps its own."""
    photo = read_photo(path, max_pixels=options.max_pixels)
    colours, notes = srgb_colours(photo)
    if photo.alpha is not None:
        notes += ("its alpha has no place in a cube: dropped",)
    if png.has_other_colours(photo.metadata):
        notes += ("its gAMA or cICP was not applied: taken as sRGB",)
    return Source(value=colours, photo=photo, notes=photo.notes + notes)


def _scene(path: Path, options: FileOptions) -> Source:
    measurement = read_measurement(path, key=options.key, normalise=options.normalise)
    scene = Scene(measurement=measurement, mask=read_mask(options.mask), step=options.step)
    unknown_scale = "a real measurement: the cube's absolute scale is unknown"
    return Source(value=scene, photo=None, notes=(unknown_scale,) if measurement.kind == "real" else ())


_READERS: Mapping[tuple[str, str], Callable[[Path, FileOptions], Source]] = {
    ("photo", "photo"): _photo_for_photo,
    ("photo", "cube"): _photo_for_cube,
    ("measurement", "cube"): _scene,
}

READABLE = {
    "photo": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif"),
    "measurement": (".mat", ".npy", ".npz", ".tif", ".tiff"),
}
WRITABLE = {"photo": tuple(OUTPUT_FORMATS), "cube": SUFFIXES}
DEFAULT_CUBE = ".tif"


def require_mask(task: Task, mask: Path | None) -> None:
    """UsageError for a task of measurements without the mask that coded them."""
    if task.input_kind == "measurement" and mask is None:
        raise UsageError(f"{task.name} needs the mask of the camera", "--mask mask.mat")


def read_source(task: Task, path: Path, options: FileOptions) -> Source:
    """Read one input of `task`; see glmha_cli.io for what is raised."""
    return _READERS[task.input_kind, task.output_kind](path, options)


def storing_result(
    task: Task, path: Path, source: Source
) -> Callable[[Float[np.ndarray, "h w c"]], Num[np.ndarray, "h w c"]]:
    """What makes of finished rows what `write_result` will store: photos need not be kept as floats."""
    return storing(path, source.photo) if task.output_kind == "photo" else np.asarray


def _flags(options: FileOptions) -> dict[str, str]:
    """What was asked for beyond the defaults and shows in an output; of paths the name alone, for outputs are passed
    on."""
    given = {name: getattr(options, name) for name in ("key", "normalise", "step", "quality", "strip_metadata", "mask")}
    changed = {name: value for name, value in given.items() if value != getattr(FileOptions, name)}
    return {name: value.name if isinstance(value, Path) else str(value).lower() for name, value in changed.items()}


def write_result(
    task: Task,
    path: Path,
    result: Num[np.ndarray, "h w c"],
    *,
    source: Source,
    options: FileOptions,
    provenance: Mapping[str, str],
) -> list[str]:
    """Write one result of `task`, floats or as `storing_result` keeps it, whole or not at all.

    Returns what the user should know (losses of the format).
    """
    kept = {**provenance, **_flags(options)} if options.provenance else None
    if task.output_kind == "photo":
        return write_photo(
            path,
            result,
            like=source.photo,
            quality=options.quality,
            overwrite=options.overwrite,
            strip_metadata=options.strip_metadata,
            provenance=kept,
        )
    cube = Cube(values=np.ascontiguousarray(result, np.float32), wavelength_nm=task.wavelength_nm)
    write_cube(path, cube, overwrite=options.overwrite, provenance=kept)
    return []
