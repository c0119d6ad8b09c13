"""native.c: compiled once per machine by its C compiler and kept in the user's cache.

One source, a variant for each kind of CPU; the best that this CPU can do is taken. Nothing of it is used where there is
no compiler, and by GLMHA_COMPILED_STEPS=off.
"""

import ctypes
import hashlib
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from glmha_cli.errors import UsageError

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-ffp-contract=fast", "-fno-math-errno", "-fopenmp", "-shared", "-fPIC")
SETTING = "GLMHA_COMPILED_STEPS"
SECONDS = 60
Size, Number, Pointer = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
SIGNATURES = {  # all end with: whether maps are float16, and how many threads
    "update": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Number, Number),
    "activate": (Pointer, Size, Number, Number),
    "depthwise": (Pointer, Size, Pointer, Number, Pointer, Size, Size, Size, Size, Number, Number),
    "gated": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Size, Number, Number),
}


@dataclass(frozen=True)
class Variant:
    """flags: for the compiler. needs: of the CPU, as Linux calls its features. torch: what PyTorch may use at least."""

    flags: tuple[str, ...]
    needs: frozenset[str]
    torch: tuple[str, ...]


VARIANTS = {  # best first
    "avx512": Variant(
        ("-march=x86-64-v4", "-mprefer-vector-width=512"),
        frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
        ("AVX512",),
    ),
    "avx2": Variant(
        ("-march=x86-64-v3",),
        frozenset({"avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"}),
        ("AVX512", "AVX2"),
    ),
    "neon": Variant(("-march=armv8-a",), frozenset({"asimd"}), ("DEFAULT", "SVE256", "SVE128", "SVE")),
}


@cache
def kernels() -> ctypes.CDLL | None:
    """Compiled now unless it was before; None where that cannot be. To be asked first by one thread alone."""
    names = list(usable())
    if not names:
        return None
    try:
        return loaded(compiled(cache_folder(), VARIANTS[names[0]]))
    except (OSError, AttributeError, RuntimeError, subprocess.SubprocessError):
        return None


def usable() -> Iterator[str]:
    """The variants that this CPU can do, best first; of them the one that GLMHA_COMPILED_STEPS names, none for `off`.

    UsageError for any other value. What is taken from PyTorch (ATEN_CPU_CAPABILITY) is not used here either.
    """
    asked = os.environ.get(SETTING, "").strip().lower()
    if asked not in ("", "off", *VARIANTS):
        raise UsageError(f"{SETTING} is '{asked}'", f"unset {SETTING}, or set it to off, {', '.join(VARIANTS)}")
    features, capability = cpu_features(), torch.backends.cpu.get_cpu_capability()
    for name, variant in VARIANTS.items():
        if asked in ("", name) and variant.needs <= features and capability in variant.torch:
            yield name


def cpu_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What Linux says of the first CPU; nothing elsewhere."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()


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


def key(variant: Variant) -> str:
    """Of the source, how it is compiled and for which CPU: a home that moves to another one has no wrong file."""
    made_of = " ".join([*compiler(), *FLAGS, *variant.flags, platform.machine(), sys.platform])
    return hashlib.sha256(made_of.encode() + SOURCE.read_bytes()).hexdigest()[:16]


def compiled(folder: Path, variant: Variant) -> Path:
    """The library of this source in `folder`; its name ends with the hash of its bytes. One that has other bytes, as it
    was cut short, is removed: to load it would end the process. Processes that come at once do not disturb each other.
    """
    start = f"native-{key(variant)}-"
    for path in folder.glob(f"{start}*.so"):
        if path.stem.removeprefix(start) == content_hash(path):
            return path
        path.unlink(missing_ok=True)
    with TemporaryDirectory(dir=folder) as private:
        fresh = Path(private) / "native.so"
        command = [*compiler(), *FLAGS, *variant.flags, str(SOURCE), "-o", str(fresh)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        return fresh.replace(folder / f"{start}{content_hash(fresh)}.so")


def content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def loaded(path: Path) -> ctypes.CDLL:
    functions = ctypes.CDLL(str(path))
    for name, types in SIGNATURES.items():
        getattr(functions, name).argtypes, getattr(functions, name).restype = types, None
    return functions
