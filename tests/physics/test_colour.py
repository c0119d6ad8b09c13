"""Colours of cubes: the stored tables against colour-science, and cubes brought onto a photo's colours."""

import colour
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import lsq_linear

from glmha_cli.physics.colour import (
    delta_e_2000,
    project_onto_photo,
    render,
    render_linear,
)
from glmha_cli.physics.srgb_spectra import BAND_TO_RGB, PRIMARY_TO_BAND
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

fractions = st.floats(0, 1, width=32)
photos = arrays(np.float32, (3, 4, 3), elements=fractions)
cubes = arrays(np.float32, (3, 4, 31), elements=fractions)


def test_the_grids() -> None:
    assert tuple(np.arange(400.0, 701, 10)) == RGB2HSI_NM
    assert (len(SCI_NM), SCI_NM[0], SCI_NM[-1]) == (28, 453.5, 648.0)
    assert np.all(np.diff(SCI_NM) > 0)


def test_band_to_rgb_is_observer_times_d65_times_the_srgb_matrix() -> None:
    shape = colour.SpectralShape(RGB2HSI_NM[0], RGB2HSI_NM[-1], 10)
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(shape).values
    weights = observer * colour.SDS_ILLUMINANTS["D65"].copy().align(shape).values[:, None]
    weights /= weights[:, 1].sum()
    linear = weights @ colour.RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB.T
    np.testing.assert_allclose(BAND_TO_RGB, linear / linear.sum(axis=0), atol=1e-11)


def test_the_primaries_are_the_smoothest_spectra_that_render_to_the_primaries() -> None:
    to_rgb, stored = np.array(BAND_TO_RGB), np.array(PRIMARY_TO_BAND)
    assert stored.min() >= 0 and stored.max() <= 1
    np.testing.assert_allclose(stored.sum(axis=1), 1, atol=1e-10)
    np.testing.assert_allclose(to_rgb.T @ stored, np.eye(3), atol=1e-10)

    # The same by bounded least squares: differences small, the two conditions met by a large weight.
    channels = np.eye(3)
    differences = np.kron(np.diff(np.eye(31), axis=0), channels)
    conditions = np.vstack([np.kron(to_rgb.T, channels), np.kron(np.eye(31), np.ones(3))])
    goals = np.concatenate([np.zeros(len(differences)), 1e4 * channels.ravel(), 1e4 * np.ones(31)])
    best = lsq_linear(np.vstack([differences, 1e4 * conditions]), goals, bounds=(0, 1), method="bvls", tol=1e-14)
    np.testing.assert_allclose(stored, best.x.reshape(31, 3), atol=2e-5)


def test_ones_are_exactly_white_and_zeros_black() -> None:
    for value in (1, 0):
        flat = np.full((2, 3, 31), value, np.float32)
        np.testing.assert_array_equal(np.rint(render(flat) * 65535), 65535 * value)
        np.testing.assert_allclose(render_linear(flat.astype(float)), value, atol=1e-10)


@given(photos)
def test_the_srgb_curve_is_the_standards_and_invertible(photo: np.ndarray) -> None:
    np.testing.assert_allclose(linear_to_srgb(photo), colour.cctf_encoding(photo, "sRGB"), atol=1e-6)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(photo)), photo, atol=1e-6)


@given(cubes, photos)
def test_projected_cubes_stay_in_range_and_render_to_the_photo(cube: np.ndarray, photo: np.ndarray) -> None:
    projected = project_onto_photo(cube, photo)
    assert projected.dtype == np.float32
    assert projected.min() >= 0 and projected.max() <= 1
    assert np.abs(render(projected) - photo).max() < 2e-5
    assert delta_e_2000(render(projected), photo) < 2e-3


def test_projection_leaves_a_cube_that_fits_already() -> None:
    cube = np.random.default_rng(0).uniform(0.3, 0.7, (5, 6, 31)).astype(np.float32)
    np.testing.assert_allclose(project_onto_photo(cube, render(cube)), cube, atol=1e-5)


def test_projection_is_the_least_smooth_change_where_that_stays_in_range() -> None:
    """Least in the norm of spectra whose bands are alike over 60 nm: found by least squares in whitened bands."""
    rng = np.random.default_rng(0)
    cube, photo = rng.uniform(0.45, 0.55, (5, 6, 31)), rng.uniform(0.68, 0.72, (5, 6, 3))
    nm = np.arange(400, 701, 10)
    colouring = np.linalg.cholesky(np.exp(-np.abs(nm[:, None] - nm) / 60))
    missing = (srgb_to_linear(photo) - render_linear(cube)).reshape(-1, 3).T
    white, *_ = np.linalg.lstsq(np.array(BAND_TO_RGB).T @ colouring, missing, rcond=None)
    np.testing.assert_allclose(
        project_onto_photo(cube, photo) - cube, (colouring @ white).T.reshape(cube.shape), atol=1e-9
    )


@given(photos, photos)
def test_delta_e_agrees_with_colour_science(image_a: np.ndarray, image_b: np.ndarray) -> None:
    lab_a, lab_b = (colour.XYZ_to_Lab(colour.sRGB_to_XYZ(image.astype(float))) for image in (image_a, image_b))
    expected = colour.delta_E(lab_a, lab_b, method="CIE 2000").mean()
    assert delta_e_2000(image_a, image_b) == pytest.approx(expected, rel=0.01, abs=0.02)
    assert delta_e_2000(image_a, image_a) == 0
