"""The measurement of a CASSI camera (`physics.cassi`) inside a network: Phi and its transpose, with gradients.

Maps of rows, (b, h, c, w), are what light is dispersed along. Both directions read the same numbers in rows of another
length, so that band c moves by c steps: no loop over bands, no index per pixel, any step, and standard operators alone.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Rows = Float[Tensor, "b h c w"]
Detector = Float[Tensor, "b h w_ext"]


def rows_of(maps: Float[Tensor, "b c h w"]) -> Rows:
    return rearrange(maps, "b c h w -> b h c w")


def maps_of(rows: Rows) -> Float[Tensor, "b c h w"]:
    return rearrange(rows, "b h c w -> b c h w")


def dispersed(rows: Rows, step: int) -> Detector:
    """The sum of all bands on the detector, band c shifted right by `step * c`: (b, h, w + step (c - 1))."""
    bands, w = rows.shape[2:]
    w_ext = w + step * (bands - 1)
    flat = F.pad(rows, (0, step * bands)).flatten(2)[..., : bands * w_ext]
    return flat.unflatten(2, (bands, w_ext)).sum(dim=2)


def shifted_back(rows: Float[Tensor, "b h c w_ext"], step: int) -> Rows:
    """Of band c the columns from `step * c` on."""
    bands, w_ext = rows.shape[2:]
    flat = F.pad(rows.flatten(2), (0, step * bands))
    return flat.unflatten(2, (bands, w_ext + step))[..., : w_ext - step * (bands - 1)]


def collected(detector: Detector, bands: int, step: int) -> Rows:
    """The transpose of `dispersed`: of the detector, for each band, the columns that it falls on."""
    return shifted_back(detector[:, :, None].expand(-1, -1, bands, -1), step)


def detector_of(shifted_back: Float[Tensor, "b c h w"], step: int) -> Detector:
    """The measurement that was shifted back band by band, each column from the last band that shows it."""
    first = F.pad(shifted_back[:, :-1, :, :step], (0, step))[..., :step]  # of a scene that is narrower than a step
    return torch.cat([rearrange(first, "b c h s -> b h (c s)"), shifted_back[:, -1]], dim=2)


def window(mask: Float[Tensor, "b c h w_ext"], step: int) -> Rows:
    """Phi as each band of the scene meets it."""
    return shifted_back(rows_of(mask), step)


def measured(scene: Rows, mask: Rows, step: int) -> Detector:
    """Phi x."""
    return dispersed(mask * scene, step)


def back_projected(residual: Detector, mask: Rows, step: int) -> Rows:
    """Phi^T r."""
    return mask * collected(residual, mask.shape[2], step)
