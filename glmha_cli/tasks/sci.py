"""Reconstruct a cube of 28 bands from one coded snapshot (CASSI, single disperser)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from glmha_cli.physics.wavelengths import SCI_NM
from glmha_cli.tasks.base import Task, clipped

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from glmha_cli.io.measurements.model import Mask, Measurement

BANDS = len(SCI_NM)
WHOLE_PX = 1024
"""A tile's statistics set its mean colour, so those of different parts of a scene differ; a snapshot of up to so many
pixels squared is one tile. Those of a larger one are levelled, and are whole rows: the light of a pixel is dispersed
over 54 columns, and what falls in from beside a tile would be taken for its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """The input of a `measurement` task: a detector image, the mask that coded it, the shift per band in px.

    A step below 0: dispersed to the left. That is the mirror image of what the network knows, and so it is taken.
    As a photo it has the shape (h, w) of its result, and `scene[start:stop]` is what belongs to those rows:
    light is dispersed along the rows alone.
    """

    measurement: Measurement
    mask: Mask
    step: int = 2

    @property
    def shape(self) -> tuple[int, int]:
        """BadDataError where measurement and mask do not fit."""
        from glmha_cli.io.measurements.fit import check_fit

        check_fit(self.measurement, self.mask, step=self.step, bands=BANDS)
        h, w_ext = self.measurement.values.shape
        return h, w_ext - abs(self.step) * (BANDS - 1)

    def __getitem__(self, rows: slice) -> Scene:
        return replace(
            self,
            measurement=replace(self.measurement, values=self.measurement.values[rows]),
            mask=replace(self.mask, values=self.mask.values[rows]),
        )

    def rightward(self) -> Scene:
        """The scene, or its mirror image where light is dispersed to the left."""
        if self.step >= 0:
            return self
        return Scene(
            measurement=replace(self.measurement, values=self.measurement.values[:, ::-1]),
            mask=replace(self.mask, values=self.mask.values[:, ::-1]),
            step=-self.step,
        )

    def mirrored(self, cube: Float[np.ndarray, "h w *bands"]) -> Float[np.ndarray, "h w *bands"]:
        """A cube or measurement of `rightward()` as one of this scene, and the other way round."""
        return cube if self.step >= 0 else cube[:, ::-1]


def scene_of(measurement: Measurement, mask: Mask, *, step: int = 2) -> Scene:
    """The scene of a file; of a real measurement the detector's dark level counts as light of an even background.

    BadDataError where measurement and mask do not fit.
    """
    from glmha_cli.physics import cassi

    scene = Scene(measurement=measurement, mask=mask, step=step)
    if measurement.kind == "simulated" or not all(scene.shape):
        return scene
    right = scene.rightward()
    values = cassi.with_dark_level_as_light(right.measurement.values, right.mask.values, bands=BANDS, step=right.step)
    return replace(scene, measurement=replace(measurement, values=scene.mirrored(values)))


def notes_of(scene: Scene) -> tuple[str, ...]:
    """What a user should know of a scene, one sentence each. A mask of the right size may still lie in another
    orientation than the one in which it coded the measurement.
    """
    from glmha_cli.physics.cassi_fit import better_fit

    measurement, mask = scene.measurement, scene.mask
    notes = [*measurement.notes, *mask.notes]
    if measurement.kind == "real":
        notes.insert(0, "a real measurement: the cube's absolute scale is unknown")
    better = better_fit(measurement.values, mask.values, step=scene.step, bands=BANDS)
    if better is not None:
        notes.append(f"the mask does not fit as it is, but {better.mask} (glmha sci --check MEASUREMENT MASK)")
    return tuple(notes)


def prepare(scene: Scene) -> tuple[Float[np.ndarray, "h w 28"], Float[np.ndarray, "h w_ext 28"]]:
    """H, the measurement shifted back, and Phi, the shifted mask; BadDataError where the two do not fit."""
    from glmha_cli.io.measurements.fit import check_fit
    from glmha_cli.physics import cassi

    check_fit(scene.measurement, scene.mask, step=scene.step, bands=BANDS)
    scene = scene.rightward()
    y = scene.measurement.y(bands=BANDS)
    return cassi.network_input(y, bands=BANDS, step=scene.step), shifted(scene)


def shifted(scene: Scene) -> Float[np.ndarray, "h w_ext 28"]:
    """Phi: as measured, or made of the plain mask."""
    from glmha_cli.physics import cassi

    if scene.mask.is_shifted:
        return scene.mask.values
    return cassi.shifted_mask(scene.mask.values, bands=BANDS, step=scene.step)


def project(cube: Float[np.ndarray, "h w 28"], scene: Scene) -> Float[np.ndarray, "h w 28"]:
    """The nearest cube consistent with the measurement, then without the negative values that noise asks for."""
    from glmha_cli.physics import cassi

    right = scene.rightward()
    y = right.measurement.y(bands=BANDS)
    return scene.mirrored(cassi.project(scene.mirrored(cube), y, right.mask.values, step=right.step).clip(0, 1))


def finish(output: Float[np.ndarray, "h w 28"], scene: Scene) -> Float[np.ndarray, "h w 28"]:
    """The network's output in [0, 1], as `scene` has its columns."""
    return scene.mirrored(clipped(output, scene))


SCI = Task(
    name="sci",
    summary="Reconstruct a cube of 28 bands, 453.5-648 nm, from coded snapshots (CASSI).",
    input_kind="measurement",
    output_kind="cube",
    network="mst",
    protocol="kaist",
    examples=(
        "glmha sci measurement.mat cube.mat --mask mask.mat",
        "glmha sci --check measurement.mat mask.mat",
    ),
    prepare=prepare,
    finish=finish,
    project=project,
    wavelength_nm=SCI_NM,
    tile_px=WHOLE_PX,
    independent_rows=True,
)
