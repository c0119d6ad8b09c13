"""Where the weights of a model are: one order, one place, and every load verified."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from glmha_cli.errors import UsageError, WeightsUnavailableError
from glmha_cli.weights.about import read_about
from glmha_cli.weights.manifest import PACKAGE, FileEntry, ModelEntry, load_manifest

SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A checkpoint ready to load. entry: None for a file given by path."""

    id: str
    path: Path
    sha256: str
    entry: ModelEntry | None


def find_weights(model: str | None, *, task: str) -> Weights:
    """The checkpoint of `model` (a path, a model id, or None for the task's default) for `task`.

    Raises:
        UsageError: unknown model (closest offered), or a model of another task.
        NoInputError, BadDataError: no such file, or not a checkpoint of ours.
        WeightsUnavailableError: known, but there are no weights yet, or the file is not the one that was published.
    """
    if model is not None and is_path(model):
        return _from_path(Path(model), task)
    entry = load_manifest().model(model or task)
    _require_task(entry.id, entry.task, task)
    if not entry.files:
        raise WeightsUnavailableError(f"there is no checkpoint for '{entry.id}' yet",
                                      "give your own by --model PATH.safetensors; `glmha models` lists what is there")
    file = entry.files["safetensors"]
    return Weights(id=entry.id, path=verified(PACKAGE / "bundled" / file.name, file), sha256=file.sha256, entry=entry)


def is_path(model: str) -> bool:
    return model.endswith(SUFFIX) or "/" in model or "\\" in model


def _from_path(path: Path, task: str) -> Weights:
    _require_task(str(path), read_about(path)["task"], task)
    return Weights(id=path.stem, path=path, sha256=sha256_of(path), entry=None)


def _require_task(model: str, its_task: str, task: str) -> None:
    if its_task != task:
        raise UsageError(f"'{model}' is a model for {its_task}, not for {task}", f"glmha {its_task} …")


def verified(path: Path, file: FileEntry) -> Path:
    """`path`, if its size and sha256 are those of the manifest."""
    if not path.is_file():
        raise WeightsUnavailableError(f"the bundled checkpoint '{path}' is missing", "pip install --force-reinstall glmha")
    found = sha256_of(path) if path.stat().st_size == file.size_bytes else f"a file of {path.stat().st_size} bytes"
    if found != file.sha256:
        raise WeightsUnavailableError(f"'{path}' is not the published checkpoint: expected sha256 {file.sha256}, found "
                                      f"{found}", "pip install --force-reinstall glmha")
    return path


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
