"""Coverage-guided fuzzing (atheris) of every reader: damage that reaches new lines is kept and damaged further.

    python -m tests.reliability.guided 600 [FOLDER]

So many seconds in all, in equal parts, one process a reader, forked when all is loaded. Prints a table; exit code 1 if
anything was neither read nor refused. FOLDER (build/fuzz) keeps what reached new lines, for the next run, and the
inputs of faults:

    python -m tests.reliability.guided --again 'photo .png' build/fuzz/faults/crash-…
"""

import contextlib
import functools
import importlib
import io
import json
import os
import pkgutil
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import onnx
import safetensors.numpy
import scipy.io

import glmha_cli.io
from glmha_cli.errors import GlmhaError

FOLDER = Path("build/fuzz")
FLAGS = ("-timeout=30", "-rss_limit_mb=4096", "-max_len=20000", "-print_final_stats=1", "-reload=0")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """read(path): returns or raises GlmhaError. name: of the file. beside: others that belong to it. seeds: valid.

    seal: gives what was damaged checksums that fit.
    """

    read: Callable[[Path], object]
    name: str
    seeds: list[bytes] = field(default_factory=list)
    beside: tuple[tuple[str, bytes], ...] = ()
    seal: Callable[[bytes], bytes] = bytes


def readers() -> Mapping[str, Reader]:
    """Of the corpus of the other fuzzing tests, and of what is read beside photos and cubes."""
    from glmha_cli.io.measurements.read import read_mask, read_measurement
    from glmha_cli.weights.about import read_about
    from tests.reliability.corpus import samples, sealed_png
    from tests.reliability.fuzz import kind

    found: dict[str, Reader] = {}
    for name, sample in samples().items():
        if "sealed" not in name:
            read = functools.partial(read_and_rewrite, name.split()[0])
            found.setdefault(kind(name), Reader(read=read, name=sample.name, beside=sample.beside))
            found[kind(name)].seeds.append(sample.data)
    found["photo .png"] = replace(found["photo .png"], seal=sealed_png)
    found["photo .heic"] = Reader(read=read_container, name="x.heic", seeds=found["photo .heic"].seeds)
    for suffix, seed in cameras().items():
        seeds = [seed, *found[f"cube {suffix}"].seeds]
        found[f"measurement {suffix}"] = Reader(read=read_measurement, name=f"x{suffix}", seeds=seeds)
        found[f"mask {suffix}"] = Reader(read=read_mask, name=f"x{suffix}", seeds=seeds)
    for suffix, seed in checkpoints().items():
        found[f"checkpoint {suffix}"] = Reader(read=read_about, name=f"x{suffix}", seeds=[seed])
    return found


def cameras() -> Mapping[str, bytes]:
    """Files that hold a measurement and a mask under their usual names, by suffix."""
    arrays = {"simulation_test": np.ones((4, 58), np.float32), "mask": np.eye(4, dtype=np.float32)}
    mat, npz = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(mat, arrays)
    np.savez(npz, **arrays)
    return {".mat": mat.getvalue(), ".npz": npz.getvalue()}


def checkpoints() -> Mapping[str, bytes]:
    """Of ours as far as their headers say, by suffix."""
    about = {"task": "derain", "network": {"name": "restormer"}, "width": 4.0, "stretch_input": False}
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    onnx.helper.set_model_props(model, {"glmha": json.dumps(about)})
    tensors = {"a": np.ones(2, np.float32)}
    return {
        ".safetensors": safetensors.numpy.save(tensors, metadata={"glmha": json.dumps(about)}),
        ".onnx": model.SerializeToString(),
    }


def read_and_rewrite(kind: str, path: Path) -> None:
    from tests.reliability import worker

    suffixes = worker.PHOTO_SUFFIXES if kind == "photo" else worker.CUBE_SUFFIXES
    out = path.with_name(f"out{suffixes[path.stat().st_size % len(suffixes)]}")
    worker.outcome(kind, path, out)


def read_container(path: Path) -> None:
    """What is ours of HEIC; libheif has a process of its own for each file."""
    from glmha_cli.io.photos.formats import isobmff
    from glmha_cli.io.photos.metadata import Findings

    findings = Findings()
    container = isobmff.read_container(path.read_bytes(), findings)
    container.left_behind(findings)
    _ = *container.colours(), *container.light_levels()


def instrumented() -> Mapping[str, Reader]:
    """The readers, with all modules below them told to report the lines and branches that are reached."""
    import atheris

    with atheris.instrument_imports(include=["glmha_cli.io", "glmha_cli.weights", "tifffile"]):
        for module in pkgutil.walk_packages(glmha_cli.io.__path__, "glmha_cli.io."):
            importlib.import_module(module.name)
        return readers()


def fuzz_one(name: str, reader: Reader, seconds: int, folder: Path) -> tuple[int, str]:
    """Exit status and output of a process that reads for so long, or until the first fault."""
    corpus, label = folder / name.replace(" ", ""), name.replace(" ", "")
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(reader.seeds):
        (corpus / f"seed{i}").write_bytes(seed)
    log = folder / f"{label}.log"
    child = os.fork()
    if child == 0:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        guide(reader, [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/faults/{label}-", str(corpus)])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, log.read_text(errors="replace")


def guide(reader: Reader, options: list[str]) -> NoReturn:
    import atheris

    try:
        with tempfile.TemporaryDirectory() as scratch:
            atheris.Setup([sys.argv[0], *FLAGS, *options], functools.partial(once, reader, Path(scratch)))
            atheris.Fuzz()
    finally:
        os._exit(1)


def once(reader: Reader, folder: Path, data: bytes) -> None:
    """Read a file of `data`; what is refused in our own way is as good as what is read."""
    for other, content in reader.beside:
        (folder / other).write_bytes(content)
    path = folder / reader.name
    path.write_bytes(reader.seal(data))
    with contextlib.suppress(GlmhaError):
        reader.read(path)


def again(name: str, file: Path) -> None:
    """One input of a fault, with its traceback."""
    with tempfile.TemporaryDirectory() as scratch:
        once(readers()[name], Path(scratch), file.read_bytes())


def main(seconds: int, folder: Path) -> int:
    """Prints the table; 1 where there was a fault."""
    found, faults = instrumented(), []
    (folder / "faults").mkdir(parents=True, exist_ok=True)
    print("| reader | inputs | lines and branches reached | faults |\n|---|---|---|---|", flush=True)
    for name, reader in found.items():
        status, said = fuzz_one(name, reader, max(1, seconds // len(found)), folder)
        inputs = max(map(int, re.findall(r"^#(\d+)\b", said, re.MULTILINE)), default=0)
        reached = max(map(int, re.findall(r"\bcov: (\d+)", said)), default=0)
        print(f"| {name} | {inputs} | {reached} | {int(status != 0)} |", flush=True)
        if status != 0:
            faults.append(f"{name}: exit code {status}\n{said[-4000:]}")
    print("\n".join(faults))
    return int(bool(faults))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of Pillow, about EXIF
    match sys.argv[1:]:
        case ["--again", name, file]:
            again(name, Path(file))
        case [seconds, *folders]:
            sys.exit(main(int(seconds), Path(*folders) if folders else FOLDER))
