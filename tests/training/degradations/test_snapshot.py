"""Snapshots obey the camera's equation; masks are masks; all repeats by its seed."""

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.errors import BadDataError
from glmha_cli.physics import cassi
from glmha_cli.training.degradations.snapshot import (
    SnapshotConfig,
    binary_mask,
    gray_mask,
    manufactured_mask,
    snapshot,
    window,
)

SEEDS = st.integers(0, 2**32 - 1)
MAKERS = st.sampled_from([binary_mask, gray_mask, manufactured_mask])
SIZES = st.tuples(st.integers(8, 40), st.integers(8, 40))


def cube_of(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((*size, 28), dtype=np.float32)


@settings(max_examples=30)
@given(size=SIZES, seed=SEEDS, step=st.integers(0, 3), maker=MAKERS)
def test_without_noise_h_and_phi_are_the_equation_written_out(size, seed, step, maker):
    rng = np.random.default_rng(seed)
    cube, mask = cube_of(size, seed), maker(size, rng)
    assert mask.shape == size and mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1
    h, phi = snapshot(cube, mask, step=step, shot=0, read=0, rng=rng)
    assert h.dtype == phi.dtype == np.float32
    width = size[1]
    y = np.zeros((size[0], width + 27 * step))
    for band in range(28):
        y[:, step * band : step * band + width] += mask * cube[..., band]
    for band in range(28):
        columns = slice(step * band, step * band + width)
        np.testing.assert_allclose(h[..., band], y[:, columns] * 2 / 28, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(phi[:, columns, band], mask)
    assert phi.shape == (*y.shape, 28)


@settings(max_examples=20)
@given(size=SIZES, seed=SEEDS)
def test_training_snapshots_repeat_by_their_seed(size, seed):
    degrade, cube = SnapshotConfig().training()[0], cube_of(size, seed)
    first, again, other = (degrade(cube, np.random.default_rng(s))[0] for s in (seed, seed, seed + 1))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_batches_take_the_steps_in_turn():
    cube = cube_of((8, 12), 0)
    makers = SnapshotConfig(step=2, other_steps=(2, 1, 0)).training()
    widths = [make(cube, np.random.default_rng(0))[0][1].shape[1] for make in makers]
    assert widths == [12 + 27 * step for step in (2, 2, 1, 0)]
    with pytest.raises(BadDataError, match=r"steps \(2, 3, -1\)"):
        SnapshotConfig(other_steps=(3, -1))


def test_noise_is_as_strong_as_stated():
    cube, rng = np.full((64, 64, 28), 0.5, np.float32), np.random.default_rng(0)
    mask = binary_mask((64, 64), rng)
    clean, _ = snapshot(cube, mask, step=2, shot=0, read=0, rng=rng)
    for shot, read in ((1e-2, 0.0), (0.0, 0.02), (1e-3, 0.01)):
        noisy, _ = snapshot(cube, mask, step=2, shot=shot, read=read, rng=rng)
        expected = np.sqrt((shot * clean * 14 + read**2).mean()) / 14
        assert np.std(noisy - clean) == pytest.approx(expected, rel=0.05)


def test_manufactured_masks_correlate_like_measured_ones():
    """The masks of TSA-Net's prototype: about 0.65 one pixel on, 0.2 two on, half of the light passes."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        mask = manufactured_mask((200, 200), rng)
        assert 0.4 < mask.mean() < 0.6
        centred = mask - mask.mean()
        one, two = ((centred[:, lag:] * centred[:, :-lag]).mean() / centred.var() for lag in (1, 2))
        assert 0.45 < one < 0.8 and -0.05 < two < 0.4


@settings(max_examples=30)
@given(side=st.integers(3, 30), shape=SIZES, seed=SEEDS)
def test_a_window_shows_the_mask_continued_by_itself(side, shape, seed):
    mask = np.arange(side * side, dtype=np.float32).reshape(side, side)
    seen = window([mask], shape, np.random.default_rng(seed))
    row, column = divmod(int(seen[0, 0]), side)
    repeated = np.tile(np.roll(mask, (-row, -column), (0, 1)), (14, 14))
    np.testing.assert_array_equal(seen, repeated[: shape[0], : shape[1]])


def test_measured_masks_are_used_in_training_and_validation(tmp_path):
    path = tmp_path / "mask.mat"
    measured = np.full((50, 60), 0.7)
    scipy.io.savemat(path, {"mask": measured})
    config = SnapshotConfig(masks=(str(path),), measured=1.0, noisy=0)
    cube = cube_of((20, 24), 0)
    (_, phi), _ = config.training()[0](cube, np.random.default_rng(0))
    np.testing.assert_array_equal(phi, cassi.shifted_mask(np.full((20, 24), 0.7, np.float32), bands=28, step=2))
    assert list(config.validation()) == ["gray", "measured"]
    assert list(SnapshotConfig().validation()) == ["gray"]


def test_shifted_masks_and_wrong_shares_are_refused(tmp_path):
    path = tmp_path / "shifted.mat"
    scipy.io.savemat(path, {"mask_3d_shift": np.full((8, 8 + 54, 28), 0.5)})
    with pytest.raises(BadDataError, match="shifted"):
        SnapshotConfig(masks=(str(path),)).training()
    with pytest.raises(BadDataError):
        SnapshotConfig(binary=-0.1)
