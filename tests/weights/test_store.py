"""Finding weights: what is verified, what is refused, what is said."""

import json
from pathlib import Path

import pytest

from glmha_cli.errors import UsageError, WeightsUnavailableError
from glmha_cli.weights import manifest as manifest_module
from glmha_cli.weights.manifest import FileEntry, manifest_path
from glmha_cli.weights.store import find_weights, sha256_of, verified
from tests.conftest import run_glmha


def test_a_path_works_by_itself(tiny_model):
    weights = find_weights(str(tiny_model), task="derain")
    assert weights.path == tiny_model and weights.sha256 == sha256_of(tiny_model) and weights.entry is None


def test_wrong_task(tiny_model):
    with pytest.raises(UsageError, match="derain"):
        find_weights(str(tiny_model), task="sci")


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_changed_bytes_are_refused(tiny_model, tmp_path, change):
    copy = tmp_path / tiny_model.name
    copy.write_bytes(tiny_model.read_bytes())
    entry = FileEntry(name=copy.name, size_bytes=copy.stat().st_size, sha256=sha256_of(copy))
    assert verified(copy, entry) == copy
    copy.write_bytes(change(copy.read_bytes()))
    with pytest.raises(WeightsUnavailableError, match=entry.sha256):
        verified(copy, entry)


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
    assert sum(record["default"] for record in records) == len(manifest_module.load_manifest().defaults)
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
