"""Random directions in the space of pixels: Performer's features and Reformer's hashes look along them."""

from functools import lru_cache

import torch
from torch import Tensor

from glmha_cli.errors import UsageError


def random_directions(num_pixels: int, num: int, device: torch.device) -> Tensor:
    """float32 (num_pixels, num): Gaussian columns, orthogonal to each other as far as there are dimensions.

    The same for the same numbers, on every machine and in every run: they are no parameters and in no
    checkpoint, as their length is the resolution's. Raises UsageError in an export, which has to fix what
    depends on the resolution.
    """
    if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():
        raise UsageError(
            "Performer and Reformer cannot be exported: they draw random directions for each resolution",
            "export a network with glmha, csa or linformer",
        )
    if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
        raise RuntimeError("a CUDA graph would read directions after they were forgotten here")
    return _directions(num_pixels, num, device)


@lru_cache(maxsize=8)  # as many resolutions and counts as the levels of a network or two
def _directions(num_pixels: int, num: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(num_pixels)
    with torch.inference_mode(False), torch.no_grad():
        gaussian = torch.randn(num_pixels, num, generator=generator, device="cpu")
        blocks = [_orthogonal(block) for block in gaussian.split(num_pixels, dim=1)]
        return torch.cat(blocks, dim=1).to(device)


def _orthogonal(gaussian: Tensor) -> Tensor:
    """Columns made orthogonal; each keeps its length, so that alone it is still Gaussian."""
    q, r = torch.linalg.qr(gaussian)
    return q * torch.sign(r.diagonal()) * gaussian.norm(dim=0)
