"""The mean over all orientations of a photo, with engines whose answer is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from glmha_cli.errors import UsageError
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.self_ensemble import restore_in_all_orientations
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.derain import DERAIN
from glmha_cli.tasks.sci import SCI

PHOTO = np.random.default_rng(0).random((5, 8, 3)).astype(np.float32)


@dataclass
class FakeEngine:
    """Gives back its input, times `ramp` along its columns."""

    ramp: bool = False
    size_multiple: int = 1
    stretch_input: bool = False
    device: str = "cpu"
    precision: str = "fp32"

    def run_batches(self, batches):
        for (tiles,) in batches:
            yield tiles * np.linspace(0, 1, tiles.shape[2], dtype=np.float32)[:, None] if self.ramp else tiles.copy()


def ensemble(engine, task=DERAIN):
    return restore_in_all_orientations(Restorer(task=task, engine=engine, tiling=Tiling(tile_px=None)), PHOTO)


def test_what_leaves_a_photo_as_it_is_does_so_in_every_orientation():
    np.testing.assert_allclose(ensemble(FakeEngine()), PHOTO, atol=1e-6)


def test_what_favours_a_direction_favours_none_on_average():
    """A ramp and its mirror image add up to one, along either axis."""
    np.testing.assert_allclose(ensemble(FakeEngine(ramp=True)), PHOTO / 2, atol=1e-6)


def test_measurements_are_not_turned():
    with pytest.raises(UsageError, match="cannot be rotated"):
        ensemble(FakeEngine(), SCI)
