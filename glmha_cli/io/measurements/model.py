"""What a coded camera delivers: a measurement, and the mask that coded it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

BANDS = 28
LARGEST_TRANSMISSION = 1.2
"""Noise and calibration go so far above 1; what is larger are counts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """One detector image.

    values: "simulated": Y itself, for a cube in [0, 1] between 0 and the number of bands. "real": clipped to
        [0, 1], then scaled to a maximum of 0.8; this is the scale of the networks' H = shift-back(values).
    kind: of a real one the absolute scale is unknown, which a result must say.
    notes: what else was done to the file's numbers.
    """

    values: Float[np.ndarray, "h w_ext"]
    kind: Literal["simulated", "real"]
    notes: tuple[str, ...] = ()

    def y(self, *, bands: int = BANDS) -> Float[np.ndarray, "h w_ext"]:
        """Y for a cube in [0, 1]: `values`, times bands / 2 (14) if real: H is made of Y * 2 / bands."""
        return self.values if self.kind == "simulated" else self.values * np.float32(bands / 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """values: transmission, float32, not negative: a plain mask (h, w) or a shifted one (h, w_ext, bands).

    notes: what had to be done to make transmissions of a file's numbers.
    """

    values: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"]
    notes: tuple[str, ...] = ()

    @property
    def is_shifted(self) -> bool:
        return self.values.ndim == 3
