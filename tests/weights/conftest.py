"""A Hub of our own, a cache of our own, and a manifest whose models lie there. No test reaches the network."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from glmha_cli.weights import manifest
from glmha_cli.weights.about import read_about
from tests.conftest import ROOT
from tests.weights.hub_server import COMMIT, HubServer, running

REPOSITORY = "glmha-tests/derain"


def file_entry(path: Path, name: str | None = None) -> dict:
    data = path.read_bytes()
    return {"name": name or path.name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
def server(tiny_model) -> Iterator[HubServer]:
    """Has the tiny checkpoint as model.safetensors."""
    with running(HubServer(files={(REPOSITORY, "model.safetensors"): tiny_model.read_bytes()})) as hub:
        yield hub


@pytest.fixture
def cache(server, tmp_path, monkeypatch) -> Path:
    """An empty HF_HOME, and the client in this process directed to it and to the server."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    home = tmp_path / "hf"
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(home / "assets"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(home / "agents.json"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    close_session()
    return home


@dataclass(frozen=True)
class Library:
    """A manifest to fill."""

    path: Path
    data: dict

    def add(self, model_id: str, **entry: object) -> manifest.ModelEntry:
        self.data["models"][model_id] = {"task": "derain", "size": "lite", "summary": "For tests", **entry}
        self.path.write_text(json.dumps(self.data))
        manifest.load_manifest.cache_clear()
        return manifest.load_manifest().models[model_id]


@pytest.fixture
def library(tmp_path, monkeypatch) -> Iterator[Library]:
    path = tmp_path / "weights_manifest.json"
    library = Library(path, {"version": 1, "models": {}, "aliases": {}})
    path.write_text(json.dumps(library.data))
    monkeypatch.setattr(manifest, "manifest_path", lambda: path)
    manifest.load_manifest.cache_clear()
    yield library
    manifest.load_manifest.cache_clear()


@pytest.fixture
def on_hub(library, cache, tiny_model) -> manifest.ModelEntry:
    """`tiny`, a model that lies on the server, pinned to its commit."""
    return library.add(
        "tiny",
        network=read_about(tiny_model)["network"],
        files={"safetensors": file_entry(tiny_model, "tiny.safetensors")},
        hub={"repo_id": REPOSITORY, "revision": COMMIT, "names": {"safetensors": "model.safetensors"}},
    )


@pytest.fixture
def command(library, server, tmp_path) -> Callable[..., subprocess.Popen]:
    """Starts the real command line in a process of its own, on the test's manifest, cache and Hub.

    before: code that runs first. Further keywords are environment variables.
    """

    def start(*arguments: object, before: str = "", **environment: str) -> subprocess.Popen:
        code = (
            f"{before}\nimport sys\nfrom pathlib import Path\nfrom glmha_cli.weights import manifest\n"
            f"manifest.manifest_path = lambda: Path({str(library.path)!r})\n"
            f"sys.argv = {['glmha', *map(str, arguments)]!r}\nfrom glmha_cli.cli.app import main\nmain()\n"
        )
        unset = ("HF_HUB_OFFLINE", "HF_TOKEN", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "GLMHA_WEIGHTS_DIR")
        kept = {name: value for name, value in os.environ.items() if name not in unset}
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **kept,
                "HF_HOME": str(tmp_path / "hf"),
                "HF_ENDPOINT": server.url,
                "HF_HUB_DISABLE_XET": "1",
                **environment,
            },
        )

    return start


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
