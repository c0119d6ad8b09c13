"""Our networks with imported weights compute what the released ones do, from fixtures made by their code."""

import numpy as np
import pytest
import torch

from glmha_cli.networks import network_from_plain
from glmha_cli.shapes import next_multiple, pad_to
from glmha_cli.weights.upstream import from_upstream

TINY = ["restormer_tiny", "restormer_tiny_biasfree", "mst_plus_plus"]


def image(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """float32 input in [0, 1)."""
    return np.random.RandomState(1000 + seed).random_sample(shape).astype(np.float32)


def run(case: dict, state: dict[str, np.ndarray], dtype: torch.dtype) -> np.ndarray:
    """The case's output: each image padded as the released code does (by reflection), result cropped."""
    plain, ours = from_upstream(state)
    config = network_from_plain(plain)
    network = config.build().eval()
    network.load_state_dict(ours)
    x, *mask = (image(shape, seed) for seed, shape in enumerate(case["inputs"].values()))
    h, w = x.shape[2:]
    size = [next_multiple(side, config.size_multiple) for side in (h, w)]
    padded = np.stack([pad_to(each.transpose(1, 2, 0), *size).transpose(2, 0, 1) for each in x])
    with torch.no_grad():
        result = network.to(dtype)(*(torch.from_numpy(array.copy()).to(dtype) for array in (padded, *mask)))
    every = case["stored_every"]
    return result[..., :h, :w][..., ::every, ::every].numpy()


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [(name, torch.float32, 1e-5) for name in [*TINY, "restormer", "mst_s", "mst_l"]]
    + [(name, torch.float64, 1e-6) for name in TINY],
)
def test_equals_the_released_network(name, dtype, tolerance, cases, outputs, upstream_state):
    result, stored = run(cases[name], upstream_state(name), dtype), outputs[name]
    assert np.linalg.norm(result - stored) / np.linalg.norm(stored) < tolerance
