"""`glmha doctor`: what this machine has, what is missing for what, and what to type to get it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glmha_cli import __version__
from glmha_cli.cli.info import as_table
from glmha_cli.cli.options import ReportOptions
from glmha_cli.cli.output import Output
from glmha_cli.devices import has_gpu
from glmha_cli.errors import GlmhaError, one_line
from glmha_cli.inference.memory import free_bytes
from glmha_cli.installed import extra_command, has_torch

PACKAGES = ("torch", "onnxruntime-gpu", "onnxruntime", "numpy", "pillow", "imagecodecs", "tifffile", "typer")
EXTRAS = {
    "HEIC photos": ("pi_heif", "heif"),
    "camera raw files": ("rawpy", "raw"),
    "videos": ("av", "video"),
    "cubes as stores of Zarr": ("zarr", "zarr"),
    "export to ONNX": ("onnx", "export"),
    "measuring and plots": ("matplotlib", "eval"),
    "training": ("lightning", "train"),
}
"""What an optional package is for: its module, and the extra that installs it."""
OF_INTEREST = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_fp16", "amx_bf16", "asimd")


def doctor(options: ReportOptions) -> int:
    """The exit code: 1 where something that every run needs does not work."""
    output = Output(quiet=options.quiet, as_json=options.json)
    facts = facts_of_machine()
    output.record(facts)
    if not options.json:
        output.table(as_table(facts))
    return 0 if facts["output folder"] == facts["temporary folder"] == "ok" else 1


def facts_of_machine() -> dict[str, Any]:
    free = free_bytes()
    return {
        "glmha": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(versions()),
        "devices": "cpu and a GPU" if has_gpu() else "cpu",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "free memory": "unknown" if free is None else f"{free / 2**30:.1f} GiB",
        **(steps() if has_torch() else {}),
        "output folder": writable(Path.cwd()),
        "temporary folder": writable(None),
        "optional": {what: installed(*names) for what, names in EXTRAS.items()},
    }


def versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def installed(module: str, extra: str) -> str:
    return "ok" if importlib.util.find_spec(module) else extra_command(extra)


def steps() -> dict[str, Any]:
    """What the compiled steps of PyTorch's networks go by."""
    from glmha_cli.fusion.library import cache_folder, cpu_features, kernels
    from glmha_cli.fusion.variants import compiler

    try:
        cache = str(cache_folder())
    except (OSError, RuntimeError) as error:
        cache = f"not used: {error}"
    try:
        state = "in use" if kernels() is not None else "not in use"
    except GlmhaError as error:
        state = one_line(error)
    return {
        "vector extensions": ", ".join(name for name in OF_INTEREST if name in cpu_features()) or "none known",
        "compiler": " ".join(compiler()) if shutil.which(compiler()[0]) else "none: compiled steps need one",
        "compiled steps": state,
        "cache": cache,
    }


def writable(folder: Path | None) -> str:
    """Writing is the one sure test. None for the folder of temporary files, of which the system may have none."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".glmha-"):
            return "ok"
    except OSError as error:
        named = "" if folder is None else f"'{folder}' "
        return f"{named}cannot be written to: {error.strerror or error}"
