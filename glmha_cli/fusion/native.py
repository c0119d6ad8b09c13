"""native.c: compiled once per machine by its C compiler, kept in the user's cache, called on tensors.

Where there is no compiler or no AVX-512 it does without, and so do precisions other than float16 and float32: then
PyTorch's operators, which mean the same, take their place (`rows`).
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from jaxtyping import Float
from torch import Tensor

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-march=x86-64-v4", "-mprefer-vector-width=512", "-ffp-contract=fast", "-fopenmp", "-shared", "-fPIC")
SECONDS = 60
Size, Flag, Pointer = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
SIGNATURES = {
    "update": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Flag),
    "activate": (Pointer, Size, Flag),
    "depthwise": (Pointer, Size, Pointer, Flag, Pointer, Size, Size, Size, Size, Flag),
    "gated": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Size, Flag),
}


@cache
def library() -> ctypes.CDLL | None:
    """Compiled now unless it was before; None where that cannot be."""
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if not sys.platform.startswith("linux") or torch.backends.cpu.get_cpu_capability() != "AVX512" or compiler is None:
        return None
    try:
        # By its OpenMP it runs on PyTorch's threads: their runtime is loaded already, and the linker takes that one.
        functions = ctypes.CDLL(str(compiled(compiler, cache_folder())))
        for name, types in SIGNATURES.items():
            getattr(functions, name).argtypes, getattr(functions, name).restype = types, None
        return functions
    except (OSError, subprocess.SubprocessError):
        return None


def cache_folder() -> Path:
    """As the XDG base directories say."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glmha"


def compiled(compiler: str, folder: Path) -> Path:
    """The library of this source in `folder`; processes that come at once do not disturb each other."""
    made_of = hashlib.sha256(" ".join(FLAGS).encode() + SOURCE.read_bytes()).hexdigest()
    path = folder / f"native-{made_of[:16]}.so"
    if not path.is_file():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch) / path.name
            subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(fresh)], check=True, capture_output=True, timeout=SECONDS)
            fresh.replace(path)
    return path


def computes(dtype: torch.dtype) -> bool:
    """Whether maps of this precision can be given to the functions below."""
    return dtype in (torch.float16, torch.float32) and library() is not None


def update(x: Float[Tensor, "rows w c"], change: Float[Tensor, "rows w c"] | None = None, *,
           norm: tuple[Float[Tensor, " c"], Float[Tensor, " c"]] | None = None,
           out: Float[Tensor, "rows w c"] | None = None) -> None:
    """x += change in place, then out = LayerNorm(x) by weight and bias, either of which may be left out; all contiguous.
    x, weight and bias are float32.
    """
    maps = out if change is None else change
    library().update(x.data_ptr(), pointer(change), *map(pointer, norm or (None, None)), pointer(out), x.shape[0] * x.shape[1],
                     x.shape[2], maps.dtype == torch.float16)


def activate(x: Float[Tensor, "*n"]) -> None:
    """GELU in place; contiguous."""
    library().activate(x.data_ptr(), x.numel(), x.dtype == torch.float16)


def depthwise(rows: Float[Tensor, "rows+2 w c"], taps: Float[Tensor, "9 c"], out: Float[Tensor, "rows w c"], *, gelu: bool) -> None:
    """Of all rows that have neighbours. Rows and out may be some channels of contiguous maps; taps are float32."""
    library().depthwise(rows.data_ptr(), rows.stride(1), taps.data_ptr(), gelu, out.data_ptr(), out.stride(1), *out.shape,
                        rows.dtype == torch.float16)


def gated(a: Float[Tensor, "rows+2 w c"], b: Float[Tensor, "rows+2 w c"], taps_a: Float[Tensor, "9 c"],
          taps_b: Float[Tensor, "9 c"], out: Float[Tensor, "rows w c"]) -> None:
    """GELU(conv(a)) * conv(b) of all rows that have neighbours; all contiguous, taps float32."""
    library().gated(a.data_ptr(), b.data_ptr(), taps_a.data_ptr(), taps_b.data_ptr(), out.data_ptr(), *out.shape,
                    a.dtype == torch.float16)


def pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
