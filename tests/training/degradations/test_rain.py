"""Rain keeps to its contract: range, 8-bit levels, seeds, shares, width, direction; it never darkens a photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from glmha_cli.errors import BadDataError
from glmha_cli.training.degradations.colours import recoloured
from glmha_cli.training.degradations.rain import KINDS, SHARES, RainConfig, rainy_pair
from glmha_cli.training.degradations.rain_layers import RainBank, window
from glmha_cli.training.degradations.validation_rain import add_validation_rain

SMALL = {"num_layers": 24, "layer_px": 96}
NONE = dict.fromkeys(KINDS, 0.0)
PLAIN = dict.fromkeys(SHARES, 0.0)
"""Rain as it is drawn, and nothing else."""
BANK = RainBank.draw(**SMALL, seed=0)
SIZES = st.tuples(st.integers(1, 140), st.integers(1, 140)) | st.sampled_from([(1, 1), (17, 300), (300, 17)])
SEEDS = st.integers(0, 2**32 - 1)


def only(kind: str, **knobs) -> RainConfig:
    return RainConfig(**{**NONE, kind: 1.0, **PLAIN, **knobs})


def photo(size: tuple[int, int], seed: int) -> np.ndarray:
    levels = np.random.default_rng(seed).integers(0, 256, (*size, 3))
    return levels.astype(np.float32) / np.float32(255)


def grey(px: int) -> np.ndarray:
    return np.full((px, px, 3), 102 / 255, dtype=np.float32)


def pair(image: np.ndarray, seed: int, config: RainConfig) -> tuple[np.ndarray, np.ndarray]:
    return rainy_pair(image, bank=BANK, rng=np.random.default_rng(seed), config=config)


def rain(image: np.ndarray, seed: int, config: RainConfig) -> np.ndarray:
    return pair(image, seed, config)[0]


def assert_is_8_bit_image_like(result: np.ndarray, image: np.ndarray) -> None:
    assert result.shape == image.shape and result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    np.testing.assert_array_equal(result, np.rint(result * 255).astype(np.float32) / np.float32(255))


@settings(max_examples=60)
@given(size=SIZES, seed=SEEDS, kind=st.sampled_from(KINDS))
def test_pairs_are_8_bit_images_repeatable_by_their_seed(size, seed, kind):
    image = photo(size, seed)
    before = image.copy()
    config = only(kind, **dict.fromkeys(SHARES, 0.5))
    results, again = (pair(image, seed, config) for _ in range(2))
    for result, same in zip(results, again, strict=True):
        assert_is_8_bit_image_like(result, image)
        np.testing.assert_array_equal(result, same)
    np.testing.assert_array_equal(image, before)


@settings(max_examples=30)
@given(size=SIZES, seed=SEEDS, kind=st.sampled_from(["heavy", "light"]))
def test_streaks_never_darken(size, seed, kind):
    image = photo(size, seed)
    rainy, target = pair(image, seed, only(kind, enlarged=0.5, near=0.5))
    np.testing.assert_array_equal(target, image)
    assert (rainy >= image).all()


@settings(max_examples=20)
@given(seed=SEEDS, kind=st.sampled_from(["heavy", "mist", "droplets"]))
def test_other_seeds_rain_differently(seed, kind):
    assert not np.array_equal(rain(grey(128), seed, only(kind)), rain(grey(128), seed + 1, only(kind)))


@settings(max_examples=20)
@given(size=SIZES, seed=SEEDS)
def test_of_clean_samples_whatever_is_drawn_or_photographed_is_to_stay(size, seed):
    np.testing.assert_array_equal(rain(photo(size, seed), seed, only("clean")), photo(size, seed))
    rainy, target = pair(photo(size, seed), seed, only("clean", simple=0.5, look_alikes=1.0, photographed=0.5))
    np.testing.assert_array_equal(rainy, target)


@pytest.mark.parametrize("kind", ["heavy", "light"])
def test_what_looks_like_rain_stays_under_rain_too(kind):
    for seed in range(10):
        rainy, target = pair(grey(96), seed, only(kind, look_alikes=1.0))
        assert not np.array_equal(target, grey(96))
        assert (rainy >= target).all() and not np.array_equal(rainy, target)


def test_the_default_mixture_holds_its_clean_share():
    config, same = RainConfig(), []
    for seed in range(1000):
        rainy, target = pair(grey(64), seed, config)
        same.append(np.array_equal(rainy, target))
    # Three standard deviations below 12 %; more room above, since light rain may miss a small patch.
    assert 0.089 < np.mean(same) < 0.22


def test_grain_of_the_camera_is_no_rain():
    """A photographed pair has the same grain where no streak falls."""
    for seed in range(20):
        wet = (rain(grey(96), seed, only("light")) != grey(96)).any(axis=2)
        dry = ~ndimage.maximum_filter(wet, 7)
        rainy, target = pair(grey(96), seed, only("light", photographed=1.0, compressed=0.0))
        # Streaks of less than half a level count as dry.
        np.testing.assert_allclose(rainy[dry], target[dry], atol=2.01 / 255)
        assert target.std() > 0


def test_an_enlarged_window_holds_wider_streaks_of_the_same_brightness():
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 8), (64, 4))
    wide = window(stripes, (128, 128), np.random.default_rng(0), scale=4.0)
    for row in wide - 127.5:
        assert np.corrcoef(row[:64], row[64:])[0, 1] > 0.95 and np.corrcoef(row[:96], row[32:])[0, 1] < -0.95
    whole = window(BANK.dense[0], (384, 384), np.random.default_rng(2), scale=4.0)
    assert whole.mean() == pytest.approx(BANK.dense[0].mean(), rel=0.02)
    assert whole.min() >= 0 and whole.max() <= 255


def test_simple_backgrounds_keep_the_photos_colours():
    image = ndimage.gaussian_filter(photo((96, 96), 0), (1, 1, 0))
    _, target = pair(image, 3, only("clean", simple=1.0))
    assert target.std() < image.std() / 2
    np.testing.assert_allclose(target.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=0.03)


def test_other_colours_keep_what_is_light_and_what_is_dark():
    """Grey stays grey; of a coloured photo the mean of the channels, unless a channel is clipped."""
    np.testing.assert_array_equal(pair(grey(32), 1, only("clean", recoloured=1.0))[1], grey(32))
    image = 0.4 + 0.2 * photo((48, 48), 0)
    for seed in range(20):
        _, target = pair(image, seed, only("clean", recoloured=1.0))
        np.testing.assert_allclose(target.mean(axis=2), image.mean(axis=2), atol=1 / 255)
    orders = {tuple(np.argsort(recoloured(image, np.random.default_rng(seed))[0, 0])) for seed in range(50)}
    assert len(orders) == 6


def test_heavy_rain_is_heavier_than_light():
    def mean_rise(kind):
        return np.mean([rain(grey(64), seed, only(kind)).mean() - 102 / 255 for seed in range(60)])

    assert mean_rise("heavy") > 3 * mean_rise("light") > 0


def test_a_bank_is_repeated_by_its_seed_and_only_by_it():
    first, again, other = (RainBank.draw(num_layers=4, layer_px=32, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.dense, again.dense)
    np.testing.assert_array_equal(first.sparse, again.sparse)
    assert not np.array_equal(first.dense, other.dense)


def test_streaks_lie_along_the_angle_the_bank_states():
    """The structure tensor of a layer, measured without knowing how it was drawn, agrees on the direction."""
    for layer, angle_deg in zip(BANK.dense, BANK.dense_angles_deg, strict=True):
        # Differences of neighbours are biased by up to 6 degrees on thin streaks; a small blur removes that.
        dy, dx = np.gradient(ndimage.gaussian_filter(layer.astype(float), 1, mode="wrap"))
        across = 0.5 * np.arctan2(2 * (dx * dy).sum(), (dx * dx - dy * dy).sum())
        assert abs(np.rad2deg(across) - angle_deg) < 4


def test_layers_wrap_without_a_seam():
    for layer in BANK.dense.astype(float):
        inside = np.abs(np.diff(layer, axis=0)).mean()
        assert np.abs(layer[0] - layer[-1]).mean() < 2 * inside + 4


@pytest.mark.parametrize(
    ("knobs", "match"),
    [
        ({"heavy": 0.9}, "sum to 1"),
        ({"heavy": -0.1, "light": 0.85}, "sum to 1"),
        ({"near": 1.2}, "share of 1.2 near"),
        ({"photographed": -0.1}, "photographed"),
        ({"scale": (0.5, 2.0)}, "scale"),
        ({"scale": (3.0, 2.0)}, "scale"),
        ({"bank_layers": 1}, "at least 2 layers"),
    ],
)
def test_impossible_knobs_are_refused(knobs, match):
    with pytest.raises(BadDataError, match=match):
        RainConfig(**knobs)


@settings(max_examples=20)
@given(size=SIZES, seed=SEEDS)
def test_validation_rain_is_an_8_bit_image_repeatable_by_its_seed_and_never_darkens(size, seed):
    image = photo(size, seed)
    result = add_validation_rain(image, rng=np.random.default_rng(seed))
    assert_is_8_bit_image_like(result, image)
    np.testing.assert_array_equal(result, add_validation_rain(image, rng=np.random.default_rng(seed)))
    assert (result >= image).all()


def test_validation_rain_is_light_and_differs_between_seeds():
    rainy = [add_validation_rain(grey(160), rng=np.random.default_rng(seed)) for seed in range(8)]
    psnr_db = [-10 * np.log10(np.mean((image - grey(160)) ** 2)) for image in rainy]
    assert 21 < np.mean(psnr_db) < 30
    assert len({image.tobytes() for image in rainy}) == 8
