"""What light does to a cube of reflectance before a camera sees it: another illuminant, and light that strays."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from glmha_cli.training.degradations.sensor import log_uniform

TEMPERATURE_K = (2500.0, 15000.0)
NEUTRAL_K = 6504.0
SECOND_RADIATION_NM_K = 1.438777e7
STRAY = (0.002, 0.1)
DEEPER = (0.3, 2.0)


def deepened(cube: Float[np.ndarray, "h w bands"], rng: np.random.Generator) -> Float[np.ndarray, "h w bands"]:
    """With deeper shadows, as of things before a black cloth: each pixel is darkened by a random power, in DEEPER, of
    how bright it is beside the brightest. Its colour stays."""
    bright = np.maximum(cube.mean(axis=2, keepdims=True), 0)
    return cube * (bright / max(bright.max(), np.float32(1e-6))) ** np.float32(log_uniform(rng, DEEPER))


def relit(
    cube: Float[np.ndarray, "h w bands"], wavelength_nm: Sequence[float], rng: np.random.Generator
) -> Float[np.ndarray, "h w bands"]:
    """As in the light of a black body at a random temperature, relative to one at D65's, equally bright."""
    nm = np.asarray(wavelength_nm, float)
    other, neutral = (black_body(nm, kelvin) for kelvin in (log_uniform(rng, TEMPERATURE_K), NEUTRAL_K))
    light = other / neutral
    return cube * (light / light.mean()).astype(np.float32)


def black_body(wavelength_nm: Float[np.ndarray, " bands"], kelvin: float) -> Float[np.ndarray, " bands"]:
    """Planck's law, up to a factor."""
    return wavelength_nm**-5 / np.expm1(SECOND_RADIATION_NM_K / (wavelength_nm * kelvin))


def with_stray_light(cube: Float[np.ndarray, "h w bands"], rng: np.random.Generator) -> Float[np.ndarray, "h w bands"]:
    """Of all light a random share in STRAY is spread evenly, as by glare in a lens or by haze: of the scene's mean
    spectrum, or white.
    """
    mean = cube.mean(axis=(0, 1))
    stray = mean if rng.random() < 0.5 else np.full_like(mean, mean.mean())
    share = np.float32(log_uniform(rng, STRAY))
    return cube * (1 - share) + share * stray
