"""Attention matrices collected from real networks, their singular values, and what `glmha analyze` makes of them."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.errors import BadDataError
from glmha_cli.evaluation.low_rank import Matrices, attention_of, middle, recorded, spectra
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.restormer import RestormerConfig
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of

CONFIG = RestormerConfig(channels=8, num_blocks=(1, 2, 1, 1), num_refinement_blocks=1, attention=CSAConfig())


def test_every_block_is_recorded_and_the_network_is_as_before():
    torch.manual_seed(0)
    network, image = CONFIG.build().eval(), np.random.default_rng(0).random((40, 52, 3)).astype(np.float32)
    found = attention_of(network, middle(network, (image,), side_px=32))
    assert len(found) == 1 + 2 + 1 + 1 + 1 + 2 + 1 + 1  # encoder, bottleneck, decoder, refinement
    assert {each.pixels for each in found} == {32 * 32, 16 * 16, 8 * 8, 4 * 4}
    for each in found:
        np.testing.assert_allclose(each.attn.sum(axis=-1), 1, atol=1e-6)
    levels = [(each.level, each.channels, each.kept, each.num_matrices) for each in spectra([found])]
    assert levels == [
        ("level1", 8, 8, 1),
        ("level1", 16, 16, 2),
        ("level2", 8, 8, 8),
        ("level3", 8, 8, 8),
        ("bottleneck", 8, 8, 8),
    ]
    crop = torch.from_numpy(image[4:36, 10:42].transpose(2, 0, 1).copy())[None]
    with recorded(network) as again, torch.no_grad():
        network(crop)
    for one, two in zip(found, again, strict=True):  # float32, the crop may lie otherwise in memory
        np.testing.assert_allclose(one.attn, two.attn, atol=1e-5, err_msg="not the middle of the image")
    assert not any("attend" in vars(module) for module in network.modules())


def test_networks_with_a_wider_mask():
    network = MSTConfig(channels=6, num_blocks=(1, 1, 1)).build().eval()
    inputs = np.random.default_rng(0).random((20, 24, 6)), np.random.default_rng(1).random((20, 34, 6))
    found = attention_of(network, middle(network, tuple(array.astype(np.float32) for array in inputs), side_px=16))
    assert [each.attn.shape for each in found] == [(1, 6, 3), (2, 6, 3), (4, 6, 3), (2, 6, 3), (1, 6, 3)]


def matrices(*attn):
    return [[Matrices(block="block", pixels=64, attn=np.array([each], float)) for each in attn]]


def test_curves_and_counts_by_hand():
    [found] = spectra(matrices(np.diag([2.0, 1, 1, 0])))
    np.testing.assert_allclose(found.curves["sum"], [0.5, 0.75, 1, 1])
    np.testing.assert_allclose(found.curves["energy"], [4 / 6, 5 / 6, 1, 1])
    assert found.needed["sum"] == found.needed["energy"] == {0.90: 3, 0.95: 3, 0.99: 3}


def test_rank_one_needs_one_and_the_unit_matrix_nearly_all():
    [flat], [unit] = spectra(matrices(np.full((20, 10), 0.1))), spectra(matrices(np.eye(20)))
    assert set(flat.needed["energy"].values()) == {1}
    assert unit.needed["sum"] == {0.90: 18, 0.95: 19, 0.99: 20}
    [mean] = spectra(matrices(np.full((20, 20), 0.05), np.eye(20)))
    assert mean.needed["energy"][0.90] == (1 + 18) / 2 and mean.num_matrices == 2


def test_levels_are_those_of_each_image_whatever_its_size():
    network, rng = CONFIG.build().eval(), np.random.default_rng(0)
    images = [
        attention_of(network, middle(network, (rng.random(size, np.float32),), side_px=32))
        for size in ((32, 32, 3), (24, 32, 3), (16, 8, 3))
    ]
    one, three = ([(each.level, each.channels) for each in spectra(some)] for some in (images[:1], images))
    assert one == three
    assert [each.num_matrices for each in spectra(images)] == [3 * each.num_matrices for each in spectra(images[:1])]


def test_an_image_under_the_networks_multiple_is_refused():
    with pytest.raises(BadDataError, match="too small") as caught:
        middle(CONFIG.build(), (np.zeros((7, 40, 3), np.float32),))
    assert "8 x 8" in caught.value.hint


def test_the_verb_writes_table_curves_and_picture(tiny_model, photo, tmp_path):
    picture, curves = tmp_path / "rank.png", tmp_path / "rank.csv"
    command = ["analyze", tiny_model, photo, photo, "--plot", picture, "--csv", curves]
    result = run_here(*command, "--json")
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["level"] for record in records] == ["level1", "level1", "level2", "level3", "bottleneck"]
    assert all(1 <= record["energy_90"] <= record["energy_99"] <= record["kept"] for record in records)
    assert records[0]["images"] == 2 and records[0]["matrices"] == 2
    with curves.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(record["kept"] for record in records) and float(rows[-1]["energy"]) == 1
    with Image.open(picture) as image:
        assert image.size[0] > 800 and len(set(image.convert("RGB").get_flattened_data())) > 50
    again = run_here(*command)
    assert again.returncode == 73 and "--overwrite" in error_of(again)
    assert "bottleneck" in run_here("analyze", tiny_model, photo).stdout


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["--plot", "a.xyz"], "use .png"),
        (["--plot", "a"], "use .png"),
        (["--plot", "a.png", "--csv", "a.png"], "twice"),
    ],
)
def test_plots_that_cannot_be_are_told_before_the_work(tiny_model, photo, tmp_path, monkeypatch, names, message):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    result = run_here("analyze", tiny_model, photo, *names, "--overwrite")
    assert result.returncode == 2 and message in error_of(result) and set(tmp_path.iterdir()) == before


def test_bad_input_is_named(tiny_model, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    result = run_here("analyze", tiny_model, tmp_path / "dot.png")
    assert result.returncode == 65 and "dot.png" in error_of(result) and "too small" in result.stderr
    assert run_here("analyze", tiny_model, tmp_path / "none.png").returncode == 66
    assert run_here("analyze", "sci", tmp_path / "y.mat").returncode == 2
