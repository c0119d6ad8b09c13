"""GLMHA in a network that is not ours: a small denoiser learns for a few seconds, with and without it."""

import torch
from torch import nn

from glmha_cli import GLMHA


class Denoiser(nn.Module):
    """A foreign network: two convolutions that predict the noise, with a layer of your choice between them."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.GELU(), layer, nn.Conv2d(24, 3, 3, padding=1))

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        return noisy - self.layers(noisy)


def error_after_training(layer: nn.Module, steps: int = 200) -> float:
    """Mean square error over the last 50 steps: smooth patches of colour under noise of a strength that varies."""
    network, losses = Denoiser(layer), []
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for _ in range(steps):
        clean = nn.functional.interpolate(torch.rand(4, 3, 4, 4), size=(32, 32), mode="bilinear")
        noisy = clean + 0.4 * torch.rand(4, 1, 1, 1) * torch.randn_like(clean)
        losses.append(nn.functional.mse_loss(network(noisy), clean))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return torch.stack(losses[-50:]).mean().item()


if __name__ == "__main__":
    for name, make in {"nothing between": nn.Identity, "GLMHA between": lambda: GLMHA(24, heads=2)}.items():
        torch.manual_seed(0)
        print(f"{name}: {error_after_training(make()):.5f}")
