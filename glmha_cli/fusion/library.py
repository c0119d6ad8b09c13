"""The compiled steps of native.c for this CPU: from a platform's wheel, or compiled once by the machine's C compiler
and kept in the user's cache.

The best variant that this CPU can do is taken (`variants`). Nothing is used where there is no compiler and the wheel is
the one for all machines, and by GLMHA_COMPILED_STEPS=off.
"""

import ctypes
import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from glmha_cli.errors import UsageError
from glmha_cli.fusion.variants import FLAGS, SOURCE, VARIANTS, build, compiler, whole

SETTING = "GLMHA_COMPILED_STEPS"
PREBUILT = Path(__file__).with_name("prebuilt")
Size, Number, Pointer = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
SIGNATURES = {  # all end with: the format of maps, and how many threads
    "update": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Size, Number, Number),
    "activate": (Pointer, Size, Number, Number),
    "depthwise": (Pointer, Size, Pointer, Number, Pointer, Size, Size, Size, Size, Number, Number),
    "gated": (Pointer, Pointer, Pointer, Pointer, Pointer, Size, Size, Size, Number, Number),
}


@cache
def kernels() -> ctypes.CDLL | None:
    """None where there are none. Compiled now unless they were before: to be asked first by one thread alone."""
    for name in usable():
        for place in (prebuilt, compiled):
            with suppress(OSError, AttributeError, RuntimeError, subprocess.SubprocessError):
                return loaded(place(name))
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
    """What Linux says of the first CPU; of Apple's all have NEON. Nothing elsewhere."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return frozenset({"asimd"})
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()


def cache_folder() -> Path:
    """As the XDG base directories say, made where it is not. Raises PermissionError for one that others can write to,
    or where the system does not tell (Windows), RuntimeError where there is no home.
    """
    if not hasattr(os, "geteuid"):
        raise PermissionError("this system does not tell who may write to a folder")
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))  # one that is not absolute is to be ignored
    folder = (named if named.is_absolute() else Path.home() / ".cache") / "glmha"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"others may write to '{folder}'")
    return folder


def prebuilt(name: str) -> Path:
    """Of a platform's wheel. FileNotFoundError where it is another wheel, or the file is damaged."""
    if (path := whole(PREBUILT, f"{name}-")) is None:
        raise FileNotFoundError(PREBUILT)
    return path


def compiled(name: str, folder: Path | None = None) -> Path:
    """The library of this source in `folder`, the cache unless given; what is damaged there is removed. Linux alone:
    on a Mac without its developer tools `cc` opens a window.
    """
    if sys.platform != "linux":
        raise FileNotFoundError(name)
    folder = folder or cache_folder()
    start = f"native-{key(name)}-"
    if path := whole(folder, start):
        return path
    for path in folder.glob(f"{start}*.so"):
        path.unlink(missing_ok=True)
    return build(VARIANTS[name], folder, start)


def key(name: str) -> str:
    """Of the source, how it is compiled and for which CPU: a home that moves to another one has no wrong file."""
    made_of = " ".join([*compiler(), *FLAGS, *VARIANTS[name].flags, platform.machine(), sys.platform])
    return hashlib.sha256(made_of.encode() + SOURCE.read_bytes()).hexdigest()[:16]


def loaded(path: Path) -> ctypes.CDLL:
    functions = ctypes.CDLL(str(path))
    for name, types in SIGNATURES.items():
        getattr(functions, name).argtypes, getattr(functions, name).restype = types, None
    return functions
