"""Blur keeps to its contract: range, 8-bit levels, seeds, shares; it moves light about and neither adds nor loses
any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from glmha_cli.errors import BadDataError
from glmha_cli.srgb import srgb_to_linear
from glmha_cli.training.degradations.blur import (
    KINDS,
    SHARES,
    BlurConfig,
    blurred_pair,
    boost_highlights,
    enlarged,
)
from glmha_cli.training.degradations.blur_kinds import MAX_EXTENT_PX, Motion
from glmha_cli.training.degradations.motion import (
    PATH_STEPS,
    convolve,
    draw_paths,
    from_halfway,
    kernel_of,
)
from glmha_cli.training.degradations.validation_blur import add_validation_blur, shaken, sweeping

PURE = dict.fromkeys(SHARES, 0.0)
NONE = dict.fromkeys(KINDS, 0.0)
PATHS = draw_paths(256, seed=0)
LIMITS = BlurConfig().extent_px, BlurConfig().weak_px
SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90)) | st.sampled_from([(1, 1), (5, 300), (300, 5)])
SEEDS = st.integers(0, 2**32 - 1)
BLURRED = ("uniform", "varying", "moving", "weak")


def only(kind: str, **knobs) -> BlurConfig:
    return BlurConfig(**{**NONE, kind: 1.0, **knobs})


def photo(size: tuple[int, int], seed: int) -> np.ndarray:
    """Smooth shapes with some texture, in 8-bit levels."""
    noise = np.random.default_rng(seed).random((*size, 3))
    smooth = ndimage.gaussian_filter(noise, (3, 3, 0)) * 4 - 1.5 + 0.1 * noise
    return np.rint(smooth.clip(0, 1) * 255).astype(np.float32) / np.float32(255)


def grey(*size: int) -> np.ndarray:
    return np.full((*size, 3), 102 / 255, dtype=np.float32)


def pair(image: np.ndarray, seed: int, config: BlurConfig) -> tuple[np.ndarray, np.ndarray]:
    return blurred_pair(image, paths=PATHS, rng=np.random.default_rng(seed), config=config)


def blur(image: np.ndarray, seed: int, config: BlurConfig) -> np.ndarray:
    return pair(image, seed, config)[0]


def psnr_db(image: np.ndarray, other: np.ndarray) -> float:
    return -10 * np.log10(np.mean((image - other) ** 2) + 1e-12)


def assert_is_8_bit_image_like(result: np.ndarray, image: np.ndarray) -> None:
    assert result.shape == image.shape and result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    np.testing.assert_array_equal(result, np.rint(result * 255).astype(np.float32) / np.float32(255))


@settings(max_examples=50)
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
@given(size=SIZES, seed=SEEDS, kind=st.sampled_from(BLURRED))
def test_a_flat_photo_stays_as_it_is(size, seed, kind):
    np.testing.assert_array_equal(blur(grey(*size), seed, only(kind, **PURE)), grey(*size))


@settings(max_examples=10)
@given(size=SIZES, seed=SEEDS)
def test_clean_samples_are_the_photo_itself(size, seed):
    np.testing.assert_array_equal(blur(photo(size, seed), seed, only("clean")), photo(size, seed))


@settings(max_examples=10)
@given(seed=SEEDS, kind=st.sampled_from(BLURRED))
def test_other_seeds_blur_differently(seed, kind):
    image = photo((64, 64), 0)
    assert not np.array_equal(blur(image, seed, only(kind)), blur(image, seed + 1, only(kind)))


def test_weak_blur_stays_close_and_real_blur_does_not():
    def mean_psnr_db(kind):
        pairs = [(photo((64, 64), seed), blur(photo((64, 64), seed), seed, only(kind, **PURE))) for seed in range(20)]
        return np.mean([psnr_db(*pair) for pair in pairs])

    weak = mean_psnr_db("weak")
    assert weak > 30
    assert all(mean_psnr_db(kind) < weak - 5 for kind in ("uniform", "varying", "moving"))


def test_the_default_mixture_holds_its_clean_share():
    image, config = photo((32, 32), 0), BlurConfig()
    same = [np.array_equal(*pair(image, seed, config)) for seed in range(1000)]
    assert 0.055 < np.mean(same) < 0.11


@settings(max_examples=40)
@given(seed=SEEDS, extent_px=st.floats(1, 58))
def test_the_photo_is_what_is_seen_halfway(seed, extent_px):
    motion = Motion(PATHS, np.random.default_rng(seed), *LIMITS, 1.0)
    path = motion.path(extent_px)
    assert (path == 0).any() and np.abs(path).max() <= extent_px + 1e-9
    kernel = kernel_of(path)
    assert kernel[len(kernel) // 2, len(kernel) // 2] > 0
    np.testing.assert_allclose(np.diff(from_halfway(path)), np.diff(path), atol=1e-9)
    axis = np.linalg.svd(np.stack([path.real, path.imag]) - [[path.real.mean()], [path.imag.mean()]])[0][:, 0]
    beyond = (path * (axis[0] - 1j * axis[1])).real > 0
    assert abs(beyond.sum() - PATH_STEPS / 2) <= 1, "half of the light is on either side"


@pytest.mark.parametrize("speed", [0.0, 0.4])
@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_of_a_way_in_one_direction_that_is_the_middle_of_the_exposure(bend, speed):
    time = np.linspace(-1, 1, PATH_STEPS)
    course = time + speed * time**2 / 2
    path = (course + 1j * bend * course**2) * np.exp(0.7j)
    assert abs(from_halfway(path)[PATH_STEPS // 2]) < 0.02


def test_where_the_halfway_is_does_not_depend_on_when_the_path_was_there():
    for path in PATHS[:20]:
        np.testing.assert_allclose(from_halfway(path[::-1])[::-1], from_halfway(path), atol=1e-9)


def test_a_larger_scale_lengthens_paths_up_to_the_longest():
    rng = np.random.default_rng
    extents = [Motion(PATHS, rng(3), *LIMITS, scale).extent((10.0, 10.0)) for scale in (1.0, 3.0, 8.0)]
    assert extents == pytest.approx([10, 30, MAX_EXTENT_PX])


def test_an_enlarged_photo_shows_its_middle_in_as_many_pixels():
    image = photo((60, 80), 0)
    np.testing.assert_array_equal(enlarged(image, 1.0), image)
    larger = enlarged(image, 2.0)
    assert_is_8_bit_image_like(larger, image)
    down = larger.reshape(30, 2, 40, 2, 3).mean(axis=(1, 3))
    assert psnr_db(down, image[15:45, 20:60]) > 35


def test_what_a_camera_adds_is_in_the_input_alone():
    """Noise, mosaic and JPEG are to be undone with the blur; where there are none the input is smooth."""
    config = only("weak", weak_px=(0.01, 0.01), photographed=1.0)
    for seed in range(10):
        noisy, sharp = pair(grey(48, 48), seed, config)
        np.testing.assert_array_equal(sharp, grey(48, 48))
        assert 0 < (noisy - sharp).std() < 0.1


@settings(max_examples=20)
@given(seed=SEEDS)
def test_the_frames_of_a_sequence_meet_the_photo(seed):
    """A bright spot leaves light where it is sharp, whatever moves over it."""
    spot = np.zeros((61, 61, 3), np.float32)
    spot[28:33, 28:33] = 1
    assert blur(spot, seed, only("moving", extent_px=(3.0, 10.0), **PURE))[28:33, 28:33].max() > 0.1


def test_paths_are_repeated_by_their_seed_and_fill_their_circle():
    np.testing.assert_array_equal(PATHS, draw_paths(256, seed=0))
    assert not np.array_equal(PATHS, draw_paths(256, seed=1))
    assert PATHS.shape == (256, PATH_STEPS)
    np.testing.assert_allclose(PATHS.mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.abs(PATHS).max(axis=1), 0.5)


@settings(max_examples=40)
@given(index=st.integers(0, 255), extent_px=st.floats(0.01, 58))
def test_a_kernel_is_the_light_of_one_path_centred(index, extent_px):
    kernel = kernel_of(PATHS[index] * extent_px)
    side = len(kernel)
    assert kernel.shape == (side, side) and side % 2 == 1 and side <= 61
    assert kernel.min() >= 0
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(ndimage.center_of_mass(kernel), side // 2, atol=1e-3)


def test_a_path_moves_light_where_it_goes():
    """One step right and two down: x is the real part, rows count downwards."""
    kernel = kernel_of(np.array([1 + 2j]))
    assert np.argwhere(kernel > 1e-6).tolist() == [[len(kernel) // 2 + 2, len(kernel) // 2 + 1]]


@settings(max_examples=20)
@given(size=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=SEEDS, extent_px=st.floats(0.5, 58))
def test_one_kernel_blurs_as_convolution_with_reflected_borders_does(size, seed, extent_px):
    image = photo(size, seed)
    kernel = kernel_of(PATHS[seed % 256] * extent_px)
    # Not scipy.ndimage: its result is garbage where the kernel is much larger than the image (scipy 1.17).
    continued = np.pad(image, [(len(kernel) // 2,) * 2] * 2 + [(0, 0)], mode="symmetric")
    expected = [signal.convolve2d(channel, kernel, mode="valid") for channel in continued.transpose(2, 0, 1)]
    np.testing.assert_allclose(convolve(image, [[kernel]]), np.stack(expected, axis=2), atol=2e-5)


def test_four_kernels_are_each_at_home_in_their_corner():
    image = photo((60, 80), 0)
    kernels = [[kernel_of(PATHS[2 * i + j] * 9) for j in (0, 1)] for i in (0, 1)]
    mixed = convolve(image, kernels)
    for row in (0, -1):
        for column in (0, -1):
            alone = convolve(image, [[kernels[row][column]]])
            np.testing.assert_allclose(mixed[row, column], alone[row, column], atol=1e-5)


def test_light_is_averaged_not_code_values():
    """Half black and half white by turns blurs to half the light, level 188, not to level 128."""
    stripes = np.zeros((64, 64, 3), dtype=np.float32)
    stripes[:, ::2] = 1
    config = only("uniform", extent_px=(40.0, 40.0), **PURE)
    middle = np.mean([srgb_to_linear(blur(stripes, seed, config)).mean() for seed in range(10)])
    assert abs(middle - 0.5) < 0.02


def test_few_pixels_are_brighter_than_white_and_large_white_areas_are_not():
    night = np.full((50, 50, 3), 0.1, dtype=np.float32)
    night[20:22, 30:33] = 1
    boosted = boost_highlights(night, 8.0)
    np.testing.assert_allclose(boosted[20:22, 30:33], 8)
    np.testing.assert_array_equal(boosted[night < 1], night[night < 1])
    night[:25] = 1
    np.testing.assert_array_equal(boost_highlights(night, 8.0), night)


@pytest.mark.parametrize(
    "knobs",
    [
        {"uniform": 0.9},
        {"uniform": -0.1, "varying": 0.69},
        {"extent_px": (3, 70)},
        {"weak_px": (0, 1)},
        {"bank_paths": 0},
        {"photographed": 1.5},
        {"enlarged": -0.1},
        {"scale": (2.0, 1.0)},
        {"scale": (1.0, 9.0)},
    ],
)
def test_impossible_knobs_are_refused(knobs):
    with pytest.raises(BadDataError):
        BlurConfig(**knobs)


@settings(max_examples=15)
@given(size=SIZES, seed=SEEDS)
def test_validation_blur_is_an_8_bit_image_repeatable_by_its_seed_that_keeps_flat_photos(size, seed):
    image = photo(size, seed)
    result = add_validation_blur(image, rng=np.random.default_rng(seed))
    assert_is_8_bit_image_like(result, image)
    np.testing.assert_array_equal(result, add_validation_blur(image, rng=np.random.default_rng(seed)))
    np.testing.assert_array_equal(add_validation_blur(grey(*size), rng=np.random.default_rng(seed)), grey(*size))


def test_validation_blur_leaves_light_where_the_photo_is_at_mid_exposure_and_differs_between_seeds():
    spot = np.zeros((61, 61, 3), dtype=np.float32)
    spot[30, 30] = 1
    shaken_spots = [shaken(spot, np.random.default_rng(seed), extent_px=10.0)[..., 0] for seed in range(8)]
    for light in shaken_spots:
        np.testing.assert_allclose(light.sum(), 1, rtol=0.05)
        assert 1 / 22 < light[30, 30] < 0.6
        rows, cols = np.nonzero(light > 1e-4)
        assert np.hypot(rows - 30, cols - 30).max() < 10 + 3
    assert len({light.tobytes() for light in shaken_spots}) == 8


def test_a_camera_that_is_carried_on_leaves_its_light_on_either_side_of_the_middle():
    spot = np.zeros((61, 61, 3), dtype=np.float32)
    spot[30, 30] = 1
    places = np.stack(np.mgrid[:61, :61], axis=-1) - 30
    spans = []
    for seed in range(8):
        light = shaken(spot, np.random.default_rng(seed), extent_px=12.0, camera=sweeping)[..., 0]
        mean = (light[..., None] * places).sum((0, 1)) / light.sum()
        assert np.hypot(*mean) < 0.13 * 12
        spans.append(np.ptp(places[light > 1e-3], axis=0).max())
    assert min(spans) >= 8 / np.sqrt(2) and max(spans) <= 14


def test_validation_names_its_sets_and_sharp_is_the_photo_itself():
    sets = BlurConfig().validation()
    assert list(sets) == ["shake", "sharp"]
    image = photo((20, 30), 1)
    np.testing.assert_array_equal(sets["sharp"](image, np.random.default_rng(0)), image)
