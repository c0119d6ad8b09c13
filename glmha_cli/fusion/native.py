"""native.c: compiled once per machine by its C compiler, kept in the user's cache, called on tensors.

Where there is no compiler or no AVX-512 it does without, and so do precisions other than float16 and float32: then
PyTorch's operators, which mean the same, take their place (`rows`).
"""

import ctypes
import hashlib
import os
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from glmha_cli.errors import GlmhaError
from glmha_cli.io.atomic import atomic_output

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-march=x86-64-v4", "-mprefer-vector-width=512", "-ffp-contract=fast", "-fopenmp", "-shared", "-fPIC")
SECONDS = 60
Size, Number, Pointer = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
SIGNATURES = {  # all end with: whether maps are float16, and how many threads
    "update": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Number, Number),
    "activate": (Pointer, Size, Number, Number),
    "depthwise": (Pointer, Size, Pointer, Number, Pointer, Size, Size, Size, Size, Number, Number),
    "gated": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Size, Number, Number),
}


@cache
def kernels() -> ctypes.CDLL | None:
    """Compiled now unless it was before; None where that cannot be. To be asked first by one thread alone."""
    if not sys.platform.startswith("linux") or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    try:
        folder = cache_folder()
        try:
            return loaded(compiled(folder))
        except (OSError, AttributeError):  # a file cut short, or of another system with the same home
            (folder / file_name()).unlink(missing_ok=True)
            return loaded(compiled(folder))
    except (OSError, AttributeError, RuntimeError, GlmhaError, subprocess.SubprocessError):
        return None


def cache_folder() -> Path:
    """As the XDG base directories say, made where it is not. Raises PermissionError for one that others can write to,
    RuntimeError where there is no home.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glmha"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"others may write to '{folder}'")
    return folder


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or "cc")


def file_name() -> str:
    made_of = hashlib.sha256(" ".join([*compiler(), *FLAGS]).encode() + SOURCE.read_bytes()).hexdigest()
    return f"native-{made_of[:16]}.so"


def compiled(folder: Path) -> Path:
    """The library of this source in `folder`; processes that come at once do not disturb each other."""
    path = folder / file_name()
    if not path.is_file():
        with atomic_output(path, overwrite=True) as fresh:
            command = [*compiler(), *FLAGS, str(SOURCE), "-o", str(fresh)]
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    return path


def loaded(path: Path) -> ctypes.CDLL:
    functions = ctypes.CDLL(str(path))
    for name, types in SIGNATURES.items():
        getattr(functions, name).argtypes, getattr(functions, name).restype = types, None
    return functions


def computes(dtype: torch.dtype) -> bool:
    """Whether maps of this precision can be given to the functions below."""
    return dtype in (torch.float16, torch.float32) and kernels() is not None


def update(
    x: Float[Tensor, "rows w c"],
    change: Float[Tensor, "rows w c"] | None = None,
    *,
    norm: tuple[Float[Tensor, " c"], Float[Tensor, " c"]] | None = None,
    out: Float[Tensor, "rows w c"] | None = None,
) -> None:
    """x += change in place, then out = LayerNorm(x) by weight and bias, either of which may be left out; all
    contiguous.
    x, weight and bias are float32.
    """
    maps = out if change is None else change
    kernels().update(
        x.data_ptr(),
        pointer(change),
        *map(pointer, norm or (None, None)),
        pointer(out),
        x.shape[0] * x.shape[1],
        x.shape[2],
        *how(maps),
    )


def activate(x: Float[Tensor, "*n"]) -> None:
    """GELU in place; contiguous."""
    kernels().activate(x.data_ptr(), x.numel(), *how(x))


def depthwise(
    rows: Float[Tensor, "rows+2 w c"], taps: Float[Tensor, "9 c"], out: Float[Tensor, "rows w c"], *, gelu: bool
) -> None:
    """Of all rows that have neighbours. Rows and out may be some channels of contiguous maps; taps are float32."""
    kernels().depthwise(
        rows.data_ptr(), rows.stride(1), taps.data_ptr(), gelu, out.data_ptr(), out.stride(1), *out.shape, *how(rows)
    )


def gated(
    a: Float[Tensor, "rows+2 w c"],
    b: Float[Tensor, "rows+2 w c"],
    taps_a: Float[Tensor, "9 c"],
    taps_b: Float[Tensor, "9 c"],
    out: Float[Tensor, "rows w c"],
) -> None:
    """GELU(conv(a)) * conv(b) of all rows that have neighbours; all contiguous, taps float32."""
    kernels().gated(
        a.data_ptr(), b.data_ptr(), taps_a.data_ptr(), taps_b.data_ptr(), out.data_ptr(), *out.shape, *how(a)
    )


def how(maps: Tensor) -> tuple[bool, int]:
    """As every function is told at its end."""
    return maps.dtype == torch.float16, torch.get_num_threads()


def pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
