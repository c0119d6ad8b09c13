"""Released checkpoints: recognised with all sizes, in every container; anything else is refused by name."""

import numpy as np
import pytest
import torch
from torch import nn

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.networks import network_from_plain
from glmha_cli.weights.upstream import from_upstream, load_pth

RESTORMER = {"name": "restormer", "in_channels": 3, "out_channels": 3, "heads": (1, 2, 4, 8), "ffn_expansion": 2.66}
SIZES = {
    "restormer_tiny": RESTORMER
    | {"channels": 8, "num_blocks": (1, 2, 1, 1), "num_refinement_blocks": 1, "centred_norm": True},
    "restormer_tiny_biasfree": RESTORMER
    | {"channels": 8, "num_blocks": (1, 1, 1, 1), "num_refinement_blocks": 1, "centred_norm": False},
    "restormer": RESTORMER
    | {"channels": 48, "num_blocks": (4, 6, 6, 8), "num_refinement_blocks": 4, "centred_norm": True},
    "mst_plus_plus": {
        "name": "mst_plus_plus",
        "in_channels": 3,
        "channels": 31,
        "num_stages": 3,
        "num_blocks": (1, 1, 1),
    },
    "mst_s": {"name": "mst", "channels": 28, "num_blocks": (2, 2, 2), "step": 2},
    "mst_l": {"name": "mst", "channels": 28, "num_blocks": (4, 7, 5), "step": 2},
}


@pytest.mark.parametrize("case", SIZES)
def test_network_and_sizes_are_read_from_names_and_shapes(case, cases, upstream_state):
    plain, state = from_upstream(upstream_state(case))
    assert plain == plain | SIZES[case] | {"attention": {"name": "csa"}}
    assert sum(tensor.numel() for tensor in state.values()) == cases[case]["parameters"]


@pytest.fixture
def mst_plus_plus(upstream_state) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in upstream_state("mst_plus_plus").items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": state},
        lambda state: {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}},
    ],
    ids=["bare", "params", "state_dict with module."],
)
def test_containers(wrap, mst_plus_plus, tmp_path):
    torch.save(wrap(mst_plus_plus), tmp_path / "released.pth")
    plain, state = load_pth(tmp_path / "released.pth")
    network = network_from_plain(plain).build()
    network.load_state_dict(state)
    assert torch.equal(network.stages[1].output.weight, mst_plus_plus["body.1.mapping.weight"])


def test_their_keys_are_our_queries(mst_plus_plus):
    _, state = from_upstream(mst_plus_plus)
    block = "body.0.bottleneck.blocks.0.0.to_"
    parts = [mst_plus_plus[f"{block}{letter}.weight"] for letter in "kqv"]
    ours = state["stages.0.u.bottleneck.0.attention.qkv.weight"]
    assert torch.equal(ours[:, :, 0, 0], torch.cat(parts))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("body.0.extra.weight", np.zeros(3), "unknown body.0.extra.weight"),
        ("body.0.bottleneck.blocks.0.0.to_q.bias", np.zeros(124), "unknown body.0.bottleneck.blocks"),
        ("body.0.bottleneck.blocks.0.0.to_q.weight", np.zeros((9, 9)), "misshapen body.0.bottleneck.blocks"),
        ("conv_out.weight", np.zeros((31, 31, 1, 1)), "misshapen conv_out.weight"),
        ("body.2.mapping.weight", None, "missing stages.2.output.weight"),
        ("body.0.embedding.weight", None, "missing body.0.embedding.weight"),
        ("body.1.bottleneck.blocks.0.0.to_k.weight", None, "misshapen stages.1.u.bottleneck.0.attention.qkv"),
    ],
)
def test_variants_are_refused_by_name(name, value, problem, upstream_state):
    state = upstream_state("mst_plus_plus")
    state.pop(name, None)
    if value is not None:
        state[name] = value
    with pytest.raises(BadDataError, match=problem):
        from_upstream(state)


@pytest.mark.parametrize(
    ("name", "shape"), [("skip_conv.weight", (96, 48, 1, 1)), ("encoder_level1.0.attn.qkv.bias", (24,))]
)
def test_restormer_variants_are_refused(name, shape, upstream_state):
    with pytest.raises(BadDataError, match=f"unknown {name}"):
        from_upstream(upstream_state("restormer_tiny") | {name: np.zeros(shape)})


def test_feed_forward_widths_that_no_factor_explains(upstream_state):
    state = upstream_state("restormer_tiny")
    state["latent.0.ffn.project_in.weight"] = np.zeros((200, 64, 1, 1))
    with pytest.raises(BadDataError, match="expansion factor"):
        from_upstream(state)


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_that_do_not_divide_the_width(heads, upstream_state):
    state = upstream_state("restormer_tiny") | {"latent.0.attn.temperature": np.zeros((heads, 1, 1))}
    with pytest.raises(BadDataError, match="misshapen latent.0.attn.temperature"):
        from_upstream(state)


def test_another_network_is_refused():
    with pytest.raises(BadDataError, match="begins with layer.bias"):
        from_upstream({"layer.weight": np.zeros(3), "layer.bias": np.zeros(3)})


def test_a_pickled_module_is_refused_with_the_reason(tmp_path):
    torch.save(nn.Conv2d(1, 1, 1), tmp_path / "module.pth")
    with pytest.raises(BadDataError, match=r"pickled object \(torch.nn.modules.conv.Conv2d\)"):
        load_pth(tmp_path / "module.pth")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 half a zip file"])
def test_a_damaged_file_is_refused(content, tmp_path):
    (tmp_path / "damaged.pth").write_bytes(content)
    with pytest.raises(BadDataError, match="damaged.pth .*not a torch checkpoint"):
        load_pth(tmp_path / "damaged.pth")


def test_a_truncated_download_is_refused(mst_plus_plus, tmp_path):
    torch.save(mst_plus_plus, tmp_path / "released.pth")
    content = (tmp_path / "released.pth").read_bytes()
    (tmp_path / "released.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadDataError, match="not a torch checkpoint"):
        load_pth(tmp_path / "released.pth")


def test_a_lone_tensor_is_no_checkpoint(tmp_path):
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(BadDataError, match="holds no state dict"):
        load_pth(tmp_path / "tensor.pth")


def test_a_missing_file(tmp_path):
    with pytest.raises(NoInputError, match="absent.pth"):
        load_pth(tmp_path / "absent.pth")
