"""Rain keeps to its contract: range, 8-bit levels, seeds, shares, direction, and never darkens a photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from glmha_cli.errors import BadDataError
from glmha_cli.training.degradations.rain import SHARES, RainBank, RainConfig, add_rain
from glmha_cli.training.degradations.validation_rain import add_validation_rain

SMALL = {"bank_layers": 24, "layer_px": 96}
NONE = dict.fromkeys(SHARES, 0.0)
BANK = RainBank.draw(RainConfig(**SMALL), seed=0)
SIZES = st.tuples(st.integers(1, 140), st.integers(1, 140)) | st.sampled_from([(1, 1), (17, 300), (300, 17)])
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(SHARES)


def only(kind: str) -> RainConfig:
    return RainConfig(**SMALL, **{**NONE, kind: 1.0})


def photo(size: tuple[int, int], seed: int) -> np.ndarray:
    levels = np.random.default_rng(seed).integers(0, 256, (*size, 3))
    return levels.astype(np.float32) / np.float32(255)


def grey(px: int) -> np.ndarray:
    return np.full((px, px, 3), 102 / 255, dtype=np.float32)


def rain(image: np.ndarray, seed: int, config: RainConfig) -> np.ndarray:
    return add_rain(image, bank=BANK, rng=np.random.default_rng(seed), config=config)


def assert_is_8_bit_image_like(result: np.ndarray, image: np.ndarray) -> None:
    assert result.shape == image.shape and result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    np.testing.assert_array_equal(result, np.rint(result * 255).astype(np.float32) / np.float32(255))


@settings(max_examples=60, deadline=None)
@given(size=SIZES, seed=SEEDS, kind=KINDS)
def test_training_rain_is_an_8_bit_image_repeatable_by_its_seed(size, seed, kind):
    image = photo(size, seed)
    before = image.copy()
    result = rain(image, seed, only(kind))
    assert_is_8_bit_image_like(result, image)
    np.testing.assert_array_equal(result, rain(image, seed, only(kind)))
    np.testing.assert_array_equal(image, before)


@settings(max_examples=30, deadline=None)
@given(size=SIZES, seed=SEEDS, kind=st.sampled_from(["heavy", "light"]))
def test_streaks_never_darken(size, seed, kind):
    image = photo(size, seed)
    assert (rain(image, seed, only(kind)) >= image).all()


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, kind=st.sampled_from(["heavy", "mist", "droplets"]))
def test_other_seeds_rain_differently(seed, kind):
    assert not np.array_equal(rain(grey(128), seed, only(kind)), rain(grey(128), seed + 1, only(kind)))


@settings(max_examples=10, deadline=None)
@given(size=SIZES, seed=SEEDS)
def test_clean_samples_are_the_photo_itself(size, seed):
    np.testing.assert_array_equal(rain(photo(size, seed), seed, only("clean")), photo(size, seed))


def test_the_default_mixture_holds_its_clean_share():
    rng = np.random.default_rng(0)
    config = RainConfig(**SMALL)
    rainy = (add_rain(grey(64), bank=BANK, rng=rng, config=config) for _ in range(1000))
    clean = [np.array_equal(image, grey(64)) for image in rainy]
    # Three standard deviations below 8 %; more room above, since light rain may miss a small patch.
    assert 0.055 < np.mean(clean) < 0.14


def test_heavy_rain_is_heavier_than_light():
    def mean_rise(kind):
        return np.mean([rain(grey(64), seed, only(kind)).mean() - 102 / 255 for seed in range(60)])

    assert mean_rise("heavy") > 3 * mean_rise("light") > 0


def test_a_bank_is_repeated_by_its_seed_and_only_by_it():
    config = RainConfig(bank_layers=4, layer_px=32)
    first, again, other = (RainBank.draw(config, seed=seed) for seed in (1, 1, 2))
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


@pytest.mark.parametrize("shares", [{"heavy": 0.9}, {"heavy": -0.1, "light": 0.95}])
def test_shares_that_are_no_mixture_are_refused(shares):
    with pytest.raises(BadDataError, match="sum to 1"):
        RainConfig(**shares)


@settings(max_examples=20, deadline=None)
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
