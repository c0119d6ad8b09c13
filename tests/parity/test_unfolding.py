"""The unfolding network: its camera against physics.cassi, its gradients against autograd, its inputs of any step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.complexity import count
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.networks.dispersion import back_projected, collected, detector_of, maps_of, measured, window
from glmha_cli.networks.low_rank import Snapshot, descent_in_abundances, descent_in_spectra, orthonormal, product
from glmha_cli.networks.unfolding import UnfoldingConfig
from glmha_cli.physics import cassi

SCENES = {
    "h": st.integers(1, 4),
    "w": st.integers(1, 9),
    "bands": st.integers(1, 6),
    "step": st.integers(0, 5),
    "seed": st.integers(0, 2**32 - 1),
}


def rows(array: np.ndarray) -> torch.Tensor:
    """(h, w, c) as a batch of one of rows."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 2, 1)))[None]


def image(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


@given(**SCENES)
def test_the_camera_is_that_of_physics(h, w, bands, step, seed):
    """Phi and its transpose of a measured mask, whose windows alone act on the scene."""
    rng = np.random.default_rng(seed)
    cube, mask = rng.random((h, w, bands)), rng.random((h, w + step * (bands - 1), bands))
    y = cassi.forward(cube, mask, step=step)
    seen = window(image(mask), step)
    np.testing.assert_allclose(measured(rows(cube), seen, step)[0], y, rtol=1e-12, atol=1e-12)
    back = back_projected(torch.from_numpy(y)[None], seen, step)
    expected = cassi.adjoint(y, mask, bands=bands, step=step)
    np.testing.assert_allclose(back[0], expected.transpose(0, 2, 1), rtol=1e-12, atol=1e-12)


@given(**{**SCENES, "w": st.integers(5, 9)})
def test_the_measurement_is_read_from_what_was_shifted_back(h, w, bands, step, seed):
    y = np.random.default_rng(seed).random((h, w + step * (bands - 1)))
    shifted_back = image(cassi.shift_back(y, bands=bands, step=step))
    np.testing.assert_array_equal(detector_of(shifted_back, step)[0], y)


@given(**SCENES, rank=st.integers(1, 4))
def test_the_steps_descend_along_the_gradients(h, w, bands, step, seed, rank):
    """Half the squared error of the measurement, whose detector pixels count by 1 / (gram + damping): by autograd, and
    by finite differences along a random direction."""
    generator = torch.Generator().manual_seed(seed % 2**31)

    def random(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    snapshot = Snapshot.of(random(1, bands, h, w), random(1, bands, h, w + step * (bands - 1)))
    abundances = random(1, h, rank, w).requires_grad_()
    spectra, damping = random(1, rank, bands).requires_grad_(), torch.tensor(0.1, dtype=torch.float64)

    def error(abundances, spectra):
        residual = measured(product(abundances, spectra), snapshot.mask, snapshot.step) - snapshot.measurement
        return (residual.square() / (snapshot.gram + damping)).sum() / 2

    gradients = torch.autograd.grad(error(abundances, spectra), (abundances, spectra))
    with torch.no_grad():
        unexplained = snapshot.unexplained(abundances, spectra, damping)
        ours = -descent_in_abundances(unexplained, spectra), -descent_in_spectra(unexplained, abundances)
        for mine, theirs in zip(ours, gradients, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)
        directions = random(*abundances.shape), random(*spectra.shape)
        ends = [error(abundances + e * directions[0], spectra + e * directions[1]) for e in (1e-5, -1e-5)]
        slope = sum((mine * direction).sum() for mine, direction in zip(ours, directions, strict=True))
        assert (ends[0] - ends[1]).item() / 2e-5 == pytest.approx(slope.item(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("smallest", [1.0, 0.1])
def test_spectra_become_orthonormal(smallest):
    generator = torch.Generator().manual_seed(3)
    left, right = (torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0] for n in (5, 9))
    spectra = (left * torch.linspace(1, smallest, 5, dtype=torch.float64)) @ right[:5]
    torch.testing.assert_close(orthonormal(spectra[None])[0], left @ right[:5], rtol=0, atol=0.05)


def simulated(config: UnfoldingConfig, h: int, w: int, step: int) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    """A smooth cube, and the network's inputs of its snapshot."""
    rng = np.random.default_rng(8)
    bands, angle = config.bands, np.linspace(0, 3, config.bands)
    maps = rng.random((h, w, 2))
    cube = maps[..., :1] * (0.5 + 0.4 * np.cos(angle)) + maps[..., 1:] * (0.5 - 0.4 * np.cos(angle))
    mask = rng.integers(2, size=(h, w)).astype(float)
    y = cassi.forward(cube, mask, step=step)
    x = cassi.network_input(y, bands=bands, step=step)
    return cube, image(x).float(), image(cassi.shifted_mask(mask, bands=bands, step=step)).float()


@pytest.mark.parametrize("step", [1, 2, 5])
def test_an_untrained_network_explains_the_measurement_stage_by_stage(step):
    """At any step, whatever its config says: each stage's cube is nearer to the measurement than the one before."""
    config = UnfoldingConfig(bands=8, rank=4, channels=6, num_blocks=(1, 1), num_stages=4, step=2)
    torch.manual_seed(0)
    network = config.build().eval()
    _, x, mask = simulated(config, 16, 24, step)
    with torch.no_grad():
        cubes = network.estimates(x, mask)
        snapshot = Snapshot.of(x, mask)
        errors = [
            (measured(cube.permute(0, 2, 1, 3), snapshot.mask, step) - snapshot.measurement).square().mean().item()
            for cube in cubes
        ]
        torch.testing.assert_close(network(x, mask), cubes[-1])
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 2


@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_what_is_left_of_a_noisy_measurement_is_its_noise(sigma):
    """Nobody says how much there is. The maps take the rest of a scene of two materials."""
    config = UnfoldingConfig(bands=8, rank=2, channels=2, num_blocks=(1,), num_stages=12)
    torch.manual_seed(0)
    network = config.build().eval()
    _, x, mask = simulated(config, 64, 64, 2)
    snapshot = Snapshot.of(x, mask)
    noise = sigma * torch.randn(snapshot.measurement.shape, generator=torch.Generator().manual_seed(4))
    noisy = maps_of(collected(snapshot.measurement + noise, 8, 2)) / 4  # as a network takes it: times 2 / bands

    def left(x):
        *_, (maps, spectra) = network.unrolled(x, mask)
        snapshot = Snapshot.of(x, mask)
        return 10 ** (3 * snapshot.misfit(snapshot.residual(maps[:, :2].permute(0, 2, 1, 3), spectra)).item() - 3)

    with torch.no_grad():
        told = sigma**2 / snapshot.gram.mean().item()
        assert left(noisy) > left(x)
        assert 0.2 * told < left(noisy) < 2 * told + left(x)


def test_columns_that_pad_a_scene_do_not_change_what_is_measured():
    """Beside a mask of zeros: the detector's image is read from the bands that show no padding."""
    config = UnfoldingConfig(bands=5, rank=3, channels=4, num_blocks=(1,))
    _, x, mask = simulated(config, 6, 17, 2)
    padded = torch.nn.functional.pad(x, (0, 3, 0, 0), mode="reflect"), torch.nn.functional.pad(mask, (0, 3))
    torch.testing.assert_close(Snapshot.of(*padded).measurement[..., : mask.shape[3]], Snapshot.of(x, mask).measurement)


def test_shared_stages_cost_the_parameters_of_one():
    own, shared = (count(UnfoldingConfig(shared=shared), height=32, width=32) for shared in (False, True))
    assert shared.parameters < own.parameters / 2 and shared.macs == own.macs


def test_plain_form_and_another_attention():
    config = UnfoldingConfig(num_stages=2, shared=True, attention=CSAConfig())
    assert network_from_plain(network_to_plain(config)) == config
    assert (
        count(config, height=32, width=32).parameters
        != count(replace(config, attention=UnfoldingConfig().attention), height=32, width=32).parameters
    )


def test_a_rank_that_does_not_fit():
    with pytest.raises(UsageError, match="rank of 17") as error:
        UnfoldingConfig(rank=17)
    assert error.value.hint == "rank = 16"


def test_gradients_reach_every_parameter():
    config = UnfoldingConfig(bands=8, rank=4, channels=6, num_blocks=(1, 1), num_stages=2)
    network = config.build()
    for stage in network.stages:
        torch.nn.init.normal_(stage.output.weight, std=0.1)
        torch.nn.init.normal_(stage.spectra.network[-1].weight, std=0.1)
    cube, x, mask = simulated(config, 16, 24, 2)
    (network(x, mask) - image(cube)).square().mean().backward()
    still = [name for name, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert not still
