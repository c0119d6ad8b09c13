"""Finding weights: what is verified, what is refused, what is said."""

import json
import os
import time
from pathlib import Path

import pytest
import torch

from glmha_cli.errors import UsageError, WeightsUnavailableError
from glmha_cli.networks import network_from_plain
from glmha_cli.weights import manifest as manifest_module
from glmha_cli.weights.checkpoint import load_network, save_checkpoint
from glmha_cli.weights.integrity import sha256_of, verified
from glmha_cli.weights.manifest import FileEntry, manifest_path
from glmha_cli.weights.store import Access, find_weights
from tests.conftest import run_glmha
from tests.weights.conftest import file_entry


def test_a_path_works_by_itself(tiny_model):
    weights = find_weights(str(tiny_model), task="derain")
    assert weights.path == tiny_model and weights.sha256 == sha256_of(tiny_model) and weights.entry is None


def test_what_is_saved_may_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        save_checkpoint(tmp_path / "w.safetensors", {"a": torch.zeros(2)}, {"task": "derain"}, dtype=torch.float16)
    finally:
        os.umask(before)
    (only,) = tmp_path.iterdir()
    assert only.stat().st_mode & 0o777 == 0o644


def test_wrong_task(tiny_model):
    with pytest.raises(UsageError, match="derain"):
        find_weights(str(tiny_model), task="sci")


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_changed_bytes_are_refused(tiny_model, tmp_path, change):
    copy = tmp_path / tiny_model.name
    copy.write_bytes(tiny_model.read_bytes())
    entry = FileEntry(name=copy.name, size_bytes=copy.stat().st_size, sha256=sha256_of(copy))
    assert verified(copy, entry, hint="") == copy
    copy.write_bytes(change(copy.read_bytes()))
    with pytest.raises(WeightsUnavailableError, match=entry.sha256):
        verified(copy, entry, hint="")


def test_the_manifest_is_found_in_a_checkout_and_in_a_wheel(tmp_path, monkeypatch):
    assert manifest_path().name == "weights_manifest.json" and manifest_path().is_file()
    package = tmp_path / "site-packages" / "glmha_cli"
    package.mkdir(parents=True)
    (package / "weights_manifest.json").write_text("{}")
    monkeypatch.setattr(manifest_module, "PACKAGE", package)
    assert manifest_path() == package / "weights_manifest.json"


def test_models_lists_every_entry_once():
    records = [json.loads(line) for line in run_glmha("models", "--json").stdout.splitlines()]
    assert {record["id"] for record in records} == set(manifest_module.load_manifest().models)
    assert sum(record["default"] for record in records) == len(manifest_module.load_manifest().aliases)
    text = run_glmha("models").stdout
    assert all(record["id"] in text for record in records)


def test_info_of_an_entry_and_of_a_file(tiny_model):
    entry = json.loads(run_glmha("info", "derain-lite", "--json").stdout)
    assert entry["network"]["name"] == "restormer" and entry["parameters"] > 1e6
    assert set(entry["multiply_adds_256x256"]) >= {"convolutions", "everything"}
    file = json.loads(run_glmha("info", tiny_model, "--json").stdout)
    assert file["task"] == "derain" and len(file["sha256"]) == 64
    assert "multiply_adds_256x256" in run_glmha("info", tiny_model).stdout


def test_info_of_nothing_offers_the_closest():
    result = run_glmha("info", "deran-lite")
    assert result.returncode == 2 and "derain-lite" in result.stderr
    assert run_glmha("info", Path("no.safetensors")).returncode == 66


def test_a_lite_checkpoint_is_verified_and_loaded_in_a_moment(library, tmp_path):
    """Best of several: the machine may be busy with other tests."""
    network = {
        "name": "restormer",
        "channels": 32,
        "num_blocks": [1, 2, 2, 2],
        "num_refinement_blocks": 1,
        "ffn_expansion": 2.0,
        "stem_downscale": 2,
        "attention": {"name": "glmha"},
    }
    path = tmp_path / "lite.safetensors"
    built = network_from_plain(network).build()
    assert 3e6 < sum(parameter.numel() for parameter in built.parameters()) < 5e6
    save_checkpoint(path, built.state_dict(), {"task": "derain", "network": network}, dtype=torch.float32)
    library.add("lite", network=network, files={"safetensors": file_entry(path)})

    def seconds() -> float:
        start = time.perf_counter()
        load_network(find_weights("lite", task="derain", access=Access(weights_dir=tmp_path)).path)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.3
