"""A model of ours to the Hugging Face Hub, in the layout that PyTorchModelHubMixin reads, pinned in the manifest.

In the repository: model.safetensors, config.json (its arguments), model.onnx if there is one, and README.md, the card.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from glmha_cli.errors import UsageError
from glmha_cli.weights import manifest
from glmha_cli.weights.about import read_about
from glmha_cli.weights.hub import client, explained
from glmha_cli.weights.manifest import ModelEntry
from glmha_cli.weights.store import Access, fetch


def publish_model(model: str, repo_id: str, access: Access) -> str:
    """Upload all files of a trained model in one commit, and write that commit into the manifest; returns it.

    Raises:
        UsageError: unknown model, or one whose weights are not ours to publish.
        WeightsUnavailableError: no weights, not the manifest's bytes, or the Hub refuses (HF_TOKEN, rights).
    """
    entry = manifest.load_manifest().model(model)
    if "pth" in entry.files:
        raise UsageError(
            f"'{entry.id}' was released by others; only they may publish it", "glmha models lists the models of glmha"
        )
    files = {kind: fetch(entry, kind, access) for kind in ("safetensors", *entry.files)}
    names = {kind: f"model.{kind}" for kind in files}
    about = read_about(files["safetensors"])
    texts = {
        "config.json": json.dumps({key: about[key] for key in ("task", "network")}, indent=2) + "\n",
        "README.md": card(entry),
    }
    commit = upload(repo_id, {names[kind]: path for kind, path in files.items()}, texts, message=f"glmha: {entry.id}")
    manifest.update_entry(entry.id, hub={"repo_id": repo_id, "revision": commit, "names": names})
    return commit


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


def card(entry: ModelEntry) -> str:
    """The model card, after the Hub's metadata: the one in docs/models, or what the manifest knows."""
    is_spdx = " " not in entry.licence
    data = client().ModelCardData(
        license=entry.licence.lower() if is_spdx else "other",
        license_name=None if is_spdx else entry.licence,
        library_name="glmha",
        pipeline_tag="image-to-image",
        tags=[entry.task, entry.network["name"], "glmha"],
    )
    written = manifest.manifest_path().parent / "docs" / "models" / f"{entry.id}.md"
    body = written.read_text(encoding="utf-8") if written.is_file() else facts(entry)
    return f"---\n{data.to_yaml()}\n---\n\n{body}"


def facts(entry: ModelEntry) -> str:
    quality = "\n".join(
        f"| {protocol} | {', '.join(f'{name} {score}' for name, score in scores.items())} |"
        for protocol, scores in entry.quality.items()
    )
    training = "\n".join(f"- {name}: {value}" for name, value in entry.training.items())
    return f"""# {entry.id}

{entry.summary}. Task: {entry.task}.

    pip install glmha
    glmha {entry.task} --help
    glmha models show {entry.id}

## Quality

| protocol | scores |
|---|---|
{quality}

## Training

{training}

## Licence

{entry.licence}
"""
