"""Whether this machine has a GPU, asked of its driver: PyTorch takes seconds to load."""

import ctypes
import platform
import sys


def has_gpu(device: str = "auto") -> bool:
    """Whether computing on `device` ("auto", "cpu", "cuda", "mps") means a GPU."""
    if device != "auto":
        return device != "cpu"
    return (sys.platform == "darwin" and platform.machine() == "arm64") or has_cuda()


def has_cuda() -> bool:
    """Whether NVIDIA's driver is there and knows of a GPU that this process may use."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False
