"""Cubes made of photos: in range, repeatable, as smooth as what was measured, and of the photo's colours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import TO_RGB, linear_to_srgb, render, render_linear
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.training.data.reflectances import LUMINANCE, Library, read_library, resample
from glmha_cli.training.data.spectra import LINEAR, CubesConfig, likely_cube, nearest_cube, training_cube
from tests.training.conftest import NM, smooth_photo, smooth_reflectances

REFLECTANCE = smooth_reflectances(120)
LIBRARY = Library.of(REFLECTANCE, RGB2HSI_NM)
SEEDS = st.integers(0, 2**32 - 1)
CHANGED = CubesConfig(saturated=0.5, shuffled=0.5)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def noise_photo(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@settings(max_examples=50, deadline=None)
@given(size=SIZES, seed=SEEDS)
def test_a_cube_lies_in_0_1_and_repeats_by_its_seed(size, seed):
    photo = noise_photo(size, seed)
    cube = training_cube(photo, LIBRARY, np.random.default_rng(seed), CHANGED)
    assert cube.shape == (*size, 31) and cube.dtype == np.float32
    assert cube.min() >= 0 and cube.max() <= 1
    np.testing.assert_array_equal(cube, training_cube(photo, LIBRARY, np.random.default_rng(seed), CHANGED))
    nearest = nearest_cube(photo, LIBRARY)
    assert nearest.shape == (*size, 31) and nearest.dtype == np.float32
    assert nearest.min() >= 0 and nearest.max() <= 1


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_where_nothing_clips_a_cube_renders_to_its_photo(seed):
    rgb = LINEAR[60 + smooth_photo(seed) // 3]  # of moderate colours: no spectrum has to leave [0, 1]
    cube = likely_cube(rgb, LIBRARY)
    inside = ((cube > 0) & (cube < 1)).all(axis=2)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(render_linear(cube)[inside], rgb[inside], rtol=2e-4, atol=1e-6)


def colours_of(photo: np.ndarray, seeds: int, **shares: float) -> np.ndarray:
    """Linear colours of the cubes made of it, (seeds, pixels, 3)."""
    config = CubesConfig(**shares)
    cubes = [training_cube(photo, LIBRARY, np.random.default_rng(seed), config) for seed in range(seeds)]
    return render_linear(np.stack(cubes)).reshape(seeds, -1, 3)


ONE = np.full((1, 1, 3), (120, 100, 90), np.uint8)


def test_gain_and_saturation_vary_and_hue_stays():
    colours, given = colours_of(ONE, 60, saturated=0.6)[:, 0], LINEAR[ONE[0, 0]]
    beyond_grey = [
        colour - grey for colour, grey in zip((*colours, given), (*colours @ LUMINANCE, given @ LUMINANCE), strict=True)
    ]
    share = np.linalg.norm(beyond_grey[:-1], axis=1) / (colours @ LUMINANCE)
    own = np.linalg.norm(beyond_grey[-1]) / (given @ LUMINANCE)
    assert np.isclose(share, own, rtol=0.02).mean() > 0.2 and 1.8 < share.max() / own < 2.6
    cosine = [b @ beyond_grey[-1] / np.linalg.norm(b) / np.linalg.norm(beyond_grey[-1]) for b in beyond_grey]
    assert min(cosine) > 0.999
    assert colours.max() > 2 * colours.min(axis=0).max()


def test_shuffling_keeps_the_pixels():
    photo = smooth_photo(2)[:8, :8]
    plain, shuffled = (colours_of(photo, 3, shuffled=share) for share in (0.0, 1.0))
    assert not np.allclose(plain, shuffled, atol=1e-3)
    np.testing.assert_allclose(np.sort(plain, axis=1), np.sort(shuffled, axis=1), atol=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_shares_lie_in_0_1(share):
    with pytest.raises(BadDataError, match="shuffled"):
        CubesConfig(shuffled=share)


def test_the_colours_of_the_library_get_their_spectra_back():
    """But for those that nearly share a chromaticity, which get what lies between them."""
    levels = np.rint(linear_to_srgb(0.5 * LIBRARY.colours / LIBRARY.colours.max(axis=1, keepdims=True)) * 255)
    cube = likely_cube(LINEAR[levels.astype(np.uint8)][None], LIBRARY)[0]
    cosine = (cube * REFLECTANCE).sum(axis=1) / np.linalg.norm(cube, axis=1) / np.linalg.norm(REFLECTANCE, axis=1)
    assert np.median(np.degrees(np.arccos(cosine.clip(-1, 1)))) < 3


def test_large_photos_are_made_in_parts():
    rgb = LINEAR[smooth_photo(3, 200, 180)]
    cube, part = likely_cube(rgb, LIBRARY), likely_cube(rgb[:4], LIBRARY)
    np.testing.assert_allclose(cube[:4], part, atol=1e-5)


def roughness(spectra: np.ndarray) -> np.ndarray:
    """Root mean square of the second differences, relative to each spectrum's mean."""
    return np.sqrt((np.diff(spectra, 2, axis=1) ** 2).mean(axis=1)) / spectra.mean(axis=1)


def test_spectra_are_about_as_smooth_as_the_measured_ones():
    made = [likely_cube(LINEAR[60 + smooth_photo(seed) // 3], LIBRARY).reshape(-1, 31) for seed in range(10)]
    share = np.median(roughness(np.concatenate(made))) / np.median(roughness(REFLECTANCE))
    assert 0.4 < share < 1.6


def test_a_nearest_cube_holds_scaled_spectra_of_the_library_only():
    cube = nearest_cube(noise_photo((12, 12), 0) // 2, LIBRARY).reshape(-1, 31)
    shapes = REFLECTANCE / np.linalg.norm(REFLECTANCE, axis=1, keepdims=True)
    unclipped = cube[cube.max(axis=1) < 1]
    cosine = unclipped @ shapes.T / np.linalg.norm(unclipped, axis=1, keepdims=True)
    np.testing.assert_allclose(cosine.max(axis=1), 1, atol=1e-5)


def test_a_change_renders_to_itself_and_is_smoother_than_the_least_one():
    least = np.linalg.pinv(TO_RGB)
    np.testing.assert_allclose(render_linear(LIBRARY.change[None])[0], np.eye(3), atol=1e-5)
    assert np.abs(np.diff(LIBRARY.change, 2)).sum() < np.abs(np.diff(least, 2)).sum()


def test_cubes_for_sci_are_the_same_cubes_resampled():
    cubes = [likely_cube(LINEAR[smooth_photo(4) // 2], Library.of(REFLECTANCE, nm)) for nm in (RGB2HSI_NM, SCI_NM)]
    inside = (cubes[0] > 0).all(axis=2) & (cubes[0] < 1).all(axis=2)
    wanted = np.stack([np.interp(SCI_NM, RGB2HSI_NM, spectrum) for spectrum in cubes[0][inside]])
    assert inside.mean() > 0.3
    np.testing.assert_allclose(cubes[1][inside], wanted, atol=1e-5)


def test_white_stays_white():
    library = Library.of(np.vstack([REFLECTANCE, np.ones((1, 31))]), RGB2HSI_NM)
    cube = nearest_cube(np.full((2, 2, 3), 255, np.uint8), library)
    np.testing.assert_allclose(render(cube), 1, atol=1e-3)


def test_a_tenth_of_a_file_is_held_out(spectra):
    training, held_out = read_library(spectra, SCI_NM)
    assert (len(training.spectra), len(held_out.spectra)) == (108, 12)
    assert training.spectra.shape[1] == held_out.spectra.shape[1] == 28
    assert not (training.colours[:, None] == held_out.colours).all(axis=2).any()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"reflectance": REFLECTANCE[:20]}, "at least 50"),
        ({"reflectance": 100 * REFLECTANCE}, "not reflectances"),
        ({"reflectance": REFLECTANCE - 0.5}, "not reflectances"),
        ({"wavelength_nm": NM[:-1]}, "as many wavelengths"),
        ({"wavelength_nm": NM[::-1]}, "ascending"),
        ({"wavelength_nm": NM + 20}, "covers 420..720 nm"),
    ],
)
def test_files_that_hold_no_such_spectra_are_refused(tmp_path, change, match):
    path = tmp_path / "spectra.npz"
    np.savez(path, **{"reflectance": REFLECTANCE, "wavelength_nm": NM} | change)
    with pytest.raises(BadDataError) as caught:
        read_library(path, RGB2HSI_NM)
    assert match in f"{caught.value.message} {caught.value.hint}"
    assert str(path) in caught.value.message


def test_resampling_is_linear_interpolation():
    values = np.random.default_rng(0).random((3, 31))
    wanted = np.stack([np.interp(SCI_NM, RGB2HSI_NM, row) for row in values])
    np.testing.assert_allclose(resample(values, RGB2HSI_NM, SCI_NM), wanted, atol=1e-12)
    np.testing.assert_array_equal(resample(values, RGB2HSI_NM, RGB2HSI_NM), values)
