"""Whether an ONNX file computes what its network does."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from glmha_cli.errors import GlmhaError
from glmha_cli.networks.config import built_from

LIMITS = {"fp32": 1e-4, "fp16": 2e-2}
OTHER_SIZES = ((2, 3, 5), (1, 8, 7))  # images, and rows and columns in multiples of the network's own


def relative_error(network: nn.Module, path: Path, precision: str, *, tile_px: int) -> float:
    """The largest difference to `network` in float32, relative to its largest output, at `tile_px` and at other sizes.

    Raises GlmhaError if that is not below the limit of the precision.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    multiple = built_from(network).size_multiple
    sizes = [
        (1, tile_px, tile_px),
        *((images, rows * multiple, columns * multiple) for images, rows, columns in OTHER_SIZES),
    ]
    error = max(_difference(network, session, *size) for size in sizes)
    if not error < LIMITS[precision]:
        raise GlmhaError(
            f"the ONNX graph differs from the network: relative error {error:.1e}, {LIMITS[precision]:.0e} is allowed",
            "nothing was written; please report it with the model",
        )
    return error


@torch.inference_mode()
def _difference(
    network: nn.Module, session: onnxruntime.InferenceSession, images: int, height: int, width: int
) -> float:
    random = torch.Generator().manual_seed(height)
    inputs = [
        torch.rand(images, *shape[1:], generator=random) for shape in built_from(network).input_shapes(height, width)
    ]
    expected = network(*inputs).numpy()
    feed = {each.name: tensor.numpy() for each, tensor in zip(session.get_inputs(), inputs, strict=True)}
    return float(np.abs(session.run(None, feed)[0] - expected).max() / np.abs(expected).max())
