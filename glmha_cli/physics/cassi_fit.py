"""Whether a measurement was coded by a mask, told without reconstructing anything.

Where a scene is smooth, a detector pixel is as bright as the mask lets light of all bands through there. So the fine
structure of the measurement correlates with that of the shifted masks' sum; with any other mask, or the same one turned
or mirrored, it does not. To which side light is dispersed cannot be told so: the sum is the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.physics import cassi

SMOOTH_PX = 15
"""Side of the window over which a scene is taken as smooth."""
LEAST_FIT = 0.2
"""Correlation from which on a mask is taken as the right one; of others it is within a few hundredths of 0."""

_TURNS = {
    "as it is": lambda mask: mask,
    "mirrored left to right": lambda mask: mask[:, ::-1],
    "mirrored top to bottom": lambda mask: mask[::-1],
    "turned by half": lambda mask: mask[::-1, ::-1],
    "transposed": lambda mask: mask.T,
    "turned left": lambda mask: np.rot90(mask),
    "turned right": lambda mask: np.rot90(mask, -1),
    "transposed and turned by half": lambda mask: mask[::-1, ::-1].T,
}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """mask: how it is to be laid. correlation: of the two fine structures, -1 to 1."""

    mask: str
    correlation: float


def fits(
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    step: int,
    bands: int,
) -> list[Fit]:
    """All ways to lay the mask under the measurement whose sizes agree, the one that fits best first."""
    return sorted(_fits(measurement, mask, step, bands), key=lambda fit: fit.correlation, reverse=True)


def better_fit(
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    step: int,
    bands: int,
) -> Fit | None:
    """How the mask has to be laid where that is plainly another way than as it is; None else, soon."""
    found = _fits(measurement, mask, step, bands)
    as_it_is = next(found, None)
    if as_it_is is None or as_it_is.correlation >= LEAST_FIT:
        return None
    best = max(found, key=lambda fit: fit.correlation, default=as_it_is)
    return best if best.correlation >= LEAST_FIT else None


def _fits(measurement: np.ndarray, mask: np.ndarray, step: int, bands: int) -> Iterator[Fit]:
    """As it is first, if it can be laid so."""
    if mask.ndim == 3:
        if mask.shape[:2] == measurement.shape:
            yield Fit(mask="as it is", correlation=_correlation(measurement, mask.sum(axis=2)))
        return
    for name, turn in _TURNS.items():
        turned = turn(mask)
        if (turned.shape[0], turned.shape[1] + abs(step) * (bands - 1)) == measurement.shape:
            light = np.zeros_like(measurement)
            for i in range(bands):
                light[:, abs(step) * i : abs(step) * i + turned.shape[1]] += turned
            yield Fit(mask=name, correlation=_correlation(measurement, light))


def _correlation(measurement: Float[np.ndarray, "h w_ext"], light: Float[np.ndarray, "h w_ext"]) -> float:
    """Of what each has beyond its local mean, where the light is that of a scene as bright as the measurement there."""
    mean, light_mean = _blurred(measurement), _blurred(light)
    expected = light * np.divide(mean, light_mean, out=np.zeros_like(mean), where=light_mean > cassi.SMALLEST_GRAM)
    fine, expected_fine = measurement - mean, expected - _blurred(expected)
    size = float(np.linalg.norm(fine) * np.linalg.norm(expected_fine))
    return float((fine * expected_fine).sum()) / size if size else 0.0


def _blurred(image: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    from scipy.ndimage import uniform_filter

    return uniform_filter(image.astype(np.float64), min(SMOOTH_PX, *image.shape), mode="nearest")
