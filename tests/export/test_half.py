"""Exports in float16 stay finite where sums of trained values leave its range, in every runtime at hand."""

import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from torch.nn import functional as F

from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.export import export_onnx
from glmha_cli.export.half import HalfLayerNorm, half_scores
from glmha_cli.networks.blocks import LayerNorm
from glmha_cli.networks.restormer import HOST
from glmha_cli.weights.checkpoint import load_network, save_checkpoint
from glmha_cli.weights.integrity import sha256_of
from tests.export.conftest import RESTORMER, checkpoint


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(("size", "offset"), [(0, 0), (0, 900), (1e-4, 0), (1e-2, 3), (1, 0), (300, 500), (9000, 100)])
def test_a_norm_of_any_size(centred, size, offset):
    """384 squares of 300 add up to 35 million; a flat pixel has no variance; between, eps counts."""
    torch.manual_seed(0)
    norm = LayerNorm(384, centred=centred).requires_grad_(False)
    x = (offset + size * torch.randn(1, 384, 5, 4)).half()
    if not centred and offset > 100 * size:
        x = x * 0  # what is divided by so small a deviation leaves float16's range by itself
    given, expected = HalfLayerNorm(norm.half())(x), norm.float()(x.float())
    assert given.isfinite().all()
    torch.testing.assert_close(given.float(), expected, rtol=0, atol=4e-3 * max(1.0, float(expected.abs().max())))


@pytest.mark.parametrize("size", [0, 1e-3, 1, 200])
def test_scores_of_a_whole_tile(size):
    """Sums over 65536 pixels."""
    torch.manual_seed(0)
    attention = GLMHAConfig().build(16, 2, HOST).requires_grad_(False).half()
    shared = torch.randn(1, 2, 1, 256 * 256)
    q, k = (size * (shared + torch.randn(1, 2, c, 256 * 256)).half() for c in (8, 4))
    expected = F.normalize(q.float(), dim=-1) @ F.normalize(k.float(), dim=-1).mT
    torch.testing.assert_close(half_scores(attention, q, k).float(), expected, rtol=0, atol=4e-3)


def in_onnx_runtime(path, image):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": image})[0]


def in_openvino(path, image):
    return openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f16"})({"x": image})[0]


@pytest.fixture(scope="module")
def large_values(tmp_path_factory):
    """A network whose features are hundreds, as trained ones of the paper's size are: squares of them, summed over 48
    channels, leave float16's range."""
    folder = tmp_path_factory.mktemp("half")
    weights = checkpoint(folder / "w.safetensors", {**RESTORMER, "channels": 48})
    network = load_network(weights)
    with torch.no_grad():
        network.embed.weight.mul_(600)
        network.output.weight.div_(600)
        features = network.embed(F.pixel_unshuffle(torch.rand(1, 3, 32, 32), 2))
    assert features.square().sum(dim=1).max() > 2 * torch.finfo(torch.float16).max
    about = {"task": "derain", "network": {**RESTORMER, "channels": 48}}
    save_checkpoint(weights, network.state_dict(), about, dtype=torch.float32)
    path = folder / "w.onnx"
    export_onnx(weights, path, sha256=sha256_of(weights), tile_px=48, precision="fp16")
    return network, path


@pytest.mark.parametrize("run", [in_onnx_runtime, in_openvino])
@pytest.mark.parametrize("value", ["noise", "black"])
def test_large_values_in_every_runtime(large_values, run, value, monkeypatch):
    # OpenVINO looks at the CPU itself, and finds no kernel where its oneDNN alone is kept from what that can do.
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    network, path = large_values
    image = torch.rand(1, 3, 64, 48) * (value == "noise")
    with torch.inference_mode():
        expected = network(image).numpy()
    given = run(path, image.numpy())
    assert np.isfinite(given).all() and np.abs(given - expected).max() < 2e-2 * max(1, np.abs(expected).max())
