"""weights_manifest.json, typed: every model the tool knows, and which one a task uses by default."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.lookup import unknown
from glmha_cli.typed import from_mapping, shown

PACKAGE = Path(__file__).parent.parent
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One file of a model, pinned by size and content."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A repository of the Hugging Face Hub.

    revision: a commit of 40 hexadecimal digits; None where none is known, and sha256 alone pins the bytes.
    names: of files that are called otherwise there, by format.
    """

    repo_id: str
    revision: str | None
    names: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.repo_id}, unpinned" if self.revision is None else f"{self.repo_id}@{self.revision[:7]}"


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model.

    network: plain config (glmha_cli.networks). files: by format ("safetensors", "onnx", or a released "pth"); empty
    while nothing has been trained. hub: where they can be fetched; None for those that are bundled alone.
    licence: its name. terms: what a user has to accept once, if anything.
    training: recipe, steps, device, seconds, data. quality: measured scores by "protocol/data".
    """

    id: str
    task: str
    size: Literal["lite", "paper"]
    summary: str
    network: Mapping[str, Any]
    licence: str = ""
    terms: str = ""
    hub: Hub | None = None
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the files come from if they are on this machine in no other way."""
        if self.files and all((PACKAGE / "bundled" / file.name).is_file() for file in self.files.values()):
            return "bundled"
        return str(self.hub) if self.files and self.hub else "-"

    @property
    def status(self) -> str:
        if not self.files:
            return "not trained yet"
        return "fetched when used" if self.hub and self.source != "bundled" else "ready"

    def name_on_hub(self, kind: str) -> str:
        names = self.hub.names if self.hub else {}
        return names.get(kind, self.files[kind].name)


@dataclass(frozen=True, kw_only=True)
class Alias:
    """The models that a task's name means: on CPUs, and on GPUs if another one."""

    cpu: str
    gpu: str | None = None


def no_gpu() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """models by id, and what each task's name means."""

    models: Mapping[str, ModelEntry]
    aliases: Mapping[str, Alias]

    def model(self, name: str, *, has_gpu: Callable[[], bool] = no_gpu) -> ModelEntry:
        """The entry called `name`; a task's name means its default for the machine. UsageError offers the closest.

        has_gpu: asked only where the answer matters, as it may have to load a framework.
        """
        if name in self.aliases:
            alias = self.aliases[name]
            larger = alias.gpu if alias.gpu and self.models[alias.gpu].files and has_gpu() else None
            name = larger or alias.cpu
        if name not in self.models:
            raise unknown("model", name, [*self.models, *self.aliases])
        return self.models[name]

    def is_default(self, entry: ModelEntry) -> bool:
        alias = self.aliases.get(entry.task)
        return alias is not None and entry.id in (alias.cpu, alias.gpu)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The file as it is written: the models' ids are keys."""

    version: int
    models: Mapping[str, Mapping[str, Any]]
    aliases: Mapping[str, Alias]


def manifest_path() -> Path:
    """In the wheel the manifest lies inside the package, in a checkout beside it."""
    inside = PACKAGE / "weights_manifest.json"
    return inside if inside.is_file() else PACKAGE.parent / "weights_manifest.json"


@cache
def load_manifest() -> Manifest:
    return manifest_from_plain(json.loads(manifest_path().read_text(encoding="utf-8")))


def manifest_from_plain(data: Any) -> Manifest:
    """Typed manifest of its JSON; BadDataError names what is wrong."""
    version = data.get("version") if isinstance(data, Mapping) else None
    if version != VERSION:
        raise BadDataError(
            f"weights manifest of version {shown(version)}, this glmha reads {VERSION}",
            "pip install --upgrade glmha",
        )
    tables = from_mapping(Tables, data, "weights manifest")
    models = {
        model_id: from_mapping(ModelEntry, {**entry, "id": model_id}, f"weights manifest, {model_id}")
        for model_id, entry in tables.models.items()
    }
    aliases = tables.aliases
    for task, alias in aliases.items():
        for model_id in filter(None, (alias.cpu, alias.gpu)):
            if model_id not in models or models[model_id].task != task:
                raise BadDataError(
                    f"weights manifest: the default of '{task}' is not a model of that task: '{model_id}'"
                )
    return Manifest(models=models, aliases=aliases)


def update_entry(model_id: str, **changes: Any) -> None:
    """Write `changes` into a model's entry of the manifest that this glmha reads; BadDataError if that is not valid."""
    data = json.loads(manifest_path().read_text(encoding="utf-8"))
    data["models"][model_id] |= changes
    manifest_from_plain(data)
    with atomic_output(manifest_path(), overwrite=True) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    load_manifest.cache_clear()
