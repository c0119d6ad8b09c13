"""Other libraries of the field, for tests beside them."""

import sys

import torch

LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


def make_torchvision_importable() -> None:
    """On the package index torchvision is built for PyTorch with CUDA. Beside one for CPUs its operators are missing,
    and its Python code, which deepinv and spandrel import, looks for two of them.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
