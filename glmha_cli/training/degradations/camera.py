"""Photos of reflectance cubes, for rgb2hsi: rendered by physics.colour, some of them noisy or through JPEG."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import render_linear
from glmha_cli.srgb import linear_to_srgb
from glmha_cli.training.degradations import Degrade, MakePair, aiming_at_the_image
from glmha_cli.training.degradations.sensor import add_noise, from_levels, log_uniform, through_jpeg, to_levels


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """Of all samples the share `noisy` has shot noise (variance per light: `shot`, white is 1) and read noise
    (`read`), the share `compressed` went through JPEG of a quality in `jpeg_quality`.
    """

    noisy: float = 0.3
    compressed: float = 0.3
    shot: tuple[float, float] = (1e-5, 1e-3)
    read: tuple[float, float] = (2e-4, 5e-3)
    jpeg_quality: tuple[int, int] = (70, 98)

    def __post_init__(self) -> None:
        if not (0 <= self.noisy <= 1 and 0 <= self.compressed <= 1):
            raise BadDataError(f"shares of {self.noisy} noisy and {self.compressed} compressed photos", "0..1 each")

    def training(self) -> Sequence[MakePair]:
        return [aiming_at_the_image(lambda cube, rng: photograph(cube, rng=rng, config=self))]

    def validation(self) -> dict[str, Degrade]:
        """Perfect photos: of validation cubes it is the spectra and their mixture that training never saw."""
        perfect = CameraConfig(noisy=0, compressed=0)
        return {"photo": lambda cube, rng: photograph(cube, rng=rng, config=perfect)}


def photograph(
    cube: Float[np.ndarray, "h w 31"], *, rng: np.random.Generator, config: CameraConfig
) -> Float[np.ndarray, "h w 3"]:
    """The sRGB photo of a cube in [0, 1] under D65, in 8-bit levels as float32 in [0, 1]."""
    linear = render_linear(cube)
    if rng.random() < config.noisy:
        light = linear.clip(0)
        linear = add_noise(light, rng, shot=log_uniform(rng, config.shot), read=log_uniform(rng, config.read))
    levels = to_levels(linear_to_srgb(linear.clip(0, 1)))
    if rng.random() < config.compressed:
        levels = through_jpeg(levels, rng, config.jpeg_quality)
    return from_levels(levels)
