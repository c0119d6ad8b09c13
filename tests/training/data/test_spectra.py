"""Cubes made of measured spectra and photos: in range, repeatable, of the spectra and sources that were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import TO_RGB, render, render_linear
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.training.data.light import black_body, deepened, relit, with_stray_light
from glmha_cli.training.data.reflectances import LUMINANCE, Library, Reflectances
from glmha_cli.training.data.scene import materials, scene
from glmha_cli.training.data.spectra import (
    LINEAR,
    CubesConfig,
    chart,
    charts,
    nearest_cube,
    thinned,
    training_cube,
)
from tests.training.conftest import smooth_photo, smooth_reflectances

REFLECTANCE = smooth_reflectances(120)
SOURCE = np.array(["paint"] * 100 + ["leaf"] * 20)
LIBRARY = Library.of(Reflectances(REFLECTANCE, SOURCE), RGB2HSI_NM)
EVEN = LIBRARY.weights({})
SEEDS = st.integers(0, 2**32 - 1)
EVERYTHING = CubesConfig(one_source=0.5, charts=0.4, recoloured=0.5, deepened=0.5, stray_light=0.5, relit=0.5)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def noise_photo(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def angles_deg(spectra: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Of each spectrum from the nearest of those known."""
    unit = [each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (spectra, known)]
    return np.degrees(np.arccos((unit[0] @ unit[1].T).max(axis=-1).clip(-1, 1)))


@settings(max_examples=60)
@given(size=SIZES, seed=SEEDS)
def test_a_cube_lies_in_0_1_and_repeats_by_its_seed(size, seed):
    photo = noise_photo(size, seed)
    cube = training_cube(photo, LIBRARY, np.random.default_rng(seed), EVERYTHING)
    assert cube.shape == (*size, 31) and cube.dtype == np.float32
    assert cube.min() >= 0 and cube.max() <= 1
    np.testing.assert_array_equal(cube, training_cube(photo, LIBRARY, np.random.default_rng(seed), EVERYTHING))
    nearest = nearest_cube(photo, LIBRARY, EVEN)
    assert nearest.shape == (*size, 31) and nearest.dtype == np.float32
    assert nearest.min() >= 0 and nearest.max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_chart_holds_measured_spectra_only_and_another_gain_leaves_their_shape(seed):
    cube = chart((24, 20), LIBRARY, np.random.default_rng(seed), EVEN)
    assert cube.shape == (24, 20, 31)
    assert angles_deg(cube.reshape(-1, 31), REFLECTANCE).max() < 0.1


def test_a_material_has_about_the_colour_of_its_place_and_is_another_one_each_time():
    colours = LIBRARY.colours[:10]
    drawn = np.array([materials(colours, LIBRARY, np.random.default_rng(seed), EVEN) for seed in range(40)])
    away = np.abs(LIBRARY.colours[drawn] - colours).sum(axis=2)
    anyway = np.abs(LIBRARY.colours[:, None] - colours).sum(axis=2)
    assert np.median(away) < 0.5 * np.median(anyway)
    assert np.mean([len(set(column)) for column in drawn.T]) > 3


def test_no_material_is_darker_than_its_place_if_it_can_be_helped():
    greys = np.linspace(0.05, 0.9 * LIBRARY.luminance.max(), 15, dtype=np.float32)[:, None].repeat(3, axis=1)
    drawn = np.array([materials(greys, LIBRARY, np.random.default_rng(seed), EVEN) for seed in range(20)])
    assert (LIBRARY.luminance[drawn] >= (greys @ LUMINANCE)).mean() > 0.95


def test_a_scene_keeps_the_light_of_its_photo():
    rgb = LINEAR[smooth_photo(3)]
    cube = scene(rgb, LIBRARY, np.random.default_rng(0), EVEN, recoloured=False)
    np.testing.assert_allclose(render_linear(cube) @ LUMINANCE, rgb @ LUMINANCE, atol=1e-3)


def test_recoloured_the_photo_is_the_light_on_materials_as_bright_as_they_were_measured():
    rgb = LINEAR[smooth_photo(3)]
    shares = render_linear(scene(rgb, LIBRARY, np.random.default_rng(0), EVEN, recoloured=True)) @ LUMINANCE
    shares /= rgb @ LUMINANCE
    assert LIBRARY.luminance.min() - 1e-3 < shares.min() and shares.max() < LIBRARY.luminance.max() + 1e-3


def test_a_scene_has_about_the_colours_of_its_photo_unless_recoloured():
    rgb = LINEAR[smooth_photo(3)]
    away = [
        np.mean([
            np.abs(render_linear(scene(rgb, LIBRARY, np.random.default_rng(seed), EVEN, recoloured=recoloured)) - rgb)
            for seed in range(10)
        ])
        for recoloured in (False, True)
    ]  # fmt: skip
    assert away[0] < 0.6 * away[1]


def test_materials_of_one_source_are_of_that_source():
    config = CubesConfig(sources={"paint": 0.5, "leaf": 0.5}, one_source=1, charts=1)
    photo, leaves = smooth_photo(0), REFLECTANCE[SOURCE == "leaf"]
    cubes = [training_cube(photo, LIBRARY, np.random.default_rng(seed), config) for seed in range(40)]
    of_leaves = [angles_deg(cube.reshape(-1, 31), leaves) < 0.1 for cube in cubes]
    shares = np.array([each.mean() for each in of_leaves])
    assert set(np.rint(shares)) == {0, 1} and np.abs(shares - np.rint(shares)).max() < 0.05


def test_named_sources_are_as_likely_as_they_say_and_the_others_share_the_rest():
    library = Library.of(Reflectances(REFLECTANCE, np.repeat(["a", "b", "c"], [60, 45, 15])), RGB2HSI_NM)
    np.testing.assert_allclose(library.weights({}), [0.5, 0.375, 0.125])
    np.testing.assert_allclose(library.weights({"a": 0.2}), [0.2, 0.6, 0.2])
    np.testing.assert_allclose(library.weights({"a": 3, "c": 1}), [0.75, 0, 0.25])
    drawn = library.draw(np.random.default_rng(0), 4000, library.weights({"a": 0.2}))
    counted = np.bincount(np.searchsorted([60, 105], drawn, side="right"), minlength=3) / 4000
    np.testing.assert_allclose(counted, [0.2, 0.6, 0.2], atol=0.03)
    with pytest.raises(BadDataError, match="a, b, c"):
        library.weights({"a": 0, "b": 0, "c": 0})


def test_spectra_of_a_library_lie_source_by_source_at_luminance_1():
    np.testing.assert_allclose(LIBRARY.colours @ LUMINANCE, 1, atol=1e-5)
    leaves = LIBRARY.spectra[:20] * LIBRARY.luminance[:20, None]  # sources in alphabetical order
    assert LIBRARY.sources == ["leaf", "paint"]
    np.testing.assert_allclose(leaves, REFLECTANCE[100:], atol=1e-5)


@pytest.mark.parametrize("name", ["one_source", "charts", "recoloured", "deepened", "stray_light", "relit"])
@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_shares_lie_in_0_1(name, share):
    with pytest.raises(BadDataError, match=name):
        CubesConfig(**{name: share})


def test_thinning_takes_pixels_at_equal_distances():
    photo = np.arange(40 * 48).reshape(40, 48, 1)
    distances = set()
    for seed in range(60):
        taken = thinned(photo, np.random.default_rng(seed), 8)[..., 0]
        assert taken.shape == (8, 8)
        (across,), (along,) = set(np.diff(taken, axis=1).flat), set(np.diff(taken, axis=0).flat)
        assert along == 48 * across
        distances.add(int(across))
    assert distances == {1, 2, 3, 4, 5}
    assert all(thinned(photo, np.random.default_rng(0), side_px) is photo for side_px in (None, 40, 64))


def test_lamps_are_redder_and_the_sky_bluer_than_daylight():
    nm = np.array(RGB2HSI_NM, float)
    peak = black_body(np.linspace(100, 3000, 30000), 5000.0)
    assert np.linspace(100, 3000, 30000)[peak.argmax()] == pytest.approx(2.897771955e6 / 5000, rel=1e-3)  # Wien
    white = np.ones((1, 1, 31), np.float32)
    lights = np.stack([relit(white, nm, np.random.default_rng(seed))[0, 0] for seed in range(40)])
    np.testing.assert_allclose(lights.mean(axis=1), 1, atol=1e-5)
    red = lights[:, -1] / lights[:, 0]
    assert red.min() < 0.8 and red.max() > 3
    assert ((np.diff(lights) > 0).all(axis=1) | (red < 1.2)).all()


def test_deeper_shadows_keep_colours_and_the_brightest_pixel():
    cube = np.random.default_rng(0).random((6, 6, 31)).astype(np.float32)
    cube[0], bright = 0, cube.mean(axis=2)
    for seed in range(8):
        ratio = deepened(cube, np.random.default_rng(seed))[1:] / cube[1:]
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[..., :1], ratio.shape), rtol=1e-4)
        order = bright[1:].ravel().argsort()
        assert (np.diff(ratio[..., 0].ravel()[order]) > 0).all() and ratio.max() == pytest.approx(1)
    assert not deepened(0 * cube, np.random.default_rng(0)).any()
    assert np.isfinite(deepened(cube - 0.1, np.random.default_rng(0))).all()  # spectra may be a little below 0


def test_stray_light_lifts_black_by_light_of_the_scene_and_keeps_its_sum():
    cube = np.random.default_rng(0).random((6, 6, 31)).astype(np.float32)
    cube[0] = 0
    for seed in range(8):
        lifted = with_stray_light(cube, np.random.default_rng(seed))
        np.testing.assert_allclose(lifted.mean(), cube.mean(), rtol=1e-4)
        assert lifted[0].min() > 0.001 and lifted[0].max() < 0.1
        np.testing.assert_allclose(lifted[0, 0], lifted[0, 5])


def test_validation_charts_are_fixed_one_for_each_named_source_and_one_for_the_others():
    made = charts(LIBRARY, {"leaf", "unknown"})
    assert list(made) == ["leaf", "others"]
    assert all(cube.shape == (64, 64, 31) for cube in made.values())
    assert angles_deg(made["leaf"].reshape(-1, 31), REFLECTANCE[SOURCE == "leaf"]).max() < 0.1
    np.testing.assert_array_equal(made["others"], charts(LIBRARY, {"leaf"})["others"])


def test_a_nearest_cube_holds_scaled_spectra_of_the_library_only():
    cube = nearest_cube(noise_photo((12, 12), 0) // 2, LIBRARY, EVEN).reshape(-1, 31)
    assert angles_deg(cube[cube.max(axis=1) < 1], REFLECTANCE).max() < 0.1


def test_a_change_renders_to_itself_and_is_smoother_than_the_least_one():
    least = np.linalg.pinv(TO_RGB)
    np.testing.assert_allclose(render_linear(LIBRARY.change[None])[0], np.eye(3), atol=1e-5)
    assert np.abs(np.diff(LIBRARY.change, 2)).sum() < np.abs(np.diff(least, 2)).sum()


def test_cubes_for_sci_are_the_same_cubes_resampled():
    reflectances = Reflectances(REFLECTANCE, SOURCE)
    cubes = [
        scene(LINEAR[smooth_photo(4)], Library.of(reflectances, nm), np.random.default_rng(2), EVEN, recoloured=False)
        for nm in (RGB2HSI_NM, SCI_NM)
    ]
    wanted = np.stack([np.interp(SCI_NM, RGB2HSI_NM, spectrum) for spectrum in cubes[0].reshape(-1, 31)])
    np.testing.assert_allclose(cubes[1].reshape(-1, 28), wanted, atol=1e-5)


def test_white_stays_white():
    library = Library.of(Reflectances(np.vstack([REFLECTANCE, np.ones((1, 31))]), np.full(121, "any")), RGB2HSI_NM)
    cube = nearest_cube(np.full((2, 2, 3), 255, np.uint8), library, np.ones(1))
    np.testing.assert_allclose(render(cube), 1, atol=1e-3)
