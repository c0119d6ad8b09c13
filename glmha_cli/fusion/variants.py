"""How native.c is compiled: one source, a variant for each kind of CPU.

By the standard library alone: the build of a platform's wheel (hatch_build.py) compiles by it, too, without PyTorch.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("native.c")
# Apple's compiler has no OpenMP: there a step runs on the one thread that asks for it.
PARALLEL = sys.platform != "darwin"
FLAGS = ("-O3", "-ffp-contract=fast", "-fno-math-errno", *["-fopenmp"] * PARALLEL, "-shared", "-fPIC")
SECONDS = 60


@dataclass(frozen=True)
class Variant:
    """flags: for the compiler. needs: of the CPU, as Linux calls its features. torch: what PyTorch may use at least.
    machines: whose compilers can make it, as `platform.machine` calls them."""

    flags: tuple[str, ...]
    needs: frozenset[str]
    torch: tuple[str, ...]
    machines: tuple[str, ...]


AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
VARIANTS = {  # best first
    "avx512bf16": Variant(
        ("-march=x86-64-v4", "-mavx512bf16", "-mprefer-vector-width=512"),
        AVX512 | {"avx512_bf16"},
        ("AVX512",),
        ("x86_64",),
    ),
    "avx512": Variant(
        ("-march=x86-64-v4", "-mprefer-vector-width=512"),
        AVX512,
        ("AVX512",),
        ("x86_64",),
    ),
    "avx2": Variant(
        ("-march=x86-64-v3",),
        frozenset({"avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"}),
        ("AVX512", "AVX2"),
        ("x86_64",),
    ),
    "neon": Variant(
        ("-march=armv8-a",),
        frozenset({"asimd"}),
        ("DEFAULT", "SVE256", "SVE128", "SVE"),
        ("aarch64", "arm64"),
    ),
}


def of_this_machine() -> list[str]:
    """The variants that its compiler can make."""
    return [name for name, variant in VARIANTS.items() if platform.machine() in variant.machines]


def compiler() -> list[str]:
    """What CC says, else cc. A CC that no shell could read is a command that is not there."""
    named = os.environ.get("CC", "")
    try:
        return shlex.split(named) or ["cc"]
    except ValueError:
        return [named]


def whole(folder: Path, start: str) -> Path | None:
    """The library in `folder` whose name is `start` and the hash of its bytes: one that was cut short would end the
    process that loads it."""
    libraries = sorted(folder.glob(f"{start}*.so"))
    return next((path for path in libraries if path.stem.removeprefix(start) == content_hash(path)), None)


def build(variant: Variant, folder: Path, start: str) -> Path:
    """Compile into `folder`, under such a name. Processes that come at once do not disturb each other."""
    with TemporaryDirectory(dir=folder) as private:
        fresh = Path(private) / "native.so"
        command = [*compiler(), *FLAGS, *variant.flags, str(SOURCE), "-o", str(fresh)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        return fresh.replace(folder / f"{start}{content_hash(fresh)}.so")


def content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
