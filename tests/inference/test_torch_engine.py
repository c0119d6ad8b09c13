"""The PyTorch engine: batches against single tiles, and values that lower precision cannot hold."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from glmha_cli.errors import BadDataError
from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.inference.torch_engine import TorchEngine
from glmha_cli.tasks.derain import DERAIN
from tests.io.photos.photos import noise

TILES = np.random.default_rng(0).random((3, 16, 16, 3), dtype=np.float32)


@dataclass
class Config:
    size_multiple: int = 8


class Overflowing(torch.nn.Module):
    """Where autocast is on, tiles that begin with more than 0.5 become `bad`; at `always` in float32 too."""

    def __init__(self, bad, always=False):
        super().__init__()
        self.config, self.bad, self.always, self.seen = Config(), bad, always, []

    def forward(self, x):
        low = torch.is_autocast_enabled("cpu")
        self.seen.append((len(x), low))
        is_bad = (x[:, :1, :1, :1] > 0.5) & (low or self.always)
        return torch.where(is_bad, torch.full_like(x, self.bad), x)


def engine_of(network, precision="bf16"):
    return TorchEngine(network, device="cpu", precision=precision, about={"network": {}})


def test_batches_give_what_single_tiles_give(tiny_model):
    engine = open_engine(tiny_model, EngineOptions(device="cpu"))
    single = np.stack([engine.run(tile) for tile in TILES])
    (together,) = engine.run_batches([(TILES,)])
    np.testing.assert_allclose(together, single, atol=1e-6)
    in_turn = list(engine.run_batches((TILES[i : i + 1],) for i in range(3)))
    np.testing.assert_allclose(np.concatenate(in_turn), single, atol=1e-6)
    assert list(engine.run_batches([])) == []


def test_a_photo_in_batches_is_the_photo_in_single_tiles(tiny_model):
    engine, photo = open_engine(tiny_model, EngineOptions(device="cpu")), noise(70, 150, 3)
    one, several = (
        Restorer(task=DERAIN, engine=engine, tiling=Tiling(tile_px=32, overlap_px=8), batch=batch).restore(photo)
        for batch in (1, 4)
    )
    np.testing.assert_allclose(several, one, atol=1e-5)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_only_the_tiles_that_overflow_are_computed_again_in_float32(bad):
    tiles = TILES.copy()
    tiles[:, 0, 0, 0] = 0.2, 0.9, 0.3
    network = Overflowing(bad)
    (result,) = engine_of(network).run_batches([(tiles,)])
    np.testing.assert_array_equal(result, tiles)
    assert network.seen == [(3, True), (1, False)]


def test_values_that_are_not_finite_in_float32_either_are_refused():
    tile = np.full((16, 16, 3), 0.9, np.float32)
    for precision in ("fp32", "bf16"):
        with pytest.raises(BadDataError, match="infinite or NaN"):
            engine_of(Overflowing(np.inf, always=True), precision).run(tile)


def test_the_engine_knows_its_room(tiny_model):
    assert open_engine(tiny_model, EngineOptions(device="cpu")).room_px() > 64 * 64
