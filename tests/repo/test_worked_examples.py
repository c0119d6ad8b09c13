"""The worked examples of docs/extending.md: their files and lines are put into the package, and used."""

import re
import sys
from pathlib import Path
from types import ModuleType

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image

from glmha_cli.cli.verbs import VERBS, Verb
from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats import FORMATS, PhotoFormat, readable_suffixes
from glmha_cli.io.photos.read import read_photo
from glmha_cli.networks import NETWORKS, network_from_plain, network_to_plain
from glmha_cli.tasks import TASKS
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.repo.test_new_things import glmha

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
TABLES = {"VERBS": VERBS, "FORMATS": FORMATS, "NETWORKS": NETWORKS, "TASKS": TASKS}


@pytest.fixture
def package(monkeypatch):
    """The package with what the page adds to it."""
    names = {"Verb": Verb, "PhotoFormat": PhotoFormat}
    for title, code in BLOCKS:
        if title in TABLES:
            for name, entry in eval(code, names).items():
                monkeypatch.setitem(TABLES[title], name, entry)
            continue
        module = ModuleType(title.removesuffix(".py").replace("/", "."))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, title, "exec"), module.__dict__)
        names |= vars(module)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)).save(path)
    return path


def test_the_page_has_an_example_of_each():
    assert [title for title, _ in BLOCKS if title in TABLES] == ["VERBS", "FORMATS", "NETWORKS", "TASKS"]


def test_the_verb(package, photo, capsys):
    assert glmha("pixels", photo) == 0
    assert capsys.readouterr().out == f"{photo}: 20 x 12\n"


def test_the_format(package, photo, tmp_path):
    samples = np.asarray(Image.open(photo))
    data = imagecodecs.qoi_encode(samples)
    (tmp_path / "a.qoi").write_bytes(data)
    np.testing.assert_array_equal(np.rint(read_photo(tmp_path / "a.qoi").pixels * 255), samples)
    assert ".qoi" in readable_suffixes()
    (tmp_path / "cut.qoi").write_bytes(data[:10])
    with pytest.raises(BadDataError, match="truncated"):
        read_photo(tmp_path / "cut.qoi")


def test_the_network_in_the_task(package, photo, tmp_path):
    config = network_from_plain({"name": "plain", "channels": 8, "attention": {"name": "csa"}})
    assert network_from_plain(network_to_plain(config)) == config
    torch.manual_seed(0)
    weights = tmp_path / "w.safetensors"
    about = {"task": "denoise", "network": network_to_plain(config)}
    save_checkpoint(weights, config.build().state_dict(), about, dtype=torch.float32)
    assert glmha("denoise", photo, tmp_path / "out.png", "--model", weights, "--quiet") == 0
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (20, 12) and (np.asarray(image) != np.asarray(Image.open(photo))).any()
