"""What quality.py measures, by task: sets of (source, target), the measure, and the methods to beat."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from baselines import gap_tv, kernel_ridge, least_squares, perceptron, root_polynomial
from jaxtyping import Float
from polyblur import polyblur

from glmha_cli.evaluation.metrics import sam_deg
from glmha_cli.evaluation.protocols import PROTOCOLS, eight_bit
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.lookup import resolve
from glmha_cli.physics import cassi
from glmha_cli.physics.colour import delta_e_2000, render
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task
from glmha_cli.tasks.sci import Scene
from glmha_cli.training.checks import degradation_of
from glmha_cli.training.data.files import files_in
from glmha_cli.training.data.found import CUBE_SUFFIXES, DataPaths, find_data
from glmha_cli.training.data.pairs import pairs_by_set
from glmha_cli.training.data.photos import decode, find_photos
from glmha_cli.training.data.reflectances import read_library, read_reflectances
from glmha_cli.training.data.samples import unpacked
from glmha_cli.training.data.sources import CleanImage, load_cube, load_held_out
from glmha_cli.training.data.spectra import charts
from glmha_cli.training.data.validation import synthetic_sets, whole_samples
from glmha_cli.training.degradations.camera import CameraConfig
from glmha_cli.training.degradations.sensor import add_noise
from glmha_cli.training.degradations.snapshot import (
    VALIDATION_READ,
    VALIDATION_SHOT,
    gray_mask,
    read_plain_mask,
    window,
)
from glmha_cli.training.recipe import Recipe, load_recipe
from glmha_cli.training.scores import SCORES

SHOWN_AT_MOST_DB = 99.0  # an untouched photo has no finite PSNR
CHANNEL = {"derain": "Y", "gopro": "RGB"}
"""What a protocol takes the PSNR of photos on."""
CLASSIC = {"deblur": {"Polyblur": polyblur}}
"""Methods for photos that need no training, by task."""

Case = tuple[Any, np.ndarray]
"""A source as the task takes it, and what should come out."""
Method = Callable[[Any], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """name: the protocol. measure(source, result, target): the metrics of one image. to_beat: methods by name.

    facts: what else is said of every score. lowest: the metric whose lowest value is shown beside the mean.
    """

    name: str
    sets: Mapping[str, Sequence[Case]]
    measure: Callable[[Any, np.ndarray, np.ndarray], Mapping[str, float]]
    to_beat: Mapping[str, Method] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    lowest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Data:
    images: Sequence[Path] = ()
    pairs: Sequence[Path] = ()
    spectra: Sequence[Path] = ()
    cubes: Sequence[Path] = ()
    masks: Sequence[Path] = ()


def suites_of(task: Task, data: Data) -> Iterator[Suite]:
    if task.output_kind == "photo":
        yield photos(task, data)
    elif task.name == "rgb2hsi":
        yield from (reflectance(task, data), round_trip(data))
    else:
        yield snapshots(task, data)


def recipe_of(task: Task) -> Recipe:
    return load_recipe(f"{task.name}-lite")


def held_out_images(task: Task, data: Data) -> dict[str, list[CleanImage]]:
    found = find_data(task, DataPaths(images=data.images, spectra=data.spectra))
    library = read_library(data.spectra, task.wavelength_nm)[1] if data.spectra else None
    return load_held_out(task, found, library=library, config=recipe_of(task).cubes)


def photos(task: Task, data: Data) -> Suite:
    held_out = held_out_images(task, data) if data.images else {}
    made = synthetic_sets(held_out, degradation_of(recipe_of(task)).validation())
    sets = {name: whole_samples(pairs) for name, pairs in pairs_by_set(data.pairs, taken=made).items()} | made
    score = SCORES[task.protocol]

    def measure(source: np.ndarray, result: np.ndarray, target: np.ndarray) -> dict[str, float]:
        return {
            "psnr_db": min(score(eight_bit(result), target), SHOWN_AT_MOST_DB),
            "input_psnr_db": min(score(eight_bit(source), target), SHOWN_AT_MOST_DB),
        }

    return Suite(
        name=task.protocol,
        measure=measure,
        to_beat=CLASSIC.get(task.name, {}),
        facts={"channel": CHANNEL[task.protocol]},
        lowest="psnr_db",
        sets={name: [(unpacked(inputs[0]), clean) for inputs, clean in samples] for name, samples in sets.items()},
    )


# Cubes


def held_out_cubes(task: Task, data: Data) -> list[np.ndarray]:
    """Held-out photos in held-out spectra."""
    return [unpacked(cube) for cube in held_out_images(task, data)[""]]


def real_scenes(task: Task, data: Data) -> dict[str, list[np.ndarray]]:
    return {
        path.stem: [unpacked(load_cube(path, task))]
        for folder in data.cubes
        for path in files_in(folder, CUBE_SUFFIXES, kind="cubes")
    }


# Reflectance from photos


REGRESSIONS = {
    "least squares": least_squares,
    "kernel ridge": kernel_ridge,
    "root polynomial": root_polynomial,
    "perceptron": perceptron,
}


def reflectance(task: Task, data: Data) -> Suite:
    """Held-out spectra in the colours of photos, charts of each source's, and real cubes. The methods to beat know the
    training spectra of the first file, or of all files.
    """
    library = read_library(data.spectra, task.wavelength_nm)[1]
    drawn = {
        f"spectra of {name}": [unpacked(each)] for name, each in charts(library, recipe_of(task).cubes.sources).items()
    }
    cubes = {"photo": held_out_cubes(task, data)} | drawn | real_scenes(task, data)
    photograph, rng = CameraConfig().validation()["photo"], np.random.default_rng(0)
    known = {data.spectra[0].stem: data.spectra[:1], "all spectra": data.spectra}
    return Suite(
        name=task.protocol,
        measure=partial(by_protocol, task.protocol),
        to_beat={
            f"{name} on {which}": fit(read_reflectances(files)[0].values)
            for which, files in known.items()
            for name, fit in REGRESSIONS.items()
        },
        sets={name: [(photograph(cube, rng), cube) for cube in some] for name, some in cubes.items()},
    )


def round_trip(data: Data) -> Suite:
    """How far the cubes of whole real photos render from them; nothing of a photo's spectra need be known."""
    held_out = find_photos(data.images).held_out
    cases = ((photo, photo) for photo in (unpacked(decode(file)) for file in held_out))
    return Suite(
        name="colour",
        sets={"held-out photos": list(cases)},
        measure=lambda source, result, _: {"delta_e_2000": delta_e_2000(render(result), source)},
    )


# Cubes from snapshots


def snapshots(task: Task, data: Data) -> Suite:
    """By mask: gray ones, windows of each measured one, both with the noise of validation; and without noise. Held-out
    photos in held-out spectra are one set of each, every real scene is one more.
    """
    cubes = {"": held_out_cubes(task, data)} | real_scenes(task, data)
    cameras: dict[str, tuple[Callable[..., np.ndarray], bool]] = {"gray": (gray_mask, True)}
    for path in data.masks:
        mask = read_plain_mask(path)
        cameras[path.stem] = partial(window, [mask]), True
        cameras[f"{path.stem}, no noise"] = partial(at_corner, mask), False
    sets = {
        f"{name}, {camera}" if name else camera: [
            scene(cube, make_mask, seed, noisy=noisy) for seed, cube in enumerate(some)
        ]
        for name, some in cubes.items()
        for camera, (make_mask, noisy) in cameras.items()
    }
    return Suite(
        name=task.protocol,
        sets=sets,
        measure=partial(by_protocol, task.protocol),
        to_beat={"GAP-TV": reconstruct_by_gap_tv},
    )


def scene(cube: Float[np.ndarray, "h w 28"], make_mask: Callable[..., np.ndarray], seed: int, *, noisy: bool) -> Case:
    """As the validation of training draws it, at full precision."""
    rng = np.random.default_rng(seed)
    mask = make_mask(cube.shape[:2], rng)
    y = cassi.forward(cube, mask, step=2)
    if noisy:
        y = add_noise(y, rng, shot=VALIDATION_SHOT, read=VALIDATION_READ)
    return Scene(measurement=Measurement(values=y, kind="simulated"), mask=Mask(values=mask)), cube


def at_corner(
    mask: Float[np.ndarray, "_ _"], shape: tuple[int, int], _: np.random.Generator
) -> Float[np.ndarray, "h w"]:
    """A mask of the scene's size as it is, of a larger one the top left."""
    return np.pad(
        mask, [(0, max(0, side - length)) for side, length in zip(shape, mask.shape, strict=True)], mode="wrap"
    )[: shape[0], : shape[1]]


def reconstruct_by_gap_tv(source: Scene) -> Float[np.ndarray, "h w 28"]:
    bands = len(resolve(TASKS, "sci", "task").wavelength_nm)
    return gap_tv(source.measurement.values, source.mask.values, bands=bands, step=source.step)


def by_protocol(name: str, _: Any, result: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The protocol's metrics, and the spectral angle where it has none."""
    return {"sam_deg": sam_deg(result, target), **PROTOCOLS[name].score(result, target).metrics}
