"""A task is data and two functions of numpy arrays; runtime and command line read it, no code names one.

`glmha --help` reads every task, so the modules here import numpy and physics only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from glmha_cli.physics.wavelengths import SCI_NM

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Num

    from glmha_cli.io.measurements import Mask, Measurement


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """The input of a `measurement` task: a detector image, the mask that coded it, the shift per band in px.

    As a photo it has the shape (h, w) of its result, and `scene[start:stop]` is what belongs to those rows:
    light is dispersed along the rows alone.
    """

    measurement: Measurement
    mask: Mask
    step: int = 2

    @property
    def shape(self) -> tuple[int, int]:
        """BadDataError where measurement and mask do not fit."""
        from glmha_cli.io.measurements import check_fit

        bands = len(SCI_NM)
        check_fit(self.measurement, self.mask, step=self.step, bands=bands)
        h, w_ext = self.measurement.values.shape
        return h, w_ext - self.step * (bands - 1)

    def __getitem__(self, rows: slice) -> Scene:
        return replace(
            self,
            measurement=replace(self.measurement, values=self.measurement.values[rows]),
            mask=replace(self.mask, values=self.mask.values[rows]),
        )


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing the tool does.

    input_kind: `photo` gives `prepare` an sRGB photo (h, w, 1 or 3), uint8, uint16 or float32 in [0, 1];
        `measurement` a `Scene`. Of either, all or some rows: what a row becomes depends on no other.
    output_kind: `photo` pixels, or a `cube` whose bands are at `wavelength_nm`.
    network: the host network of its checkpoints (glmha_cli.networks).
    protocol: the metric protocol its quality is given in (README, "Protocols").
    examples: command lines for --help.
    prepare(source): the network's inputs, each (h, w + extra, c) float32; `extra` columns belong to all tiles.
    finish(output, source): the network's output (h, w, c) made a valid result, in [0, 1].
    project(result, source): the closed-form step that makes a result agree with its input; None if there is none.
    """

    name: str
    summary: str
    input_kind: Literal["photo", "measurement"]
    output_kind: Literal["photo", "cube"]
    network: str
    protocol: str
    examples: tuple[str, ...]
    prepare: Callable[[Any], tuple[Float[np.ndarray, "h w_in c"], ...]]
    finish: Callable[[Float[np.ndarray, "h w c"], Any], Float[np.ndarray, "h w c"]]
    project: Callable[[Float[np.ndarray, "h w c"], Any], Float[np.ndarray, "h w c"]] | None = None
    wavelength_nm: tuple[float, ...] = ()


def photo_as_it_is(photo: Num[np.ndarray, "h w c"]) -> tuple[Float[np.ndarray, "h w 3"]]:
    """`prepare` of tasks whose network reads the photo itself."""
    from glmha_cli.io.photos.read import as_pixels

    return (as_pixels(photo),)


def clipped(output: Float[np.ndarray, "h w c"], source: Any) -> Float[np.ndarray, "h w c"]:
    """`finish` of tasks whose network writes the result itself."""
    return output.clip(0, 1, out=output)
