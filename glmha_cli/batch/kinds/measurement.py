"""Measurements of a coded camera as inputs."""

from pathlib import Path

import numpy as np

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.errors import UsageError
from glmha_cli.io.measurements.read import read_mask, read_measurement
from glmha_cli.io.photos.read import Photo
from glmha_cli.tasks.base import Task
from glmha_cli.tasks.sci import notes_of, scene_of


class MeasurementKind:
    """A detector image, read together with the mask that coded it."""

    name = "measurement"
    readable = (".mat", ".npy", ".npz", ".tif", ".tiff", ".png")
    pipes = False

    def require(self, options: FileOptions) -> None:
        _mask_of(options)

    def read(self, path: Path, options: FileOptions) -> Source:
        measurement = read_measurement(path, key=options.key, normalise=options.normalise)
        scene = scene_of(measurement, read_mask(_mask_of(options)), step=options.step)
        return Source(value=scene, photo=None, notes=notes_of(scene))

    def picture(self, source: Source) -> Photo:
        """What the detector saw, as bright as can be; of its width, which dispersion adds to, the middle."""
        width = source.value.shape[1]
        values = source.value.measurement.values
        left = (values.shape[1] - width) // 2
        shown = (values / max(float(values.max()), 1e-6)).clip(0, 1)[:, left : left + width, None]
        return Photo(colours=shown.astype(np.float32), bit_depth=32, grayscale=True)

    def write_noise(self, folder: Path, task: Task, side_px: int) -> tuple[Path, FileOptions]:
        rng, mask = np.random.default_rng(0), folder / "mask.npz"
        options = FileOptions(mask=mask)
        width_ext = side_px + options.step * (len(task.wavelength_nm) - 1)
        np.savez(mask, mask=(rng.random((side_px, side_px)) > 0.5).astype(np.float32))
        values = len(task.wavelength_nm) / 2 * rng.random((side_px, width_ext), dtype=np.float32)
        np.savez(folder / "in.npz", simulation_test=values)
        return folder / "in.npz", options


def _mask_of(options: FileOptions) -> Path:
    if options.mask is None:
        raise UsageError("a measurement needs the mask of the camera", "--mask mask.mat")
    return options.mask


MEASUREMENT = MeasurementKind()
