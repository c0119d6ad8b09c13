"""A sample is a function of its key alone; inputs of any width go through a network of any size multiple."""

import multiprocessing
import os
import pickle
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from glmha_cli.evaluation.metrics import psnr_db
from glmha_cli.tasks.derain import DERAIN
from glmha_cli.tasks.rgb2hsi import RGB2HSI
from glmha_cli.tasks.sci import SCI
from glmha_cli.training.data.found import DataPaths, find_data
from glmha_cli.training.data.samples import Samples, mosaic, shrunk_crop, signals_held, stand_aside, training_loader
from glmha_cli.training.data.sources import load_targets
from glmha_cli.training.data.spectra import CubesConfig
from glmha_cli.training.data.validation import synthetic_sets
from glmha_cli.training.degradations.camera import CameraConfig
from glmha_cli.training.degradations.rain import RainConfig
from glmha_cli.training.degradations.snapshot import SnapshotConfig
from glmha_cli.training.module import restore, to_network
from glmha_cli.training.recipe import Stage
from glmha_cli.training.scores import BESIDE, cube_psnr_db

CASES = {
    "derain": (DERAIN, RainConfig(bank_layers=4, layer_px=32), [(24, 24, 3)], (24, 24, 3)),
    "rgb2hsi": (RGB2HSI, CameraConfig(), [(24, 24, 3)], (24, 24, 31)),
    "sci": (SCI, SnapshotConfig(), [(24, 24, 28), (24, 24 + 54, 28)], (24, 24, 28)),
}
STAGE = Stage(patch_px=24, batch=2, until=1.0)


@pytest.fixture(params=CASES)
def case(request, photos, spectra):
    task, degradation, input_shapes, target_shape = CASES[request.param]
    library = [] if task is DERAIN else [spectra]
    found = find_data(task, DataPaths(images=[photos], spectra=library))
    targets = load_targets(task, found, crop_px=24, config=CubesConfig())
    return Samples(targets, degradation, seed=3), input_shapes, target_shape


def same(a, b) -> bool:
    return np.array_equal(a[1], b[1]) and all(np.array_equal(x, y) for x, y in zip(a[0], b[0], strict=True))


def test_a_sample_has_its_tasks_shapes_and_depends_on_its_key_alone(case):
    samples, input_shapes, target_shape = case
    first = samples[5, 1, STAGE]
    assert [array.shape for array in first[0]] == input_shapes and first[1].shape == target_shape
    assert {array.dtype for array in (*first[0], first[1])} <= {np.dtype(np.uint8), np.dtype(np.float16)}
    samples[0, 0, STAGE]
    assert same(first, samples[5, 1, STAGE])
    assert not same(first, samples[5, 0, STAGE]) and not same(first, samples[6, 1, STAGE])
    assert same(first, pickle.loads(pickle.dumps(samples))[5, 1, STAGE])  # a worker that is no fork


def test_a_mosaic_is_degraded_as_one_picture(case):
    samples, input_shapes, target_shape = case
    inputs, target = samples[5, 1, replace(STAGE, patch_px=12, mosaic=2)]
    assert [array.shape for array in inputs] == input_shapes and target.shape == target_shape


def test_of_low_crops_the_first_rows_are_seen(case):
    samples, input_shapes, target_shape = case
    inputs, target = samples[5, 1, replace(STAGE, rows=8)]
    assert [array.shape for array in inputs] == [(8, *shape[1:]) for shape in input_shapes]
    assert target.shape == (8, *target_shape[1:])
    inputs, _ = samples[5, 1, replace(STAGE, patch_px=12, rows=4, mosaic=2)]
    assert inputs[0].shape == (8, *input_shapes[0][1:])


def test_snapshots_of_a_batch_have_one_step_and_the_next_batch_another(photos, spectra):
    found = find_data(SCI, DataPaths(images=[photos], spectra=[spectra]))
    targets = load_targets(SCI, found, crop_px=24, config=CubesConfig())
    samples = Samples(targets, SnapshotConfig(other_steps=(3, 1)), seed=3)
    widths = [[samples[step, place, STAGE][0][1].shape[1] - 24 for place in range(2)] for step in range(4)]
    assert widths == [[27 * step] * 2 for step in (2, 3, 1, 2)]


def test_photos_are_shrunk_as_far_as_they_are_large_enough():
    """The steepest slope of a ramp tells by how much; a cube stays as it is."""
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 240, 3))

    def factors(image, patch_px, shrink):
        crops = [shrunk_crop(image, patch_px, shrink, np.random.default_rng(seed)).astype(float) for seed in range(40)]
        assert {crop.shape for crop in crops} == {(patch_px, patch_px, image.shape[2])}
        return [max(np.ptp(crop[:, 5, 0]), np.ptp(crop[5, :, 0])) / (patch_px - 1) for crop in crops]

    assert set(factors(ramp, 32, 1.0)) == {1.0}
    assert 1 <= min(factors(ramp, 32, 3.0)) < 1.3 and 2.5 < max(factors(ramp, 32, 3.0)) < 3.1
    assert 1.8 < max(factors(ramp, 100, 3.0)) < 2.1
    assert set(factors(ramp, 200, 3.0)) == {1.0}
    assert set(factors(ramp.astype(np.float16), 32, 3.0)) == {1.0}


def test_crops_of_a_mosaic_stand_row_by_row():
    crops = [np.full((2, 3, 1), place) for place in range(4)]
    np.testing.assert_array_equal(mosaic(crops, 2)[::2, ::3, 0], [[0, 1], [2, 3]])


def test_batches_from_a_worker_are_the_samples(case):
    samples, _, _ = case
    keys = [[(0, 0, STAGE), (0, 1, STAGE)], [(1, 0, STAGE), (1, 1, STAGE)]]
    for batch, (inputs, target) in zip(keys, training_loader(samples, keys, num_workers=1), strict=True):
        for index, key in enumerate(batch):
            assert same(samples[key], ([part[index].numpy() for part in inputs], target[index].numpy()))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system cannot hold signals")
def test_a_signal_that_comes_while_workers_start_ends_none_of_them():
    def start() -> None:
        with signals_held():
            os.kill(os.getpid(), signal.SIGTERM)
            stand_aside(0)
        os._exit(7)

    def late() -> None:
        stand_aside(0)
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(7)

    fork = multiprocessing.get_context("fork")
    for target, code in ((start, 7), (late, -signal.SIGTERM)):
        process = fork.Process(target=target)
        process.start()
        process.join(timeout=60)
        assert process.exitcode == code


def test_validation_sets_are_fixed_and_not_made_like_training(case):
    samples, _, _ = case
    first, again = (synthetic_sets(samples.targets.held_out, samples.degradation.validation()) for _ in range(2))
    assert first.keys() == again.keys() and first
    for name in first:
        assert len(first[name]) == (1 if name.endswith("_spectra") else 2)  # every tenth of twelve photos
        assert all(same(a, b) for a, b in zip(first[name], again[name], strict=True))


def test_to_network_scales_bytes_alone():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1)
    assert torch.equal(to_network(levels), (levels.permute(0, 3, 1, 2).float() / 255))
    values = torch.rand(1, 4, 5, 3).half()
    assert torch.equal(to_network(values), values.permute(0, 3, 1, 2).float())
    assert to_network(torch.zeros(2, 4, 5, 3)).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 13), (3, 17)])
def test_all_inputs_are_padded_alike(height, width):
    """A wider input keeps its extra columns; the first comes back as it was."""

    class First(nn.Module):
        def forward(self, x, mask):
            assert x.shape[2] % 8 == 0 and x.shape[3] % 8 == 0
            assert mask.shape[2:] == (x.shape[2], x.shape[3] + 6)
            return x

    x, mask = torch.rand(1, height, width, 5), torch.rand(1, height, width + 6, 5)
    np.testing.assert_array_equal(restore(First(), [x, mask], 8), x[0].numpy())


def test_cube_psnr_has_peak_1():
    cube = np.full((4, 4, 31), 0.5, np.float32)
    assert cube_psnr_db(cube + np.float32(0.1), cube) == pytest.approx(20, abs=1e-4)
    assert cube_psnr_db(cube, cube) == psnr_db(cube, cube, peak=1) == float("inf")


def test_what_the_curve_of_cubes_shows_beside_psnr():
    cube = np.random.default_rng(0).uniform(0.2, 0.8, (4, 4, 31)).astype(np.float16)
    brighter = 1.25 * cube.astype(np.float32)
    beside = BESIDE["arad"]
    assert beside["mrae"](brighter, cube) == pytest.approx(0.25, abs=1e-3)
    assert beside["sam_deg"](brighter, cube) == pytest.approx(0, abs=0.1)
    assert np.isnan(beside["mrae"](brighter, np.zeros_like(cube)))
