"""A scene as a product of maps and spectra, X = A E, against what a CASSI camera measured of it."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.networks.blocks import zero
from glmha_cli.networks.dispersion import Detector, Rows, back_projected, detector_of, measured, window

Spectra = Float[Tensor, "b k c"]
ITERATIONS = 8
"""Of Newton and Schulz, towards orthonormal spectra; enough for singular values ten times apart."""
LEAST = 1e-6
"""Mean square that is told from none, of values up to 1."""
NEIGHBOURS = 5
"""Side, in pixels, of what a local mean is taken of."""


class Snapshot(NamedTuple):
    """What was measured: the detector's image, the mask as each band meets it, what the mask lets through, squared."""

    measurement: Detector
    mask: Rows
    gram: Detector
    step: int

    @classmethod
    def of(cls, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]) -> "Snapshot":
        """Of a network's inputs: the measurement shifted back, times 2 / bands, and Phi."""
        bands = x.shape[1]
        step = (mask.shape[3] - x.shape[3]) // max(bands - 1, 1)
        rows = window(mask, step)
        return cls(detector_of(x, step) * (bands / 2), rows, measured(rows, rows, step), step)

    def unexplained(self, abundances: Rows, spectra: Spectra, damping: Tensor) -> Rows:
        """Phi^T (y - Phi A E), each detector pixel divided by what the mask lets through."""
        return self.returned(self.residual(abundances, spectra), damping)

    def residual(self, abundances: Rows, spectra: Spectra) -> Detector:
        """y - Phi A E."""
        return self.measurement - measured(product(abundances, spectra), self.mask, self.step)

    def returned(self, residual: Detector, damping: Tensor) -> Rows:
        """Phi^T of the residual, each detector pixel divided by what the mask lets through."""
        return back_projected(residual / (self.gram + damping), self.mask, self.step)

    def misfit(self, residual: Detector) -> Float[Tensor, "b 1 1"]:
        """`decades` of a residual, for the light that the mask lets through; of a fit, this is the noise."""
        energy, light = (each.mean(dim=(1, 2), keepdim=True) for each in (residual.square(), self.gram))
        return decades(energy / light.clamp(min=LEAST))


def product(abundances: Rows, spectra: Spectra) -> Rows:
    """A E: (b, h, k, w) and (b, k, c) -> (b, h, c, w)."""
    return spectra.mT[:, None] @ abundances


def descent_in_abundances(unexplained: Rows, spectra: Spectra) -> Rows:
    """E Phi^T r."""
    return spectra[:, None] @ unexplained


def descent_in_spectra(unexplained: Rows, abundances: Rows) -> Spectra:
    """A Phi^T r, over all pixels."""
    return (abundances @ unexplained.mT).sum(dim=1)


def orthonormal(spectra: Spectra) -> Spectra:
    """The nearest orthonormal rows, by products alone, which every runtime has."""
    x = spectra / spectra.square().sum(dim=(1, 2), keepdim=True).sqrt()
    for _ in range(ITERATIONS):
        x = 1.5 * x - 0.5 * (x @ x.mT) @ x
    return x


def cosines(rank: int, bands: int) -> Float[Tensor, "k c"]:
    """Smooth orthonormal spectra to start from."""
    angle = math.pi / bands * torch.outer(torch.arange(rank), torch.arange(bands) + 0.5)
    return F.normalize(torch.cos(angle), dim=1)


def local_misfit(unexplained: Rows) -> Float[Tensor, "b 1 h w"]:
    """`decades` around each pixel of the scene, of Phi^T r."""
    energy = unexplained.square().mean(dim=2)[:, None]
    mean = F.avg_pool2d(energy, NEIGHBOURS, stride=1, padding=NEIGHBOURS // 2, count_include_pad=False)
    return decades(mean)


def decades(energy: Tensor) -> Tensor:
    """A mean square, in threes of decades: 1 for 1, 0 for 10^-3, -1 for none."""
    return 1 + torch.log10(energy + LEAST) / 3


class SpectraStep(nn.Module):
    """One gradient step of the spectra, plus what a small network along the bands adds; then orthonormal again."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(0.5))
        wide = 2 * rank
        self.network = nn.Sequential(
            nn.Conv1d(wide, wide, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(wide, wide, 5, padding=2, groups=wide),
            nn.GELU(),
            nn.Conv1d(wide, rank, 3, padding=1),
        )
        zero(self.network[-1])

    def forward(self, spectra: Spectra, unexplained: Rows, abundances: Rows) -> Spectra:
        energy = abundances.square().sum(dim=(1, 3))[..., None]
        down = descent_in_spectra(unexplained, abundances) / (energy + 1e-3 * energy.sum(dim=1, keepdim=True) + 1e-6)
        return orthonormal(spectra + self.rate * down + self.network(torch.cat([spectra, down], dim=1)))
