"""Engines whose answer is known."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Identity:
    """Gives back what it gets; out of memory, in the words of `error`, above `most_px` pixels at once."""

    most_px: float = np.inf
    error: Exception = field(default_factory=MemoryError)
    room: int | None = None
    device: str = "cpu"
    precision: str = "fp32"
    size_multiple: int = 8
    stretch_input: bool = False

    def __post_init__(self):
        self.calls = []

    def run(self, image):
        return self._give_back(image[None])[0]

    def run_batches(self, batches):
        return (self._give_back(tiles) for (tiles,) in batches)

    def room_px(self):
        return self.room

    def _give_back(self, tiles):
        self.calls.append(tiles.shape[:3])
        if tiles[..., 0].size > self.most_px:
            raise self.error
        return tiles.copy()
