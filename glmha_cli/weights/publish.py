"""A model of ours to the Hugging Face Hub, in the layout that PyTorchModelHubMixin reads, pinned in the manifest.

In the repository: model.safetensors, config.json (its arguments), model.onnx if there is one, and README.md, the card.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glmha_cli.errors import UsageError
from glmha_cli.weights import manifest
from glmha_cli.weights.about import read_about
from glmha_cli.weights.hub import client, explained
from glmha_cli.weights.manifest import ModelEntry
from glmha_cli.weights.store import Access, fetch

RUN_FILES = ("best", "last")
"""Stems of a training run's weights, which is called as its folder."""
USAGE, RUN_USAGE = "glmha models show {0.id}", "glmha {0.task} INPUT OUTPUT --model model.safetensors"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What goes into a repository, by name there. id: in the manifest, None for a checkpoint that has no entry."""

    name: str
    id: str | None
    files: Mapping[str, Path]
    texts: Mapping[str, str]


def publish_model(model: str, repo_id: str, access: Access) -> str:
    """Upload all files of a trained model in one commit and return it; of a model with an id, pin it in the manifest.

    model: id, or path of a .safetensors file of ours. Raises as `publication`, and WeightsUnavailableError where the
    Hub refuses (HF_TOKEN, rights).
    """
    what = publication(model, access)
    commit = upload(repo_id, what.files, what.texts, message=f"glmha: {what.name}")
    if what.id is not None:
        names = {name.removeprefix("model."): name for name in what.files}
        manifest.update_entry(what.id, hub={"repo_id": repo_id, "revision": commit, "names": names})
    return commit


def publication(model: str, access: Access) -> Publication:
    """What `publish_model` uploads.

    Raises:
        UsageError: unknown model, or one whose weights are not ours to publish.
        NoInputError, BadDataError: no such file, or none of ours.
        WeightsUnavailableError: no weights, or not the manifest's bytes.
    """
    if model.endswith(".safetensors"):
        path = Path(model)
        entry = entry_of_run(path, read_about(path))
        return Publication(
            name=entry.id, id=None, files={"model.safetensors": path}, texts=texts_of(entry, facts(entry, RUN_USAGE))
        )
    entry = manifest.load_manifest().model(model)
    if "pth" in entry.files:
        raise UsageError(
            f"'{entry.id}' was released by others; only they may publish it", "glmha models lists the models of glmha"
        )
    files = {f"model.{kind}": fetch(entry, kind, access) for kind in ("safetensors", *entry.files)}
    about = read_about(files["model.safetensors"])
    written = manifest.manifest_path().parent / "docs" / "models" / f"{entry.id}.md"
    body = written.read_text(encoding="utf-8") if written.is_file() else facts(entry, USAGE)
    texts = texts_of(replace(entry, task=about["task"], network=about["network"]), body)
    return Publication(name=entry.id, id=entry.id, files=files, texts=texts)


def entry_of_run(path: Path, about: Mapping[str, Any]) -> ModelEntry:
    """What is known of a checkpoint without an entry in the manifest; called as its file or, of a run, its folder."""
    run = dict(about.get("run", {}))
    training = {name: run.pop(key) for key, name in (("step", "steps"), ("minutes", "minutes")) if key in run}
    return ModelEntry(
        id=path.resolve().parent.name if path.stem in RUN_FILES else path.stem,
        task=about["task"],
        size="lite",
        summary=f"{about['network']['name']} trained for {about['task']}",
        network=about["network"],
        licence=about.get("licence", ""),
        training=training,
        quality={"validation": run} if run else {},
    )


def texts_of(entry: ModelEntry, body: str) -> dict[str, str]:
    config = json.dumps({"task": entry.task, "network": entry.network}, indent=2) + "\n"
    return {"config.json": config, "README.md": card(entry, body)}


def upload(repo_id: str, files: Mapping[str, Path], texts: Mapping[str, str], *, message: str) -> str:
    """One commit with all files; the repository is made if there is none. Returns the commit's 40 digits."""
    hf = client()
    content = {
        **{name: str(path) for name, path in files.items()},
        **{name: text.encode() for name, text in texts.items()},
    }
    operations = [hf.CommitOperationAdd(name, data) for name, data in content.items()]
    api = hf.HfApi()
    with explained(f"upload to {repo_id}"):
        api.create_repo(repo_id, exist_ok=True)
        return api.create_commit(repo_id, operations, commit_message=message).oid


def card(entry: ModelEntry, body: str) -> str:
    """The model card: the Hub's metadata, then `body`."""
    is_spdx = " " not in entry.licence
    data = client().ModelCardData(
        license=(entry.licence.lower() or None) if is_spdx else "other",
        license_name=None if is_spdx else entry.licence,
        library_name="glmha",
        pipeline_tag="image-to-image",
        tags=[entry.task, entry.network["name"], "glmha"],
    )
    return f"---\n{data.to_yaml()}\n---\n\n{body}"


def facts(entry: ModelEntry, usage: str) -> str:
    """What the manifest, or the run, knows of a model that no card was written for."""
    quality = "\n".join(
        f"| {protocol} | {', '.join(f'{name} {score}' for name, score in scores.items())} |"
        for protocol, scores in entry.quality.items()
    )
    training = "\n".join(f"- {name}: {value}" for name, value in entry.training.items())
    return f"""# {entry.id}

{entry.summary}. Task: {entry.task}.

    pip install glmha
    {usage.format(entry)}

## Quality

| protocol | scores |
|---|---|
{quality}

## Training

{training}

## Licence

{entry.licence or "not stated"}
"""
