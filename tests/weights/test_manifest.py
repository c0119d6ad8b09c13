"""The manifest is what its schema says, and a task's name means the right model for the machine."""

import copy
import json

import jsonschema
import pytest

from glmha_cli import devices
from glmha_cli.devices import has_gpu
from glmha_cli.errors import BadDataError
from glmha_cli.networks import network_from_plain
from glmha_cli.tasks import TASKS
from glmha_cli.weights.manifest import load_manifest, manifest_from_plain, manifest_path
from tests.conftest import ROOT
from tests.weights.hub_server import COMMIT

SCHEMA = json.loads((ROOT / "weights_manifest.schema.json").read_text(encoding="utf-8"))
MANIFEST = json.loads(manifest_path().read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CSA = "restormer-csa-deblur"


def test_the_manifest_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(MANIFEST)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("files", "pth", "sha256"), "194e"),
        (("files", "pth", "size_bytes"), 0),
        (("files", "pth", "name"), "../motion_deblurring.pth"),
        (("files", "zip"), {"name": "a.zip", "size_bytes": 1, "sha256": "0" * 64}),
        (("hub", "revision"), "main"),
        (("hub", "revision"), COMMIT[:7]),
        (("hub", "repo_id"), "Restormer"),
        (("size",), "huge"),
        (("taks",), "deblur"),
        (("network", "attention"), {}),
    ],
)
def test_the_schema_refuses(path, value):
    changed = copy.deepcopy(MANIFEST)
    *parents, last = path
    target = changed["models"][CSA]
    for key in parents:
        target = target[key]
    target[last] = value
    assert not VALIDATOR.is_valid(changed)


def test_files_need_a_licence_and_the_data_they_come_from():
    for key in ("licence", "training"):
        changed = copy.deepcopy(MANIFEST)
        del changed["models"][CSA][key]
        assert not VALIDATOR.is_valid(changed)


def test_names_of_files_are_unique_as_they_share_a_folder():
    names = [file.name for entry in load_manifest().models.values() for file in entry.files.values()]
    assert len(names) == len(set(names))


def test_the_released_deblurring_model_is_an_unpinned_csa_restormer_with_terms():
    entry = load_manifest().models[CSA]
    assert entry.hub.repo_id == "deepinv/Restormer" and entry.hub.revision is None and "unpinned" in entry.source
    assert entry.files["pth"].size_bytes == 104_700_429 and entry.files["pth"].sha256.startswith("194e38fb5b607c9d")
    assert "non-commercial" in entry.licence and "non-commercial" in entry.terms
    network = network_from_plain(entry.network).build()
    assert sum(parameter.numel() for parameter in network.parameters()) == 26_126_644


def test_of_our_own_on_the_hub_all_are_pinned():
    ours = [entry for entry in load_manifest().models.values() if entry.hub and not entry.terms]
    assert all(len(entry.hub.revision or "") == 40 for entry in ours)


@pytest.fixture
def two_sizes(library):
    network = {"name": "restormer", "attention": {"name": "csa"}}
    file = {"name": "large.safetensors", "size_bytes": 1, "sha256": "0" * 64}
    library.data["aliases"] = {"derain": {"cpu": "small", "gpu": "large"}}
    library.data["models"]["large"] = {"task": "derain", "size": "paper", "summary": "…", "network": network}
    library.add("small", network=network)
    return lambda: library.add("large", network=network, files={"safetensors": file})


def test_a_task_means_the_larger_model_on_a_gpu_once_that_exists(two_sizes):
    assert load_manifest().model("derain", has_gpu=lambda: True).id == "small"
    two_sizes()
    assert load_manifest().model("derain", has_gpu=lambda: True).id == "large"
    assert load_manifest().model("derain", has_gpu=lambda: False).id == "small"
    assert load_manifest().model("derain").id == "small"


def test_what_counts_as_a_gpu(monkeypatch):
    assert has_gpu("cuda") and has_gpu("mps") and not has_gpu("cpu")
    monkeypatch.setattr("sys.platform", "linux")
    for there in (True, False):
        monkeypatch.setattr(devices, "has_cuda", lambda there=there: there)
        assert has_gpu("auto") == there


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"aliases": {"derain": {"cpu": "deblur-lite"}}},
        {"aliases": {"derain": {"cpu": "derain-lite", "gpu": "no-such"}}},
        {"aliases": {"derain": "derain-lite"}},
    ],
)
def test_reading_refuses(change):
    with pytest.raises(BadDataError):
        manifest_from_plain({**MANIFEST, **change})


def test_every_task_has_a_default():
    assert set(load_manifest().aliases) == set(TASKS)
