"""What a photo cannot tell: the table of spreads, and clipped pixels."""

import numpy as np
import pytest

from glmha_cli.physics.spread import BLACK, SATURATED, clipped_pixels, spread_of


def test_black_has_no_spread_grays_little_and_the_ends_of_the_spectrum_most():
    colours = np.array([[[0, 0, 0], [0.5, 0.5, 0.5], [0.9, 0.2, 0.2], [1, 1, 1]]], np.float32)
    spread = spread_of(colours)[0]
    assert spread.shape == (4, 31) and spread.dtype == np.float32 and spread[0].max() == 0
    assert (spread[1:3] > 0).all() and spread.max() < 0.5
    assert spread[1, [0, 30]].min() > 2 * spread[1, 15], "the eye hardly sees the ends"


def test_between_colours_of_the_grid_it_is_interpolated():
    ends = np.array([[[6, 6, 6], [7, 6, 6]]], np.float32) / 12
    middle = ends.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(spread_of(middle)[0, 0], spread_of(ends)[0].mean(axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_clipped_pixels_are_marked(dtype):
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    photo = (np.array([[[0.5, 0.5, 0.5], [1, 0.5, 0.5], [0, 0.5, 0.5], [0, 0.5, 1]]]) * top).astype(dtype)
    assert clipped_pixels(photo).tolist() == [[0, SATURATED, BLACK, SATURATED]]
    converted = photo.copy()
    converted[0, 0, 1] = top
    assert clipped_pixels(photo, converted)[0, 0] == SATURATED
