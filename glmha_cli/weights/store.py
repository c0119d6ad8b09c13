"""Where the weights of a model are: one order, one place, and every load verified.

A path, then --weights-dir, then what is bundled, then the Hub's cache, then the Hub. Wrong bytes are refused; in the
Hub's cache they are set aside and fetched once more before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from glmha_cli.devices import has_gpu
from glmha_cli.errors import NoInputError, UsageError, WeightsUnavailableError
from glmha_cli.installed import repair_command
from glmha_cli.io.remote.url import Url, is_url, url_text
from glmha_cli.weights import hub, remote
from glmha_cli.weights.about import read_about
from glmha_cli.weights.convert import converted
from glmha_cli.weights.integrity import difference, sha256_of, verified
from glmha_cli.weights.licence import require_acceptance
from glmha_cli.weights.manifest import PACKAGE, Hub, ModelEntry, load_manifest

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".onnx")
HUB_CACHE = "Hub cache"


def ignore(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What may be done to get weights.

    weights_dir: looked into first; a folder, or its URL. offline: no requests. accept_licence: the user agrees to the
    model's terms. say: takes a line for the user. progress: the client may draw bars.
    """

    weights_dir: Path | None = None
    offline: bool = False
    accept_licence: bool = False
    say: Callable[[str], None] = ignore
    progress: bool = False


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A checkpoint ready to load.

    path: its suffix tells the format. sha256: of the published file, which is not `path` where that was converted.
    licence: its name, empty if none is stated. entry: None for a file given by path.
    """

    id: str
    path: Path
    sha256: str
    licence: str
    entry: ModelEntry | None


def find_weights(
    model: str | None,
    *,
    task: str | None,
    device: str = "auto",
    formats: Sequence[str] = ("safetensors",),
    access: Access = Access(),
) -> Weights:
    """The checkpoint of `model` (a path, a model id, or None for the task's default) for `task`, or for any if None.

    device: `auto`, `cpu`, `cuda` or `mps`; a task's default may be larger on a GPU.
    formats: "safetensors", "onnx", or both, the better first; what is on this machine goes before what is not.

    Raises:
        UsageError: unknown model (closest offered), a model of another task, or terms not accepted.
        NoInputError, BadDataError: no such file or folder, or not a checkpoint of ours.
        WeightsUnavailableError: no weights yet, none to be had, or not the bytes that were published.
    """
    if model is not None and is_path(model):
        return _from_path(Path(model), task, formats)
    name = model or task
    assert name is not None  # a caller knows the one or the other
    entry = load_manifest().model(name, has_gpu=partial(has_gpu, device))
    _require_task(entry.id, entry.task, task)
    require_acceptance(entry, accept=access.accept_licence, say=access.say)
    kind = _kind(entry, formats, access)
    published = partial(fetch, entry, kind, access)
    path = converted(entry, published) if kind == "pth" else published()
    return Weights(id=entry.id, path=path, sha256=entry.files[kind].sha256, licence=entry.licence, entry=entry)


def is_path(model: str) -> bool:
    return model.endswith(SUFFIXES) or "/" in model or "\\" in model


def describe(model: str) -> Mapping[str, Any]:
    """At least "task" and "network" (plain config) of a model's id, a task's name or a checkpoint's path."""
    if is_path(model):
        return read_about(Path(model))
    entry = load_manifest().model(model)
    return {"task": entry.task, "network": entry.network}


def _kind(entry: ModelEntry, formats: Sequence[str], access: Access) -> str:
    """The file of the entry to load: of the formats that it has, the first that is on this machine, or the first."""
    kinds = ["pth" if kind == "safetensors" and "pth" in entry.files else kind for kind in formats]
    there = [kind for kind in kinds if kind in entry.files]
    if not there and entry.files:
        raise WeightsUnavailableError(
            f"'{entry.id}' has no {' or '.join(formats)} file",
            f"glmha export {entry.id} {entry.id}.onnx makes one, for --model",
        )
    if len(there) < 2:
        return (there or kinds)[0]
    here = (kind for kind in there if locate(entry, kind, access.weights_dir, offline=access.offline))
    return next(here, there[0])


def _from_path(path: Path, task: str | None, formats: Sequence[str]) -> Weights:
    if is_url(path):
        raise UsageError(
            f"--model takes a file of this machine, not '{Url.parse(url_text(path))}'", "copy it here first"
        )
    if path.is_file() and (format := "onnx" if path.suffix.lower() == ".onnx" else "safetensors") not in formats:
        raise UsageError(
            f"'{path}' is in the format {format}; {' or '.join(formats)} is needed here",
            "choose another --engine or --model; glmha models lists what there is",
        )
    about = read_about(path)
    _require_task(str(path), about["task"], task)
    return Weights(id=path.stem, path=path, sha256=sha256_of(path), licence=about.get("licence", ""), entry=None)


def _require_task(model: str, its_task: str, task: str | None) -> None:
    if task not in (None, its_task):
        raise UsageError(f"'{model}' is a model for {its_task}, not for {task}", f"glmha {its_task} …")


def locate(entry: ModelEntry, kind: str, weights_dir: Path | None, *, offline: bool = False) -> tuple[str, Path] | None:
    """The first place on this machine that has the model's file of a format, and the file; not verified.

    Where `weights_dir` is a URL, the file is fetched from there, unless `offline`.
    """
    if weights_dir is not None and is_url(weights_dir):
        kept = remote.kept(url_text(weights_dir), entry.files[kind], offline=offline)
        return ("weights-dir", kept) if kept is not None else locate(entry, kind, None)
    if weights_dir is not None and not weights_dir.is_dir():
        raise NoInputError(f"no folder '{weights_dir}'", f"glmha models pull {entry.id} --to {weights_dir}")
    name = entry.files[kind].name
    for place, folder in (("weights-dir", weights_dir), ("bundled", PACKAGE / "bundled")):
        if folder is not None and (folder / name).is_file():
            return place, folder / name
    path = entry.hub and hub.cached(entry.hub, entry.name_on_hub(kind))
    return (HUB_CACHE, path) if path else None


def fetch(entry: ModelEntry, kind: str, access: Access) -> Path:
    """The model's file of a format ("safetensors", "onnx", "pth"), verified; from the Hub if it is nowhere else."""
    if kind not in entry.files:
        raise WeightsUnavailableError(
            f"there is no checkpoint for '{entry.id}' yet",
            "give your own by --model PATH.safetensors; `glmha models` lists what is there",
        )
    file = entry.files[kind]
    place, path = locate(entry, kind, access.weights_dir, offline=access.offline) or ("", None)
    if path is not None and place != HUB_CACHE:
        hint = repair_command(path) if place == "bundled" else f"glmha models pull {entry.id} --to DIR"
        return verified(path, file, hint=hint)
    if entry.hub is None:
        raise WeightsUnavailableError(
            f"the bundled checkpoint '{file.name}' is missing", repair_command(PACKAGE / "bundled" / file.name)
        )
    return _from_hub(entry, entry.hub, kind, path, access)


def _from_hub(entry: ModelEntry, source: Hub, kind: str, in_cache: Path | None, access: Access) -> Path:
    """What is in the cache or, if that is nothing or wrong, a download; one more where the first was wrong."""
    name, file = entry.name_on_hub(kind), entry.files[kind]
    offline = access.offline or hub.is_offline()
    if in_cache is None and offline:
        forbidden = "" if access.offline else ", and HF_HUB_OFFLINE forbids to fetch it"
        raise WeightsUnavailableError(
            f"'{entry.id}' is not on this machine{forbidden}",
            f"glmha models pull {entry.id}, with a connection" + (" and without that variable" if forbidden else ""),
        )
    for path in [None, None] if in_cache is None else [in_cache, None]:
        if path is None and offline:
            break
        if path is None:
            access.say(f"fetching {entry.id} ({file.size_bytes / 1e6:.1f} MB) from {entry.source}")
            path = hub.download(source, name, progress=access.progress)
        problem = difference(path, file)
        if not problem:
            return path
        access.say(f"wrong bytes for {entry.id}, set aside as {hub.set_aside(path)}")
    raise WeightsUnavailableError(
        f"'{name}' of {source.repo_id} is not the published file: {problem}",
        f"glmha models pull {entry.id}, or another source by --weights-dir DIR",
    )
