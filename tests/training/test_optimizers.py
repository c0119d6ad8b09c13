"""Optimisers learn, survive saving, and Muon moves all directions of a matrix alike."""

import copy

import pytest
import torch
from torch import nn

from glmha_cli.lookup import resolve
from glmha_cli.training.optimizers import OPTIMIZERS, is_matrix, muon, orthogonal, turned, turned_by_gram


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.GELU(), nn.Conv2d(8, 2, 1)
    )


def learn(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    """Losses on the way to a target that a network of another seed made."""
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    target = x[:, :2] * 0.5 + x[:, 1:]

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(steps)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_falls_and_all_weights_move(name):
    network = small_network()
    before = copy.deepcopy(network.state_dict())
    losses = learn(network, resolve(OPTIMIZERS, name, "optimizer")(network, 1e-2, 1e-4), steps=80)
    assert losses[-1] < 0.3 * losses[0]
    assert not any(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_saved_state_goes_on_to_the_same_weights(name):
    make = resolve(OPTIMIZERS, name, "optimizer")
    whole, halves = small_network(), small_network()
    learn(whole, make(whole, 1e-2, 1e-4), steps=6)
    first = make(halves, 1e-2, 1e-4)
    learn(halves, first, steps=3)
    second = make(halves, 1e-2, 1e-4)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    learn(halves, second, steps=3)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("shape", [(24, 24), (8, 72), (72, 8)])
def test_singular_values_become_alike(shape):
    # From 1 down to 0.05: the weakest direction is heard as well as the strongest.
    u, _, v = torch.linalg.svd(torch.randn(*shape, generator=torch.Generator().manual_seed(2)), full_matrices=False)
    found = torch.linalg.svdvals(orthogonal((u * torch.linspace(1, 0.05, min(shape)) @ v)[None]))
    assert found.min() > 0.6 and found.max() < 1.25


def test_the_short_way_for_wide_matrices_ends_at_the_same():
    # A rank of 3 of 8: what is nearly nothing must not grow by rounding.
    wide = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(4)) @ torch.randn(
        2, 3, 96, generator=torch.Generator().manual_seed(5)
    )
    wide /= wide.norm(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(turned_by_gram(wide), turned(wide), rtol=1e-3, atol=1e-4)


def test_matrices_of_one_shape_are_turned_together_as_each_alone():
    three = (
        torch.randn(3, 8, 24, generator=torch.Generator().manual_seed(3)) * torch.tensor([1, 1e-3, 30])[:, None, None]
    )
    torch.testing.assert_close(
        orthogonal(three), torch.cat([orthogonal(one[None]) for one in three]), rtol=0.02, atol=0.02
    )


def test_muons_first_step_is_as_large_as_adamws():
    network = small_network()
    before = [parameter.clone() for parameter in network.parameters()]
    learn(network, muon(network, 1e-2, 0.0), steps=1)
    for old, new in zip(before, network.parameters(), strict=True):
        step = (new - old).detach().square().mean().sqrt().item()
        assert step == pytest.approx(0.2e-2 if is_matrix(new) else 1e-2, rel=0.3)


def test_matrices_are_what_mixes_channels():
    dense, depthwise, _, pointwise = small_network()
    assert is_matrix(dense.weight) and is_matrix(pointwise.weight)
    assert not is_matrix(depthwise.weight) and not is_matrix(dense.bias)
