"""The camera: flat light stays flat, demosaicing is exact where it can be, noise is as strong as stated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.srgb import srgb_to_linear
from glmha_cli.training.degradations.exposure import Exposure, colour_of, demosaiced, with_contrast

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def exposure(shape, *, seed=0, **settings) -> Exposure:
    plain = {"shot": 0.0, "read": 0.0, "red_gain": 2.0, "blue_gain": 1.5, "contrast": 0.3, "jpeg": None}
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return Exposure(noise=noise, **{**plain, **settings})


@settings(max_examples=40)
@given(size=SIZES, colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_without_noise_a_flat_photo_comes_back_as_it_was(size, colour):
    photo = np.full((*size, 3), colour, np.float32) / np.float32(255)
    camera = exposure(size)
    if len(set(colour)) == 1 or min(size) > 2:
        np.testing.assert_allclose(camera.photo(camera.to_light(photo)), photo, atol=1.01 / 255)


def test_demosaicing_keeps_the_samples_and_is_exact_on_grey_ramps():
    rows, cols = np.mgrid[:12, :16].astype(np.float32)
    ramp = 0.1 + 0.02 * rows + 0.03 * cols
    colours = demosaiced(ramp)
    np.testing.assert_allclose(colours[2:-2, 2:-2], np.repeat(ramp[..., None], 3, axis=2)[2:-2, 2:-2], atol=1e-6)
    samples = np.random.default_rng(0).random((9, 14), dtype=np.float32)
    kept = np.take_along_axis(demosaiced(samples), colour_of(samples.shape)[..., None], axis=2)[..., 0]
    np.testing.assert_array_equal(kept, samples)


def test_the_mosaic_is_rggb():
    assert colour_of((2, 4)).tolist() == [[0, 1, 0, 1], [1, 2, 1, 2]]
    red = np.zeros((12, 12), np.float32)
    red[::2, ::2] = 1  # light that red samples alone see
    np.testing.assert_allclose(demosaiced(red)[4:8, 4:8].mean(axis=(0, 1)), [1, 0.25, 0], atol=0.3)
    assert demosaiced(red)[4:8, 4:8, 0].mean() > 0.9


@pytest.mark.parametrize("light", [0.05, 0.4])
def test_noise_on_green_samples_has_the_stated_variance(light):
    camera = exposure((400, 400), shot=1e-3, read=5e-3, contrast=0.0)
    photo = srgb_to_linear(camera.photo(np.full((400, 400, 3), light, np.float32)))
    green = photo[..., 1][colour_of((400, 400)) == 1]
    assert green.var() == pytest.approx(1e-3 * light + 25e-6, rel=0.1)
    red = photo[..., 0][colour_of((400, 400)) == 0]
    assert red.var() > 1.5 * green.var(), "its gain amplifies noise"


def test_noise_without_a_mosaic_is_of_each_pixel_and_colour_by_itself():
    size, light = (400, 400), np.full((400, 400, 3), 0.2, np.float32)
    drawn = [
        Exposure.draw(size, np.random.default_rng(0), compressed=0.0, quality=(80, 90), mosaic=share)
        for share in (0, 1)
    ]
    assert [camera.noise.shape for camera in drawn] == [(*size, 3), size]

    def alike(camera):
        """Correlation of neighbours, and of green with red."""
        green, red = (camera.photo(light)[..., colour] for colour in (1, 0))
        pairs = ((green[:, 1:], green[:, :-1]), (green, red))
        return np.array([abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in pairs])

    plain = {"shot": 1e-3, "read": 5e-3, "contrast": 0.0}
    assert alike(exposure((*size, 3), **plain)).max() < 0.02
    assert alike(exposure(size, **plain)).min() > 0.1


def test_one_exposure_gives_two_scenes_the_same_grain():
    drawn = Exposure.draw((32, 32), np.random.default_rng(0), compressed=1.0, quality=(80, 90))
    again = Exposure.draw((32, 32), np.random.default_rng(0), compressed=1.0, quality=(80, 90))
    light = np.full((32, 32, 3), 0.3, np.float32)
    np.testing.assert_array_equal(drawn.photo(light), drawn.photo(light))
    np.testing.assert_array_equal(drawn.photo(light), again.photo(light))
    assert drawn.jpeg is not None and drawn.photo(light).std() > 0


def test_light_brighter_than_white_clips():
    assert exposure((8, 8)).photo(np.full((8, 8, 3), 7.0, np.float32)).min() == 1


@given(contrast=st.floats(0, 0.9))
def test_the_curve_keeps_black_white_and_order(contrast):
    curve = with_contrast(np.linspace(0, 1, 100, dtype=np.float32), contrast)
    assert curve[0] == 0 and curve[-1] == pytest.approx(1) and (np.diff(curve) > 0).all()
