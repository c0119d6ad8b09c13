"""The PyTorch engine: batches against single tiles, and values that lower precision cannot hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glmha_cli.api.model import load
from glmha_cli.errors import BadDataError
from glmha_cli.evaluation.metrics import rgb_psnr_db
from glmha_cli.inference import torch_engine
from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.loader import open_restorer
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.inference.torch_engine import TorchEngine
from glmha_cli.tasks.derain import DERAIN
from tests.io.photos.photos import noise

EXAMPLES = Path(__file__).parents[2] / "examples"
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


@pytest.mark.parametrize(("dtype", "precision"), [("uint8", "bf16"), ("uint16", "fp32"), ("float32", "fp32")])
def test_photos_of_8_bits_are_computed_in_bfloat16_where_the_cpu_does_it_well(
    tiny_model, monkeypatch, dtype, precision
):
    monkeypatch.setattr(torch_engine, "computes_float16_well", lambda: False)
    monkeypatch.setattr(torch_engine, "bfloat16_pays", lambda: True)
    photo = {"uint8": noise(40, 30, 3), "uint16": noise(40, 30, 3) * np.uint16(257), "float32": TILES[0]}[dtype]
    restorer = open_restorer(DERAIN, tiny_model, EngineOptions(device="cpu"), project=True, say=print)
    result = restorer.restore(photo)
    assert restorer.computing.precision == precision and restorer.engine.precision == "fp32"
    asked = open_restorer(DERAIN, tiny_model, EngineOptions(device="cpu", precision="fp32"), project=True, say=print)
    exact = asked.restore(photo)
    assert asked.computing.precision == asked.described_precision == "fp32"
    assert np.array_equal(result, exact) == (precision == "fp32")
    monkeypatch.setattr(torch_engine, "bfloat16_pays", lambda: False)
    elsewhere = open_restorer(DERAIN, tiny_model, EngineOptions(device="cpu"), project=True, say=print)
    assert np.array_equal(elsewhere.restore(photo), exact)


@pytest.mark.parametrize(
    ("task", "photos"), [("derain", ("rainy.png", "clean.png")), ("deblur", ("blurred.png", "sharp.png"))]
)
def test_bfloat16_is_enough_for_8_bits(task, photos):
    """With the bundled weights no value moves by more than one step, where it is the default; elsewhere PyTorch's
    operators round maps once more between the steps that are compiled there.
    """
    damaged, truth = (np.asarray(Image.open(EXAMPLES / task / name).convert("RGB"))[:256, :256] for name in photos)
    coarse, exact = (load(task, engine="torch", precision=each, scale="1")(damaged) for each in ("bf16", "fp32"))
    moved = np.abs(coarse.astype(int) - exact)
    assert 0 < moved.max() <= (1 if torch_engine.bfloat16_pays() else 2) and moved.mean() < 0.05
    assert abs(rgb_psnr_db(coarse, truth) - rgb_psnr_db(exact, truth)) < 0.01


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
