"""`load` a model; call it with an image, or ask it for a cube."""

import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from jaxtyping import Num

from glmha_cli.api.images import area_shown, array_of, kind_of
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.inference.blend import Blend
from glmha_cli.inference.engine import Device, EngineOptions, Precision
from glmha_cli.inference.loader import Loader
from glmha_cli.inference.restorer import OnTile, Restorer, Say
from glmha_cli.inference.scales import Scales
from glmha_cli.inference.tiling import tiling_for
from glmha_cli.io.cubes.cube import Cube
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.io.measurements.read import as_mask, as_measurement
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import in_depth
from glmha_cli.lookup import resolve
from glmha_cli.physics.wavelengths import DEFAULT_LIGHT
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task
from glmha_cli.tasks.rgb2hsi import in_light
from glmha_cli.tasks.sci import notes_of, scene_of
from glmha_cli.weights.store import Access, Weights, describe

Image = TypeVar("Image")
Noted = tuple[Any, tuple[str, ...]]  # what a task takes, and what to say of it


def load(
    task_or_model: str | os.PathLike[str],
    *,
    device: Any = "auto",
    precision: Precision = "auto",
    engine: str = "auto",
    tile: str | int = "auto",
    overlap: int | None = None,
    scale: str | int = "auto",
    project: bool = True,
    weights_dir: str | os.PathLike[str] | None = None,
    offline: bool = False,
    accept_licence: bool = False,
    on_warning: Say | None = None,
) -> "Model":
    """Load a model, to be called as often as you like.

    Args:
        task_or_model: a task ("derain", "deblur", "rgb2hsi", "sci") for its default model, the id of a model
            (`glmha models`), or the path of a .safetensors or .onnx checkpoint.
        device: "auto" (a GPU if there is one), "cpu", "cuda" or "mps", also as a torch.device.
        precision: "auto", "fp32", "bf16" or "fp16".
        engine: "auto", "torch" or "onnx".
        tile: "auto", "whole", or the side of the tiles in pixels; overlap: pixels shared by neighbouring tiles.
        scale: at which photos are corrected: "1", "1/2", "1/4,1" from coarse to fine, or "auto" to find it from each.
        project: for cubes, end with the step that makes them agree with their input.
        weights_dir: a folder to look into first. offline: download nothing. accept_licence: agree to the model's terms.
        on_warning: takes warnings as text; by default they are Python warnings.

    Raises:
        UsageError: unknown task, model or option, or a device that this machine does not have (a ValueError).
        NoInputError: no such checkpoint or folder (a FileNotFoundError). BadDataError: a damaged one (a ValueError).
        WeightsUnavailableError: no weights to be had.
    """
    warn = on_warning or partial(warnings.warn, stacklevel=2)
    name = os.fspath(task_or_model)
    task = resolve(TASKS, describe(name)["task"], "task")
    tiling = tiling_for(task, tile, overlap)
    computing, scales = cast(Device, str(device)), Scales.parse(str(scale))
    options = EngineOptions(engine=engine, device=computing, precision=precision, tiling=tiling, scales=scales)
    access = Access(
        weights_dir=None if weights_dir is None else Path(weights_dir),
        offline=offline,
        accept_licence=accept_licence,
        say=logging.getLogger("glmha_cli").info,
    )
    loader = Loader(task=task, model=name, engine=options, access=access, project=project)
    weights = loader.find()
    return Model(weights=weights, restorer=loader.load(weights, say=warn), warn=warn)


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A loaded model. Made by `load`; for one thread at a time.

    on_tile(done, total), where a method takes it, is called as tiles are done: for a progress bar.
    """

    weights: Weights
    restorer: Restorer
    warn: Say

    @property
    def task(self) -> Task:
        return self.restorer.task

    def __repr__(self) -> str:
        restorer = self.restorer
        how = f"{restorer.engine.device}, {restorer.described_precision}"
        return f"<glmha model {self.weights.id} for {self.task.name}, {how}>"

    def __call__(
        self, image: Image, *, strength: float = 1.0, only: Any = None, on_tile: OnTile | None = None
    ) -> Image:
        """Restore an image: the result is of the same type, shape and dtype, as the file of `glmha derain` would be.

        image: NumPy (h, w), (h, w, 1), (h, w, 3) or with alpha (h, w, 2), (h, w, 4); PyTorch (c, h, w) or
            (b, c, h, w), on any device, without gradients; Pillow; or a Photo of `read_photo`. uint8, uint16 or floats
            in [0, 1]. Gray stays gray, alpha stays as it is, and so does what Pillow or a Photo carries beside pixels.
        strength: how much of the correction is made, 0..1. only: a mask of the image's size, any image or bools;
            what is white or true is restored, feathered inward, and the rest stays as it is.

        Raises BadDataError (a ValueError), which says what is accepted, for any other shape, dtype or range, and for a
        mask of another size; UsageError for another strength, and for a model that reconstructs cubes;
        NotEnoughMemoryError where even small tiles are too large.
        """
        if not self.task.restores_photos:
            raise UsageError(f"{self.task.name} gives a cube, not an image", "model.cube(…)")
        kind, blend = kind_of(image), Blend(strength=strength, area=None if only is None else area_shown(only))
        photos = kind.photos(image)
        restored: list[Photo] = []
        for photo in photos:
            tiles = _part(on_tile, len(restored), len(photos))
            store = partial(in_depth, bit_depth=photo.bit_depth, grayscale=photo.grayscale)
            colours = self.restorer.restore(photo.colours, blend=blend, store=store, on_tile=tiles)
            restored.append(replace(photo, colours=colours))
        return kind.like(restored, image)

    def cube(
        self,
        source: Any,
        *,
        mask: Mask | Num[np.ndarray, "..."] | None = None,
        step: int = 2,
        normalise: bool = False,
        illuminant: str = DEFAULT_LIGHT,
        on_tile: OnTile | None = None,
    ) -> Cube:
        """Reconstruct a cube: a float32 array (h, w, bands) in [0, 1] with `wavelength_nm`.

        source: for rgb2hsi one image, as `__call__` takes it; colours are sRGB, or a Photo's or Pillow image's by its
            ICC profile. For sci a measurement (h, w + step * 27), Y of a cube in [0, 1], or what `read_measurement`
            returns.
        mask, step, normalise: for sci alone. The mask of the camera, (h, w) or shifted (h, w_ext, 28); the dispersion
            between neighbouring bands in pixels; the measurement is a real one, of unknown scale.
        illuminant: for rgb2hsi alone, the light of the scene: "D65", "D50", "A", "F2", …, or a .csv of a measured one.

        Raises BadDataError (a ValueError) for what is not accepted, UsageError for a model that restores photos.
        """
        if self.task.restores_photos:
            raise UsageError(f"{self.task.name} restores images and gives no cube", "model(image)")
        read = _SOURCES[self.task.input_kind]
        value, notes = read(self, source, mask=mask, step=step, normalise=normalise, illuminant=illuminant)
        for note in notes:
            self.warn(note)
        values = self.restorer.restore(value, on_tile=on_tile or _silent)
        return Cube(values=values, wavelength_nm=self.task.wavelength_nm)

    def _colours(self, image: Any, *, mask: Any, illuminant: str, **options: Any) -> Noted:
        if mask is not None:
            raise UsageError(f"{self.task.name} takes photos, which have no mask", "model.cube(photo)")
        photos = kind_of(image).photos(image)
        if len(photos) != 1:
            raise BadDataError(f"a batch of {len(photos)} images; a cube is made of one", "model.cube(image) for each")
        colours, notes = srgb_colours(photos[0])
        return in_light(colours, illuminant), notes

    def _scene(self, measurement: Any, *, mask: Any, step: int, normalise: bool, **options: Any) -> Noted:
        if mask is None:
            raise UsageError(f"{self.task.name} needs the mask of the camera", "model.cube(measurement, mask=mask)")
        if not isinstance(measurement, Measurement):
            measurement = as_measurement(array_of(measurement), normalise=normalise)
        scene = scene_of(measurement, mask if isinstance(mask, Mask) else as_mask(array_of(mask)), step=step)
        return scene, notes_of(scene)


_SOURCES: Mapping[str, Callable[..., Any]] = {"photo": Model._colours, "measurement": Model._scene}


def _silent(done: int, total: int) -> None:
    """No progress."""


def _part(on_tile: OnTile | None, index: int, num: int) -> OnTile:
    """Progress of one of `num` images of the same size as progress of all."""
    if on_tile is None:
        return _silent
    return lambda done, total: on_tile(index * total + done, num * total)
