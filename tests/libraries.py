"""Other libraries of the field, for tests beside them: the extra `plugins`."""

import importlib.util
import sys

import pytest
import torch

LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


def make_torchvision_importable() -> None:
    """On the package index torchvision is built for PyTorch with CUDA. Beside one for CPUs its operators are missing,
    and its Python code, which deepinv and spandrel import, looks for two of them. Skips the test where it is not there.
    """
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("needs the extra `plugins`: pip install '.[plugins]', with torchvision built for this PyTorch")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
