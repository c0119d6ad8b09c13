"""How a photo that was stored on its side or mirrored becomes upright: its samples, and places in it."""

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from jaxtyping import Num


@dataclass(frozen=True)
class Turn:
    """Rows and columns swapped, then each taken backwards."""

    swapped: bool = False
    rows_back: bool = False
    columns_back: bool = False

    def samples(self, stored: Num[np.ndarray, "h w c"]) -> Num[np.ndarray, "..."]:
        """The samples upright."""
        samples = rearrange(stored, "h w c -> w h c") if self.swapped else stored
        return samples[:: -1 if self.rows_back else 1, :: -1 if self.columns_back else 1]

    def point(self, x: float, y: float, *, right: float, bottom: float) -> tuple[float, float]:
        """Where a point (x, y) of the stored photo lies in the upright one, which ends at `right` and `bottom`."""
        x, y = (y, x) if self.swapped else (x, y)
        return right - x if self.columns_back else x, bottom - y if self.rows_back else y


# EXIF 2.32, section 4.6.4
_TO_UPRIGHT = {
    2: Turn(columns_back=True),
    3: Turn(rows_back=True, columns_back=True),
    4: Turn(rows_back=True),
    5: Turn(swapped=True),
    6: Turn(swapped=True, columns_back=True),
    7: Turn(swapped=True, rows_back=True, columns_back=True),
    8: Turn(swapped=True, rows_back=True),
}


def to_upright(orientation: int) -> Turn:
    """The turn for an orientation as EXIF numbers it; none for 1, and for numbers that mean nothing."""
    return _TO_UPRIGHT.get(orientation, Turn())
