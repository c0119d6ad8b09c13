"""Metrics and protocols against values computed by hand and against independent libraries."""

import math

import numpy as np
import pytest
import torch
import torchmetrics.functional as tm
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.image import spectral_angle_mapper, structural_similarity_index_measure

from glmha_cli.errors import BadDataError
from glmha_cli.evaluation import metrics
from glmha_cli.evaluation.protocols import PROTOCOLS

RNG = np.random.default_rng(0)
PHOTO = RNG.random((40, 50, 3)).astype(np.float32)
NEAR = (PHOTO + 0.1 * RNG.standard_normal(PHOTO.shape)).clip(0, 1).astype(np.float32)
CUBE = RNG.uniform(0.05, 1, (30, 26, 7)).astype(np.float32)
OTHER = (CUBE + 0.1 * RNG.standard_normal(CUBE.shape)).clip(0, 1).astype(np.float32)


def chw(array):
    """As torchmetrics takes it: (1, c, h, w)."""
    return torch.from_numpy(np.moveaxis(np.atleast_3d(array).astype(np.float64), 2, 0).copy())[None]


def library_ssim(result, target):
    """torchmetrics' map of similarities, without its border, where it reflects what lies outside."""
    _, similar = structural_similarity_index_measure(
        chw(result), chw(target), data_range=255.0, sigma=1.5, kernel_size=11, return_full_image=True
    )
    return float(similar[..., 5:-5, 5:-5].mean())


def score(name, result, target):
    return PROTOCOLS[name].score(result, target)


@pytest.mark.parametrize(
    ("rgb", "y"),
    [
        ((255, 0, 0), 81),
        ((0, 255, 0), 145),
        ((0, 0, 255), 41),
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((128, 128, 128), 126),
    ],
)
def test_luma_is_matlabs(rgb, y):
    image = np.array([[rgb]], np.uint8)
    assert metrics.luma(image)[0, 0] == y == np.rint(rgb2ycbcr(image)[0, 0, 0])


def test_psnr_by_hand_and_by_library():
    assert metrics.psnr_db(np.array([0, 10]), np.array([0, 0]), peak=255) == pytest.approx(10 * math.log10(255**2 / 50))
    assert metrics.psnr_db(PHOTO, PHOTO, peak=1) == math.inf
    assert metrics.psnr_db(NEAR, PHOTO, peak=1) == pytest.approx(
        peak_signal_noise_ratio(PHOTO, NEAR, data_range=1), abs=1e-4
    )


@pytest.mark.parametrize("shape", [(11, 11), (40, 50), (17, 30, 3)])
def test_ssim_is_that_of_another_library(shape):
    a, b = RNG.random(shape) * 255, RNG.random(shape) * 255
    assert metrics.ssim(b, a, peak=255) == pytest.approx(library_ssim(b, a), abs=1e-6)


def test_ssim_of_one_window_by_hand():
    """On 11x11 px one window fits: weighted means, variances and covariance, K1 = 0.01, K2 = 0.03."""
    a, b = RNG.random((2, 11, 11)) * 255
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    w = np.outer(g, g) / g.sum() ** 2
    mean_a, mean_b = (w * a).sum(), (w * b).sum()
    var_a, var_b = (w * (a - mean_a) ** 2).sum(), (w * (b - mean_b) ** 2).sum()
    covariance = (w * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (
        (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    )
    assert metrics.ssim(a, b, peak=255) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (10, 40)])
@pytest.mark.parametrize("name", ["derain", "gopro"])
def test_images_too_small_for_ssim_are_refused(name, size):
    with pytest.raises(BadDataError, match="11 x 11"):
        score(name, np.zeros((*size, 3), np.float32), np.zeros((*size, 3), np.float32))


def test_mrae_by_hand_and_by_library():
    reference = np.array([[[0.5, 0.0, 0.25]]], np.float32)
    result = np.array([[[0.4, 0.7, 0.5]]], np.float32)
    assert metrics.mrae(result, reference) == pytest.approx((0.2 + 1.0) / 2, abs=1e-6)  # the zero is left out
    expected = tm.mean_absolute_percentage_error(torch.from_numpy(OTHER), torch.from_numpy(CUBE))
    assert metrics.mrae(OTHER, CUBE) == pytest.approx(float(expected), rel=1e-5)


def test_mrae_of_a_black_target_is_refused():
    with pytest.raises(BadDataError, match="every value of the target is zero"):
        metrics.mrae(CUBE, np.zeros_like(CUBE))


def test_rmse_and_sam_by_hand_and_by_library():
    assert metrics.rmse(np.array([3.0, 0]), np.array([0.0, 4])) == pytest.approx(math.sqrt(12.5))
    assert metrics.rmse(OTHER, CUBE) == pytest.approx(
        float(tm.mean_squared_error(chw(OTHER), chw(CUBE), squared=False))
    )
    one, two = np.array([[[1.0, 0.0], [1, 1]]]), np.array([[[1.0, 1.0], [2, 2]]])
    assert metrics.sam_deg(one, two) == pytest.approx((45 + 0) / 2, abs=1e-5)
    expected = torch.rad2deg(spectral_angle_mapper(chw(OTHER), chw(CUBE)))
    assert metrics.sam_deg(OTHER, CUBE) == pytest.approx(float(expected), rel=1e-5)


def test_sam_where_a_spectrum_is_black():
    black, white = np.zeros((1, 1, 3)), np.ones((1, 1, 3))
    assert metrics.sam_deg(black, white) == metrics.sam_deg(white, black) == 90
    assert metrics.sam_deg(black, black) == 0
    assert metrics.sam_deg(white * 0.1, white * 0.1) == pytest.approx(0, abs=1e-5)  # cosine above 1 by rounding


def test_derain_measures_rounded_y_of_8_bit():
    found = score("derain", NEAR, PHOTO)
    result, target = (np.rint(rgb2ycbcr(np.rint(photo * 255).astype(np.uint8))[..., 0]) for photo in (NEAR, PHOTO))
    assert found.metrics["psnr_db"] == pytest.approx(peak_signal_noise_ratio(target, result, data_range=255))
    assert found.metrics["ssim"] == pytest.approx(library_ssim(result, target), abs=1e-6)


def test_gopro_measures_8_bit_rgb():
    found = score("gopro", NEAR + 0.001, PHOTO)  # is rounded, and clipped
    result, target = (np.rint(photo.clip(0, 1) * 255).astype(np.uint8) for photo in (NEAR + np.float32(0.001), PHOTO))
    assert found.metrics["psnr_db"] == pytest.approx(peak_signal_noise_ratio(target, result))
    assert found.metrics["ssim"] == pytest.approx(library_ssim(result, target), abs=1e-6)


def test_arad_crops_where_the_cube_is_large_enough_and_says_so():
    target = np.full((300, 257, 2), 0.5, np.float32)
    result = target.copy()
    result[:128], result[-128:], result[:, :128], result[:, -128:] = 0, 0, 0, 0
    assert score("arad", result, target).metrics["mrae"] == 0
    assert score("arad", result, target).facts == {"crop_px": 128, "zero_references": 0}
    small = score("arad", result[:, :256], target[:, :256])
    assert small.facts["crop_px"] == 0 and small.metrics["mrae"] > 0.5


def test_arad_by_hand():
    target = np.array([[[0.5, 0.0], [0.25, 1.0]]], np.float32)
    result = np.array([[[0.6, 0.1], [0.25, 1.5]]], np.float32)
    found = score("arad", result, target)
    assert found.facts == {"crop_px": 0, "zero_references": 1}
    assert found.metrics["mrae"] == pytest.approx((0.2 + 0 + 0.5) / 3, abs=1e-6)
    assert found.metrics["rmse"] == pytest.approx(math.sqrt((0.01 + 0.01 + 0.25) / 4), abs=1e-6)
    assert found.metrics["psnr_db"] == pytest.approx(10 * math.log10(4 / 0.02), abs=1e-4)  # 1.5 clipped to 1


def test_kaist_averages_over_bands():
    found = score("kaist", OTHER, CUBE)
    result, target = (np.rint(cube.astype(np.float64) * 256) for cube in (OTHER, CUBE))
    bands = range(CUBE.shape[2])
    psnr = [peak_signal_noise_ratio(target[..., i], result[..., i], data_range=255) for i in bands]
    similar = [library_ssim(result[..., i], target[..., i]) for i in bands]
    assert found.metrics["psnr_db"] == pytest.approx(np.mean(psnr))
    assert found.metrics["ssim"] == pytest.approx(np.mean(similar), abs=1e-6)
    assert found.metrics["psnr_db"] > metrics.psnr_db(result, target, peak=255)  # Jensen: not the PSNR of the whole


def test_kaist_by_hand():
    target = np.zeros((11, 11, 2), np.float32)
    result = target + np.array([1 / 256, 2.4 / 256], np.float32)  # 1 and, rounded, 2 steps
    expected = (20 * math.log10(255) + 20 * math.log10(255 / 2)) / 2
    assert score("kaist", result, target).metrics["psnr_db"] == pytest.approx(expected)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_two_sizes_are_refused(name):
    with pytest.raises(BadDataError, match="40 x 50 x 3 and 40 x 49 x 3"):
        score(name, PHOTO, PHOTO[:, 1:])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_equal_is_best(name):
    found = score(name, PHOTO, PHOTO).metrics
    assert found["psnr_db"] == math.inf
    assert found.get("ssim", 1) == pytest.approx(1) and found.get("mrae", 0) == found.get("rmse", 0) == 0
