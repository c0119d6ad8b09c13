"""A photo of a cube is the cube's rendering in 8 bits; noise and JPEG touch their shares of the samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import render
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.training.data.reflectances import Library, Reflectances
from glmha_cli.training.data.samples import sample
from glmha_cli.training.data.spectra import CubesConfig, training_cube
from glmha_cli.training.degradations.camera import CameraConfig
from tests.training.conftest import smooth_photo, smooth_reflectances

LIBRARY = Library.of(Reflectances(smooth_reflectances(120), np.full(120, "any")), RGB2HSI_NM)
PERFECT = CameraConfig(noisy=0, compressed=0).training()[0]


def cube_of(seed: int) -> np.ndarray:
    return training_cube(smooth_photo(seed), LIBRARY, np.random.default_rng(seed), CubesConfig())


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_rendering_the_cube_of_a_sample_gives_its_photo_up_to_8_bits(seed):
    cube = cube_of(seed)
    (photo,), kept = sample(cube, PERFECT, np.random.default_rng(seed))
    assert (photo.dtype, kept.dtype) == (np.uint8, np.float16)
    assert np.abs(render(cube) * 255 - photo).max() < 0.501
    np.testing.assert_allclose(kept, cube, rtol=5e-4, atol=1e-7)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_photos_are_8_bit_images_repeatable_by_their_seed(seed):
    cube, degrade = cube_of(seed), CameraConfig().training()[0]
    photo, _ = degrade(cube, np.random.default_rng(seed))
    assert photo.shape == (*cube.shape[:2], 3) and photo.dtype == np.float32
    np.testing.assert_array_equal(photo, (photo * 255).round().astype(np.float32) / np.float32(255))
    assert photo.min() >= 0 and photo.max() <= 1
    np.testing.assert_array_equal(photo, degrade(cube, np.random.default_rng(seed))[0])


def test_noise_and_jpeg_are_as_frequent_as_asked_and_mild():
    cube, rng = cube_of(0), np.random.default_rng(0)
    clean, degrade = PERFECT(cube, rng)[0], CameraConfig(noisy=0.3, compressed=0.3).training()[0]
    errors = np.array([np.abs(degrade(cube, rng)[0] - clean).mean() for _ in range(300)])
    assert 0.42 < (errors == 0).mean() < 0.56  # 0.7 * 0.7 = 0.49
    assert errors.max() < 0.06


def test_validation_photos_are_perfect():
    cube = cube_of(1)
    assert list(CameraConfig().validation()) == ["photo"]
    photo = CameraConfig().validation()["photo"](cube, np.random.default_rng(0))
    np.testing.assert_array_equal(photo, PERFECT(cube, np.random.default_rng(1))[0])


def test_shares_outside_0_1_are_refused():
    with pytest.raises(BadDataError):
        CameraConfig(noisy=1.5)
