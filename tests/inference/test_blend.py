"""Strength and area: what is blended, what stays to the last bit, and what it costs in memory."""

import tracemalloc

import numpy as np
import pytest

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.inference.blend import FEATHER_PX, Blend, area_of, feathered
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.scales import Scales
from glmha_cli.inference.tiling import Tiling
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import in_depth
from glmha_cli.tasks.derain import DERAIN
from tests.inference.engines import Identity
from tests.inference.test_scales import Stripes, striped
from tests.io.photos.photos import noise


class Negative(Identity):
    """A result that differs from its photo in every pixel that is not exactly mid-gray."""

    def run_batches(self, batches):
        return (1 - tiles for (tiles,) in batches)


def restorer(factors=(1,)):
    return Restorer(
        task=DERAIN, engine=Negative(), tiling=Tiling(tile_px=64, overlap_px=8), scales=Scales(factors=factors)
    )


def stored(photo, bit_depth=8, *, factors=(1,), grayscale=False, **blend):
    return restorer(factors).restore(
        photo, blend=Blend(**blend), store=lambda rows: in_depth(rows, bit_depth, grayscale=grayscale)
    )


def rectangle(height, width):
    area = np.zeros((height, width), np.uint8)
    area[30:90, 20:70] = 255
    return area


@pytest.mark.parametrize("factors", [(1,), (2,), (4, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_outside_its_area_a_photo_stays_to_the_last_bit(dtype, channels, factors):
    photo, area = noise(150, 110, channels, dtype=dtype), rectangle(150, 110)
    options = {"bit_depth": 8 * photo.itemsize, "grayscale": channels == 1, "factors": factors}
    result, full = stored(photo, area=area, **options), stored(photo, **options)
    np.testing.assert_array_equal(result[area == 0], photo[area == 0])
    inner = slice(30 + FEATHER_PX, 90 - FEATHER_PX), slice(20 + FEATHER_PX, 70 - FEATHER_PX)
    np.testing.assert_array_equal(result[inner], full[inner])
    assert (full[inner] != photo[inner]).mean() > 0.9


def test_a_correction_sets_in_step_by_step_from_the_edge():
    weights = feathered(rectangle(120, 110))
    ramp = weights[60, 19 : 20 + FEATHER_PX]
    np.testing.assert_allclose(ramp, np.arange(FEATHER_PX + 1) / FEATHER_PX, atol=1e-6)
    assert weights[30 + FEATHER_PX : 90 - FEATHER_PX, 20 + FEATHER_PX : 70 - FEATHER_PX].min() == 1


def test_a_mask_that_reaches_the_border_is_not_feathered_there():
    assert feathered(np.full((20, 30), 255, np.uint8)).min() == 1


def test_strips_are_feathered_as_the_whole_area():
    area = (np.random.default_rng(0).random((300, 40)) > 0.02).astype(np.uint8) * 255
    blend, whole = Blend(area=area), feathered(area)
    for start, stop in ((0, 7), (7, 100), (100, 101), (101, 300)):
        np.testing.assert_array_equal(blend.weights(start, stop)[..., 0], whole[start:stop])


@pytest.mark.parametrize("strength", [0, 0.25, 1])
def test_strength_blends(strength):
    photo = noise(80, 70, 3)
    result = restorer().restore(photo, blend=Blend(strength=strength))
    pixels = photo / np.float32(255)
    np.testing.assert_allclose(result, pixels + strength * (1 - 2 * pixels), atol=1e-6)


def test_strength_counts_inside_an_area():
    photo, area = noise(120, 110, 3), rectangle(120, 110)
    half = restorer().restore(photo, blend=Blend(strength=0.5, area=area))
    np.testing.assert_allclose(half[60, 45], 0.5, atol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_beyond_0_to_1_is_refused(strength):
    with pytest.raises(UsageError, match="between 0 and 1"):
        Blend(strength=strength)


def test_an_area_of_another_size_is_refused():
    with pytest.raises(BadDataError, match=r"9x8 pixels, the photo 8x9"):
        restorer().restore(noise(9, 8, 3), blend=Blend(area=np.zeros((8, 9), np.uint8)))


def test_an_area_is_gray_by_alpha():
    colours = np.array([[[255, 255, 255], [255, 255, 255], [90, 90, 90], [0, 0, 0]]], np.uint8)
    opaque = Photo(colours=colours, bit_depth=8)
    assert area_of(opaque).tolist() == [[255, 255, 90, 0]]
    alpha = np.array([[255, 0, 255, 255]], np.uint8)
    assert area_of(Photo(colours=colours, bit_depth=8, alpha=alpha)).tolist() == [[255, 0, 90, 0]]
    assert area_of(Photo(colours=colours.astype(np.uint16) * 257, bit_depth=16)).tolist() == [[255, 255, 90, 0]]
    assert area_of(Photo(colours=(colours[..., :1] / 255).astype(np.float32), bit_depth=32)).tolist() == [
        [255, 255, 90, 0]
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_area_of_zeros_and_ones_is_not_taken_for_black(dtype):
    labels = np.eye(4, dtype=dtype)[..., None]
    with pytest.raises(BadDataError, match=f"white is {np.iinfo(dtype).max}"):
        area_of(Photo(colours=labels, bit_depth=8 * labels.itemsize, grayscale=True))
    assert not area_of(Photo(colours=0 * labels, bit_depth=8 * labels.itemsize, grayscale=True)).any()


def peak_bytes(height):
    """Of numpy's memory while a photo of 500 columns is blended in an area, photo, mask and result not counted."""
    photo, area = np.zeros((height, 500, 3), np.uint8), np.full((height, 500), 128, np.uint8)
    tracemalloc.start()
    result = stored(photo, strength=0.5, area=area)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - result.nbytes


def test_beyond_photo_mask_and_result_memory_does_not_grow_with_the_height():
    low, high = peak_bytes(200), peak_bytes(2000)
    assert high < 1.1 * low, f"{low} bytes at 200 rows, {high} at 2000"


class Counting(Identity):
    """Makes everything half as bright, and counts its tiles."""

    tiles = 0

    def _give_back(self, tiles):
        self.tiles += len(tiles)
        return 0.5 * tiles


@pytest.mark.parametrize("scale", ["1", "1/2", "1/2,1"])
def test_tiles_beside_the_area_are_not_computed_and_those_in_it_as_before(scale):
    photo = np.random.default_rng(0).random((300, 400, 3), dtype=np.float32)
    area = np.zeros((300, 400), np.uint8)
    area[200:260, 290:370] = 255
    results, counts = [], []
    for blend in (Blend(area=area), Blend()):
        engine = Counting()
        tiling = Tiling(tile_px=64, overlap_px=16)
        worker = Restorer(task=DERAIN, engine=engine, tiling=tiling, scales=Scales.parse(scale))
        results.append(worker.restore(photo, blend=blend))
        counts.append(engine.tiles)
    inside = (slice(200 + FEATHER_PX, 260 - FEATHER_PX), slice(290 + FEATHER_PX, 370 - FEATHER_PX))
    np.testing.assert_allclose(results[0][inside], results[1][inside], atol=1e-6)
    np.testing.assert_array_equal(results[0][area == 0], photo[area == 0])
    assert counts[0] < counts[1] * (0.7 if scale == "1/2,1" else 0.4)


def test_the_scale_is_found_in_the_area():
    """Wide stripes on the right, and thin ones, which nobody asks to remove, on the left."""
    photo = np.concatenate([striped(1)[:, :600], striped(4)[:, :300]], axis=1)
    area = np.zeros(photo.shape[:2], np.uint8)
    area[:, 620:] = 255
    tiling = Tiling(tile_px=64, overlap_px=16)
    worker = Restorer(task=DERAIN, engine=Stripes(), tiling=tiling, scales=Scales.parse("auto"))
    worker.restore(photo, blend=Blend(area=area))
    assert worker.scale.split(",")[0] == "1/4"
    worker.restore(photo, blend=Blend(area=255 - area))
    assert worker.scale == "1"
    worker.restore(photo, blend=Blend(area=np.zeros_like(area)))
    assert worker.scale == "1"
