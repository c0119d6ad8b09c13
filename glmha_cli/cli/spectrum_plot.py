"""Spectra as curves in the colours of their pixels, beside a small picture of where those are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.evaluation.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURE_PX = 600
_OUTLINE = "#808080"


def draw(
    name: str,
    positions: Sequence[float],
    spectra: Mapping[str, Float[np.ndarray, " bands"]],
    picture: UInt8[np.ndarray, "h w 3"],
    quantity: str,
) -> "Figure":
    """spectra: pixel "x,y" -> values; an outline keeps curves of bright and of dark pixels visible."""
    figure = new_figure(9, 4)  # it tells where matplotlib is missing
    from matplotlib.patheffects import Normal, Stroke

    axes, thumbnail = figure.subplots(1, 2, width_ratios=(2, 1))
    step = max(1, max(picture.shape[:2]) // _PICTURE_PX)
    thumbnail.imshow(picture[::step, ::step], extent=(0, picture.shape[1], picture.shape[0], 0))
    thumbnail.set_axis_off()
    outline = [Stroke(linewidth=3.2, foreground=_OUTLINE), Normal()]
    for number, (text, values) in enumerate(spectra.items(), 1):
        x, y = map(int, text.split(","))
        label = f"{number}: x,y = {text}"
        axes.plot(positions, values, color=picture[y, x] / 255, linewidth=2, label=label, path_effects=outline)
        end = max((i for i, value in enumerate(values) if np.isfinite(value)), default=0)
        axes.annotate(
            str(number), (positions[end], values[end]), xytext=(4, 0), textcoords="offset points", va="center"
        )
        thumbnail.plot(x + 0.5, y + 0.5, "o", color=picture[y, x] / 255, markeredgecolor="white", path_effects=outline)
        thumbnail.annotate(
            str(number),
            (x + 0.5, y + 0.5),
            xytext=(6, 6),
            textcoords="offset points",
            color="white",
            path_effects=[Stroke(linewidth=2.5, foreground="black"), Normal()],
        )
    axes.set(xlabel="wavelength (nm)" if name == "wavelength_nm" else "band", ylabel=quantity)
    axes.yaxis.label.set_parse_math(False)  # it is a file's, where a $ begins no formula
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure
