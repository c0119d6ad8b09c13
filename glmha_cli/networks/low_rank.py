"""A scene as a product of maps and spectra, X = A E, against what a CASSI camera measured of it."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.networks.dispersion import Detector, Rows, back_projected, detector_of, measured, window

Spectra = Float[Tensor, "b k c"]
ITERATIONS = 8
"""Of Newton and Schulz, towards orthonormal spectra; enough for singular values ten times apart."""


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
        residual = self.measurement - measured(product(abundances, spectra), self.mask, self.step)
        return back_projected(residual / (self.gram + damping), self.mask, self.step)


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
