"""Tiles whose network sets the mean colour by what it sees: no steps between them, and nothing lost within them."""

import numpy as np
import pytest

from glmha_cli.inference.levels import THINNED, levelled, thinned_tiling
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.base import Task
from tests.inference.engines import Identity

SIDE = 192


def scene():
    """A flat background with fine texture, and one bright thing, which sets the colour of its tile."""
    rng = np.random.default_rng(0)
    values = 0.2 + 0.02 * rng.standard_normal((SIDE, SIDE, 4)).astype(np.float32)
    values[20:60, 20:60] += 0.5
    return values


class Greedy(Identity):
    """A network with the fault of channel attention: the brighter its tile on the whole, the darker its output."""

    def _give_back(self, tiles):
        return tiles - 0.3 * (tiles.mean(axis=(1, 2), keepdims=True) - 0.2)


def restored(tile_px, *, levels=True):
    task = Task(
        name="x", summary="", input_kind="photo", output_kind="cube", network="", protocol="", examples=(),
        prepare=lambda source: (source,), finish=lambda output, source: output, independent_rows=levels,
    )  # fmt: skip
    return Restorer(task=task, engine=Greedy(), tiling=Tiling(tile_px=tile_px)).restore(scene())


def background(result):
    """Means of regions in several tiles, by band."""
    places = ((2, 2), (64, 30), (30, 110), (150, 150), (90, 90))
    return np.array([result[y : y + 16, x : x + 16].mean(axis=(0, 1)) for x, y in places])


@pytest.mark.parametrize("tile_px", [64, 80, 96])
def test_the_background_has_one_colour_in_all_tiles(tile_px):
    def differ(result):
        means = background(result)
        return ((means.max(axis=0) - means.min(axis=0)) / means.mean(axis=0)).max()

    without = differ(restored(tile_px, levels=False))
    assert without > 0.1 and differ(restored(tile_px)) < min(0.06, 0.45 * without), without


def test_texture_stays_that_of_the_tiles():
    whole, tiled = restored(None), restored(64)
    inner = np.s_[100:180, 100:180]
    assert np.corrcoef(whole[inner].ravel(), tiled[inner].ravel())[0, 1] > 0.98
    assert np.abs(whole[inner] - tiled[inner]).mean() < 0.005


@pytest.mark.parametrize("height", [3, 4, 5, 31])
def test_any_height(height):
    rows = np.random.default_rng(0).random((height, 7, 2)).astype(np.float32)
    parts = list(levelled([rows[: height // 2], rows[height // 2 :]], [rows[THINNED] + 1]))
    np.testing.assert_allclose(np.concatenate(parts), rows + 1, atol=1e-5)


def test_the_smaller_scene_is_whole_unless_it_is_large():
    assert thinned_tiling((220, 660), Tiling(tile_px=64)).tile_px is None
    assert thinned_tiling((1000, 3000), Tiling(tile_px=64)).tile_px == 400
    assert thinned_tiling((1000, 3000), Tiling(tile_px=2048)).tile_px is None
