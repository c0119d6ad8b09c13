"""Rules that hold for every line of every table."""

import json

import numpy as np
import pytest
import torch

from glmha_cli.attention import ATTENTIONS
from glmha_cli.evaluation.complexity import count
from glmha_cli.lookup import resolve
from glmha_cli.networks import NETWORKS, network_from_plain, network_to_plain
from glmha_cli.tasks import TASKS
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.manifest import PACKAGE, load_manifest, manifest_from_plain, manifest_path

MODELS = load_manifest().models
SHIPPED = {model_id: entry for model_id, entry in MODELS.items() if "safetensors" in entry.files}
LITE_MACS_AT_MOST = 5e9


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_complete(name):
    task = resolve(TASKS, name, "task")
    assert task.name == name and task.network in NETWORKS
    assert task.summary.endswith(".") and all(example.startswith(f"glmha {name} ") for example in task.examples)
    assert (task.output_kind == "cube") == bool(task.wavelength_nm) == (task.project is not None)
    assert load_manifest().model(name).task == name, "every task has a default model, trained or not"


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_attention_in_every_network(network, attention):
    plain = {"name": network, "attention": {"name": attention}, "num_blocks": [1, 1, 1]}
    if network == "restormer":
        plain |= {"channels": 8, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1}
    config = network_from_plain(plain)
    assert network_from_plain(json.loads(json.dumps(network_to_plain(config)))) == config
    assert count(config, height=64, width=64).parameters > 0


@pytest.mark.parametrize("model_id", MODELS)
def test_a_manifest_entry_builds_and_lite_is_lite(model_id):
    entry = MODELS[model_id]
    cost = count(network_from_plain(entry.network), height=256, width=256)
    if entry.size == "lite":
        assert cost.macs["everything"] <= LITE_MACS_AT_MOST * (1 if entry.task in ("derain", "deblur") else 3)


@pytest.mark.parametrize("model_id", SHIPPED)
def test_a_shipped_checkpoint_is_the_one_described(model_id):
    entry = SHIPPED[model_id]
    file = entry.files["safetensors"]
    path = PACKAGE / "bundled" / file.name
    assert path.stat().st_size == file.size_bytes and sha256_of(path) == file.sha256
    about = read_about(path)
    assert about["task"] == entry.task
    assert network_from_plain(about["network"]) == network_from_plain(entry.network)
    assert entry.licence and entry.training and entry.quality, "a checkpoint says where it comes from and what it does"
    state = load_network(path).state_dict()
    assert all(torch.isfinite(tensor).all() for tensor in state.values())
    assert np.mean([float(tensor.float().std() > 0) for tensor in state.values() if tensor.numel() > 1]) > 0.9


def test_the_manifest_refuses_what_it_does_not_know():
    from glmha_cli.errors import BadDataError

    data = json.loads(manifest_path().read_text())
    data["models"]["derain-lite"]["taks"] = "derain"
    with pytest.raises(BadDataError, match="taks") as error:
        manifest_from_plain(data)
    assert "task" in error.value.hint
