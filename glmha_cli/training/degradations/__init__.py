"""Synthetic damage for training and validation: clean photos in, damaged photos out, seeded, numpy only.

A degradation is a frozen config of its knobs with two methods: `training()` gives the function that damages
a crop, (image (h, w, 3) float32 in [0, 1], rng) -> the same; `validation()` gives such functions by the
name of the validation set they make, in which at least one mechanism differs from training.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Degrade = Callable[[Float[np.ndarray, "h w 3"], np.random.Generator], Float[np.ndarray, "h w 3"]]

DEGRADATIONS = {
    "rain": "glmha_cli.training.degradations.rain:RainConfig",
}
