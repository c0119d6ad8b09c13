"""An exported file computes what the network does, at any size, says what it is, and is not left if it does not."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from glmha_cli import __version__
from glmha_cli.errors import GlmhaError, UsageError
from glmha_cli.export import check, export_onnx
from glmha_cli.export.graph import traced
from glmha_cli.installed import extra_command
from glmha_cli.networks import network_from_plain
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from glmha_cli.weights.integrity import sha256_of
from tests.cli.in_process import run_here
from tests.export.conftest import RESTORMER, checkpoint

NETWORKS = {
    "restormer": RESTORMER,
    "full calibration, norm without centring": {
        **RESTORMER,
        "stem_downscale": 1,
        "centred_norm": False,
        "attention": {"name": "glmha", "calibration": "full"},
    },
    "csa": {**RESTORMER, "attention": {"name": "csa"}},
    "linformer": {**RESTORMER, "attention": {"name": "linformer", "rank": 3}},
    "mst++": {"name": "mst_plus_plus", "num_stages": 1},
    "mst++, pointwise": {"name": "mst_plus_plus", "num_stages": 1, "pointwise": 8},
    "mst": {"name": "mst", "num_blocks": [1, 1, 1]},
    "mst of another step": {"name": "mst", "num_blocks": [1, 1, 1], "step": 1, "attention": {"name": "csa"}},
    "unfolding": {"name": "unfolding", "rank": 5, "channels": 8, "num_stages": 2, "num_blocks": [1, 1]},
    "unfolding by depth-wise": {
        "name": "unfolding",
        "num_stages": 1,
        "num_blocks": [1],
        "attention": {"name": "depthwise", "kernel": 5},
    },
}


def run(path, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {each.name: array for each, array in zip(session.get_inputs(), inputs, strict=True)})[0]


@pytest.mark.parametrize("plain", NETWORKS.values(), ids=NETWORKS)
def test_the_file_computes_what_the_network_does_at_other_sizes_and_batches(exported, plain):
    weights, path = exported(plain)
    network = load_network(weights)
    for images, rows, columns in ((1, 1, 1), (2, 3, 5), (1, 9, 4)):
        height, width = (count * network.config.size_multiple for count in (rows, columns))
        inputs = [torch.rand(images, *shape[1:]) for shape in network.config.input_shapes(height, width)]
        with torch.inference_mode():
            expected = network(*inputs).numpy()
        assert np.abs(expected - inputs[0].numpy()).max() > 0.01 if expected.shape[1] == 3 else True
        np.testing.assert_allclose(
            run(path, [each.numpy() for each in inputs]), expected, atol=1e-5 * np.abs(expected).max()
        )


@pytest.mark.parametrize("plain", NETWORKS.values(), ids=NETWORKS)
def test_only_standard_operators(exported, plain):
    model = onnx.load(exported(plain)[1])
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [each.domain for each in model.opset_import] == [""]


def test_the_file_says_what_it_is(exported):
    weights, path = exported(RESTORMER)
    about = read_about(path)
    assert about == {
        **read_about(weights),
        "sha256": sha256_of(weights),
        "glmha": __version__,
        "precision": "fp32",
        "size_multiple": 16,
        "width": network_from_plain(about["network"]).width,
    }
    entries = onnx.load(path).metadata_props
    assert [json.loads(entry.value) for entry in entries if entry.key == "glmha"] == [json.loads(json.dumps(about))]


def test_weights_that_float16_holds_take_its_space(exported):
    weights, path = exported(NETWORKS["mst++"])
    numbers = sum(value.numel() for value in load_network(weights).state_dict().values())
    assert path.stat().st_size < 2.5 * numbers
    large = [tensor for tensor in onnx.load(path).graph.initializer if np.prod(tensor.dims) >= 256]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}


def test_weights_that_float16_does_not_hold_are_kept(tmp_path):
    from glmha_cli.export.storage import store_exactly_in_half

    values = np.stack([np.linspace(0, 1, 300, dtype=np.float32), np.full(300, 1e6, np.float32)])
    graph = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(values, "w")])
    model = onnx.helper.make_model(graph)
    store_exactly_in_half(model)
    assert np.array_equal(onnx.numpy_helper.to_array(model.graph.initializer[0]), values) and not model.graph.node


def test_half_precision(exported):
    weights, path = exported(RESTORMER, precision="fp16")
    assert read_about(path)["precision"] == "fp16"
    image = torch.rand(1, 3, 32, 64)
    with torch.inference_mode():
        expected = load_network(weights)(image).numpy()
    error = np.abs(run(path, [image.numpy()]) - expected).max()
    assert 1e-6 < error < 1e-2


class Pooling(torch.nn.Module):
    config = RestormerConfig(in_channels=2)

    def forward(self, x):
        return F.adaptive_max_pool2d(x, 7)


def test_adaptive_max_pooling_is_exact_at_every_size(tmp_path):
    path = tmp_path / "pool.onnx"
    onnx.save(traced(Pooling(), tile_px=20), path)
    for height, width in zip(range(1, 60), np.random.default_rng(0).integers(1, 60, 59), strict=True):
        x = -torch.rand(2, 2, height, int(width))
        assert np.array_equal(run(path, [x.numpy()]), F.adaptive_max_pool2d(x, 7).numpy())


@pytest.mark.parametrize("attention", ["performer", "reformer"])
def test_an_attention_that_no_graph_holds_is_a_plain_error(tmp_path, attention):
    weights = checkpoint(tmp_path / "w.safetensors", {**RESTORMER, "attention": {"name": attention}})
    result = run_here("export", weights, tmp_path / "out.onnx", "--tile", 32)
    assert result.returncode == 2 and result.stderr.startswith("error: Performer and Reformer cannot be exported")
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [weights]


def test_a_graph_that_differs_is_not_left(tmp_path, monkeypatch):
    weights, target = checkpoint(tmp_path / "w.safetensors", RESTORMER), tmp_path / "out.onnx"
    monkeypatch.setattr(check, "LIMITS", {"fp32": 1e-12})
    with pytest.raises(GlmhaError, match="differs from the network: relative error"):
        export_onnx(weights, target, sha256="", tile_px=32)
    assert list(tmp_path.iterdir()) == [weights]


def test_the_check_sees_a_size_that_the_graph_has_fixed(tmp_path):
    """What tracing may do by mistake."""

    class Fixed(torch.nn.Module):
        config = RestormerConfig()

        def forward(self, x):
            return x * (1 + float(x.sum() > 3 * 32 * 32))

    path = tmp_path / "fixed.onnx"
    onnx.save(traced(Fixed(), tile_px=64), path)
    with pytest.raises(GlmhaError, match="differs"):
        check.relative_error(Fixed(), path, "fp32", tile_px=64)


def test_the_command(tmp_path, exported):
    weights, target = exported(RESTORMER)[0], tmp_path / "out.onnx"
    result = run_here("export", weights, target, "--tile", 40, "--json")
    record = json.loads(result.stdout)
    assert result.returncode == 0 and record["relative_error"] < 1e-5 and record["sha256"] == sha256_of(weights)
    before = target.read_bytes()
    assert run_here("export", weights, target).returncode == 73
    assert run_here("export", weights, tmp_path / "out.pb").returncode == 2
    assert run_here("export", target, tmp_path / "again.onnx").returncode == 2
    assert target.read_bytes() == before


def test_without_onnx_the_error_says_what_to_install(tmp_path, monkeypatch, exported):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(UsageError) as error:
        export_onnx(exported(RESTORMER)[0], tmp_path / "out.onnx", sha256="")
    assert error.value.hint == extra_command("export")
