"""A task is data and functions of numpy arrays; inference and the command line read it, and no code names one.

`glmha --help` reads every task, so the modules here import numpy and physics only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Num


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing the tool does.

    input_kind: `photo` gives `prepare` an sRGB photo (h, w, 1 or 3), uint8, uint16 or float32 in [0, 1];
        `measurement` a `tasks.sci.Scene`. Of either, all or some rows: what a row becomes depends on no other.
    output_kind: `photo` pixels, or a `cube` whose bands are at `wavelength_nm`.
    network: the host network of its checkpoints (glmha_cli.networks).
    protocol: the metric protocol its quality is given in (docs/paper.md, "Quality: the protocols").
    examples: command lines for --help.
    prepare(source): the network's inputs, each (h, w + extra, c) float32; `extra` columns belong to all tiles.
    finish(output, source): the network's output (h, w, c) made a valid result, in [0, 1].
    any_scale: a photo for which `prepare` gives the photo itself, as floats, may be corrected at reduced sizes: what
        the task removes is as many pixels larger as the photo is.
    overlaid: what the task removes lies over the photo, and is gone where it was removed, as rain is and blur is not.
    any_orientation: the input may be rotated and mirrored, and the result turns with it.
    independent_rows: each row of the input is measured by itself, and some of them, `source[start::step]`, are an input
        too; tiles are then whole rows, with the mean colours of such a smaller one (`inference.levels`).
    project(result, source): the closed-form step that makes a result agree with its input; None if there is none.
    tile_px: side of the tiles unless another is asked for.
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
    tile_px: int = 256
    any_scale: bool = False
    overlaid: bool = False
    any_orientation: bool = False
    independent_rows: bool = False

    @property
    def restores_photos(self) -> bool:
        """Whether the result is a photo like the input, rather than a cube."""
        return self.output_kind == "photo"


def photo_as_it_is(photo: Num[np.ndarray, "h w c"]) -> tuple[Float[np.ndarray, "h w 3"]]:
    """`prepare` of tasks whose network reads the photo itself."""
    from glmha_cli.io.photos.read import as_pixels

    return (as_pixels(photo),)


def clipped(output: Float[np.ndarray, "h w c"], source: Any) -> Float[np.ndarray, "h w c"]:
    """`finish` of tasks whose network writes the result itself."""
    return output.clip(0, 1, out=output)
