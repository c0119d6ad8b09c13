"""weights_manifest.json, typed: every model the tool knows, and which one a task uses by default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from glmha_cli.errors import BadDataError
from glmha_cli.lookup import unknown
from glmha_cli.typed import from_mapping

PACKAGE = Path(__file__).parent.parent
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One file of a model, pinned by size and content."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model.

    network: plain config (glmha_cli.networks). files: by format; empty while nothing has been trained.
    training: recipe, steps, device, seconds, data. quality: measured scores by "protocol/data".
    """

    id: str
    task: str
    size: Literal["lite", "paper"]
    summary: str
    network: Mapping[str, Any]
    licence: str = ""
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return "bundled" if self.files else "-"

    @property
    def status(self) -> str:
        return "ready" if self.files else "not trained yet"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """models by id, and the id of each task's default."""

    models: Mapping[str, ModelEntry]
    defaults: Mapping[str, str]

    def model(self, name: str) -> ModelEntry:
        """The entry called `name`; a task's name means its default. UsageError offers the closest."""
        model_id = self.defaults.get(name, name)
        if model_id not in self.models:
            raise unknown("model", name, [*self.models, *self.defaults])
        return self.models[model_id]


def manifest_path() -> Path:
    """In the wheel the manifest lies inside the package, in a checkout beside it."""
    inside = PACKAGE / "weights_manifest.json"
    return inside if inside.is_file() else PACKAGE.parent / "weights_manifest.json"


@cache
def load_manifest() -> Manifest:
    return manifest_from_plain(json.loads(manifest_path().read_text(encoding="utf-8")))


def manifest_from_plain(data: Mapping[str, Any]) -> Manifest:
    """Typed manifest of its JSON; BadDataError names what is wrong."""
    if data.get("version") != VERSION:
        raise BadDataError(f"weights manifest of version {data.get('version')}, this glmha reads {VERSION}",
                           "pip install --upgrade glmha")
    models = {model_id: _entry(model_id, entry) for model_id, entry in data["models"].items()}
    for task, model_id in data["defaults"].items():
        if model_id not in models or models[model_id].task != task:
            raise BadDataError(f"weights manifest: the default of '{task}' is no model of that task: '{model_id}'")
    return Manifest(models=models, defaults=data["defaults"])


def _entry(model_id: str, data: Mapping[str, Any]) -> ModelEntry:
    where = f"weights manifest, {model_id}"
    files = {kind: from_mapping(FileEntry, entry, where) for kind, entry in data.get("files", {}).items()}
    return from_mapping(ModelEntry, {**data, "id": model_id, "files": files}, where)
