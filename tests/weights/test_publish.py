"""Publishing to the Hub: what arrives can be loaded by the Hub's own mixin, and by us at the pinned commit."""

import json

import pytest
import torch

from glmha_cli.errors import BadDataError, NoInputError, UsageError, WeightsUnavailableError
from glmha_cli.networks import network_from_plain
from glmha_cli.networks.restormer import Restormer
from glmha_cli.weights import manifest
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from glmha_cli.weights.publish import publish_model
from glmha_cli.weights.store import Access, find_weights
from tests.weights.conftest import file_entry, finish

REPO = "glmha-tests/published"


@pytest.fixture
def trained(library, cache, tiny_model, tmp_path):
    """`tiny`, trained and on this machine alone, with an ONNX file."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    (folder / "tiny.onnx").write_bytes(b"onnx")
    library.add(
        "tiny",
        network=read_about(tiny_model)["network"],
        licence="Apache-2.0",
        files={kind: file_entry(folder / f"tiny.{kind}") for kind in ("safetensors", "onnx")},
        training={"data": "CC0 photos", "steps": 10},
        quality={"derain": {"psnr_db": 30.1}},
    )
    return folder


def test_all_files_arrive_and_the_commit_is_pinned(trained, server, tiny_model, library):
    commit = publish_model("tiny", REPO, Access(weights_dir=trained))
    files = {name: data for (repository, name), data in server.files.items() if repository == REPO}
    assert set(files) == {"model.safetensors", "model.onnx", "config.json", "README.md"}
    assert files["model.safetensors"] == tiny_model.read_bytes() and files["model.onnx"] == b"onnx"
    written = json.loads(library.path.read_text())["models"]["tiny"]["hub"]
    assert written["repo_id"] == REPO and written["revision"] == commit == server.commit and len(commit) == 40
    weights = find_weights("tiny", task="derain")
    assert weights.path.read_bytes() == tiny_model.read_bytes() and commit in str(weights.path)


def test_the_card_has_metadata_and_facts(trained, server):
    publish_model("tiny", REPO, Access(weights_dir=trained))
    card = server.files[REPO, "README.md"].decode()
    assert {"license: apache-2.0", "library_name: glmha"} <= set(card.split("---")[1].splitlines())
    assert "psnr_db 30.1" in card and "CC0 photos" in card


def test_a_card_that_was_written_is_the_one_published(trained, server, library):
    written = library.path.parent / "docs" / "models" / "tiny.md"
    written.parent.mkdir(parents=True)
    written.write_text("# Tiny\n\nBy hand.\n")
    publish_model("tiny", REPO, Access(weights_dir=trained))
    card = server.files[REPO, "README.md"].decode()
    assert card.endswith("---\n\n# Tiny\n\nBy hand.\n") and "license: apache-2.0" in card


def test_the_mixin_of_the_hub_loads_it(trained, server, tiny_model):
    from huggingface_hub import PyTorchModelHubMixin

    class Hosted(Restormer, PyTorchModelHubMixin):
        def __init__(self, task: str, network: dict) -> None:
            super().__init__(network_from_plain(network))
            self.task = task

    publish_model("tiny", REPO, Access(weights_dir=trained))
    hosted, ours = Hosted.from_pretrained(REPO), load_network(tiny_model)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert hosted.task == "derain" and torch.equal(hosted.eval()(image), ours(image))


def test_the_command_publishes_again_over_what_is_there(trained, server, command):
    server.token = "hf_secret"
    arguments = ["models", "publish", "tiny", "--repo", REPO, "--weights-dir", trained, "--json"]
    code, _, err = finish(command(*arguments))
    assert code == 69 and "answers 401" in err and "HF_TOKEN" in err
    for _ in range(2):
        code, out, err = finish(command(*arguments, HF_TOKEN="hf_secret"))
        assert code == 0 and json.loads(out)["revision"] == server.commit, err
    manifest.load_manifest.cache_clear()
    assert manifest.load_manifest().models["tiny"].hub.revision == server.commit


def test_a_checkpoint_of_a_run_is_published_without_an_entry_and_nothing_is_pinned(
    server, library, tiny_model, tmp_path, command
):
    path = tmp_path / "my-derain" / "best.safetensors"
    path.parent.mkdir()
    path.write_bytes(tiny_model.read_bytes())
    before = library.path.read_text()
    arguments = ["models", "publish", path, "--repo", REPO, "--json"]
    code, out, err = finish(command(*arguments, "--dry-run"))
    assert code == 0 and not server.requests, err
    planned = json.loads(out)
    assert planned["status"] == "dry run" and planned["files"]["model.safetensors"] == path.stat().st_size
    code, out, err = finish(command(*arguments))
    assert code == 0 and json.loads(out)["revision"] == server.commit, err
    sent = {name: data for (repository, name), data in server.files.items() if repository == REPO}
    assert {name: len(data) for name, data in sent.items()} == planned["files"]
    assert sent["model.safetensors"] == path.read_bytes()
    card = sent["README.md"].decode()
    assert "# my-derain" in card and "--model model.safetensors" in card and "glmha models show" not in card
    assert library.path.read_text() == before


def test_files_that_are_no_checkpoints_of_ours_are_not_published(server, library, tmp_path):
    with pytest.raises(NoInputError, match="no checkpoint"):
        publish_model(str(tmp_path / "absent.safetensors"), REPO, Access())
    (tmp_path / "bad.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(BadDataError, match=r"bad\.safetensors"):
        publish_model(str(tmp_path / "bad.safetensors"), REPO, Access())
    assert not server.requests


def test_what_cannot_be_published(trained, server, library):
    with pytest.raises(UsageError, match="unknown model"):
        publish_model("tini", REPO, Access())
    (trained / "tiny.onnx").write_bytes(b"other")
    with pytest.raises(WeightsUnavailableError, match="expected sha256"):
        publish_model("tiny", REPO, Access(weights_dir=trained))
    network = {"name": "restormer", "attention": {"name": "csa"}}
    library.add("planned", network=network)
    with pytest.raises(WeightsUnavailableError, match="no checkpoint"):
        publish_model("planned", REPO, Access())
    library.add(
        "theirs",
        network=network,
        files={"pth": file_entry(trained / "tiny.onnx", "a.pth")},
        hub={"repo_id": "a/b", "revision": None},
    )
    with pytest.raises(UsageError, match="released by others"):
        publish_model("theirs", REPO, Access())
    assert not server.requests
