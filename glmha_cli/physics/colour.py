"""Between reflectance cubes on the 31-band grid (400..700 nm, step 10) and sRGB photos.

A cube holds reflectance relative to a perfect white diffuser. Under CIE D65, seen by the CIE 1931 2-degree
observer, it renders to linear RGB = (M T' r) / (M T' 1) per channel: a spectrum of ones is exactly white.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.physics.srgb_spectra import BAND_TO_RGB, PRIMARY_TO_BAND
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

TO_RGB = np.array(BAND_TO_RGB)
SMOOTH_NM = 60.0
"""Reflectances change together over such a distance (correlation 1/e); a change of colour is spread like that."""

LIKENESS = np.exp(-np.abs(np.subtract.outer(RGB2HSI_NM, RGB2HSI_NM)) / SMOOTH_NM)


def likely_change(
    covariance: Float[np.ndarray, "31 31"], to_rgb: Float[np.ndarray, "31 3"] = TO_RGB
) -> Float[np.ndarray, "3 31"]:
    """What a change of linear sRGB most likely is as a change of spectra of this covariance (Wiener estimate); it
    renders to exactly that change.
    """
    return np.linalg.solve(to_rgb.T @ covariance @ to_rgb, to_rgb.T @ covariance)


@dataclass(frozen=True, eq=False)
class Light:
    """What a camera whose white is right sees of reflectances in a light.

    to_rgb: band -> linear sRGB; each colour sums to 1. change: of linear sRGB -> the most likely one of a smooth
    spectrum. primaries: spectra in [0, 1] of the primaries of sRGB in this light, 1 together in each band. steps: that
    bring spectra onto a photo; more than one where no reflectance is as saturated as sRGB's primaries in this light.
    """

    to_rgb: Float[np.ndarray, "31 3"]
    change: Float[np.ndarray, "3 31"]
    primaries: Float[np.ndarray, "31 3"]
    steps: int = 1


D65 = Light(TO_RGB, likely_change(LIKENESS), np.array(PRIMARY_TO_BAND))


def render_linear(cube: Float[np.ndarray, "h w 31"], light: Light = D65) -> Float[np.ndarray, "h w 3"]:
    """Linear sRGB of a reflectance cube, not clipped: colours outside sRGB leave [0, 1]."""
    return cube @ light.to_rgb.astype(cube.dtype)


def render(cube: Float[np.ndarray, "h w 31"], light: Light = D65) -> Float[np.ndarray, "h w 3"]:
    """The sRGB photo of a reflectance cube, clipped to [0, 1]."""
    return linear_to_srgb(render_linear(cube, light).clip(0, 1))


LEAST_COVERED = 0.5
"""Of what is positive in a colour's curve: with less, the negative rest rules, and red turns into its opposite."""


def rendering_weights(wavelength_nm: Sequence[float]) -> Float[np.ndarray, "bands 3"]:
    """Band -> linear sRGB for any rising wavelengths: a spectrum of ones is white, whatever the grid covers.

    The table's curves, interpolated, times the width that each band stands for; each colour is scaled to 1. A
    grid that leaves out the ends of the visible range shows colours as if they held no information there; BadDataError
    for one that leaves out more than half of red, green or blue.
    """
    curves = np.stack([np.interp(wavelength_nm, RGB2HSI_NM, curve, left=0, right=0) for curve in TO_RGB.T], axis=1)
    widths = np.abs(np.gradient(wavelength_nm)) if len(wavelength_nm) > 1 else np.zeros(1)
    weights = curves * widths[:, None]
    whole = TO_RGB.clip(min=0).sum(axis=0) * (RGB2HSI_NM[1] - RGB2HSI_NM[0])
    if (weights.clip(min=0).sum(axis=0) < LEAST_COVERED * whole).any():
        raise BadDataError("the cube's wavelengths do not cover red, green and blue")
    return weights / weights.sum(axis=0)


def project_onto_photo(
    cube: Float[np.ndarray, "h w 31"], photo: Float[np.ndarray, "h w 3"], light: Light = D65
) -> Float[np.ndarray, "h w 31"]:
    """The cube in [0, 1] near `cube` that renders exactly to `photo` (sRGB, [0, 1]), pixel by pixel.

    First the most likely change of a smooth spectrum, r + K A^T (A K A^T)^-1 (rgb - A r), with A = `light.to_rgb` and
    K = LIKENESS: the least one where steps between neighbouring bands count as well as size. Where that leaves [0, 1],
    the spectrum moves straight toward `light.primaries` @ rgb, just far enough to come back in: both ends of the
    line render to the photo, so each point on it does. Clipping instead would spoil the colour. In a light whose
    primaries do not quite (`Light.steps`), colours more saturated than reflectances are there stay off by the rest.
    """
    linear = srgb_to_linear(photo).astype(cube.dtype, copy=False)
    for _ in range(light.steps):
        cube = _step(cube, linear, light)
    return cube


def _step(
    cube: Float[np.ndarray, "h w 31"], linear: Float[np.ndarray, "h w 3"], light: Light
) -> Float[np.ndarray, "h w 31"]:
    nearest = cube + (linear - render_linear(cube, light)) @ light.change.astype(cube.dtype)
    bands = [nearest[..., i] for i in range(nearest.shape[2])]  # views: one cube in memory, not five
    share = np.zeros(cube.shape[:2], cube.dtype)
    for r, inside in zip(bands, _spectra_inside(linear, light), strict=True):
        outside = r - r.clip(0, 1)
        np.divide(outside, r - inside, out=outside, where=outside != 0)
        np.maximum(share, outside, out=share)
    for r, inside in zip(bands, _spectra_inside(linear, light), strict=True):
        r += share * (inside - r)
    return nearest.clip(0, 1, out=nearest)  # rounding only


def _spectra_inside(linear: Float[np.ndarray, "h w 3"], light: Light) -> Iterator[Float[np.ndarray, "h w"]]:
    """Band after band of the spectra `light.primaries` @ rgb, in [0, 1] (clipped for rounding)."""
    for primaries in light.primaries.astype(linear.dtype):
        yield (linear @ primaries).clip(0, 1)


def delta_e_2000(image_a: Float[np.ndarray, "h w 3"], image_b: Float[np.ndarray, "h w 3"]) -> float:
    """Mean CIEDE2000 colour difference of two sRGB images in [0, 1]; about 1 is just noticeable."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    lab_a, lab_b = (rgb2lab(image.astype(np.float64)) for image in (image_a, image_b))
    return float(deltaE_ciede2000(lab_a, lab_b).mean())
