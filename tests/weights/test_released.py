"""Released checkpoints: imported once, with their origin; code inside a file is never run."""

import json
import os
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn

from glmha_cli.errors import BadDataError, CannotCreateError, NoInputError, UsageError
from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.rgb2hsi import RGB2HSI
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from glmha_cli.weights.convert import import_checkpoint
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.store import Access, find_weights
from tests.conftest import run_glmha
from tests.parity.conftest import DATA, parameter
from tests.weights.conftest import file_entry, finish
from tests.weights.hub_server import flipped

KEYS = json.loads((DATA / "upstream_keys.json").read_text())
CONTAINERS = {
    "bare": lambda state: state,
    "params": lambda state: {"params": state},
    "state_dict with module.": lambda state: {
        "state_dict": {f"module.{name}": value for name, value in state.items()},
        "epoch": 3,
    },
}


def state_of(case: str) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(parameter(name, tuple(shape))) for name, shape in KEYS[case].items()}


@pytest.fixture
def deraining(tmp_path):
    path = tmp_path / "deraining.pth"
    torch.save({"params": state_of("restormer_tiny")}, path)
    return path


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("case", "network", "task"),
    [("restormer_tiny", "restormer", "derain"), ("mst_s", "mst", "sci"), ("mst_plus_plus", "mst_plus_plus", "rgb2hsi")],
)
def test_every_network_in_every_container(case, network, task, container, tmp_path):
    source, output = tmp_path / "released.pth", tmp_path / "ours.safetensors"
    torch.save(CONTAINERS[container](state_of(case)), source)
    import_checkpoint(source, output, task=task, network=network)
    about = read_about(output)
    assert (
        about["task"] == task
        and about["network"]["name"] == network
        and about["network"]["attention"] == {"name": "csa"}
    )
    assert about["source"] == {"file": "released.pth", "sha256": sha256_of(source)}
    assert about["stretch_input"] == (network == "mst_plus_plus")
    assert ("non-commercial" if network == "restormer" else "MIT") in about["licence"]
    ours = sum(tensor.numel() for tensor in load_network(output).state_dict().values())
    assert ours == sum(tensor.numel() for tensor in state_of(case).values())


def test_the_command_and_a_run_with_the_result(deraining, photo, tmp_path):
    result = run_glmha("models", "import", deraining, "--network", "restormer", "--task", "derain")
    assert result.returncode == 0 and "non-commercial" in result.stderr, result.stderr
    output = deraining.with_suffix(".safetensors")
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", output, "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["weights_sha256"] == sha256_of(output), result.stderr
    with pytest.raises(CannotCreateError, match="exists"):
        import_checkpoint(deraining, output, task="derain")
    assert (
        import_checkpoint(deraining, output, task="deblur", overwrite=True)["task"]
        == read_about(output)["task"]
        == "deblur"
    )


def test_the_released_mst_plus_plus_sees_photos_stretched_as_a_whole(tmp_path):
    """So brightness and contrast of the photo do not matter, and a flat photo gives finite values."""
    source, output = tmp_path / "mst_plus_plus.pth", tmp_path / "ours.safetensors"
    torch.save({"state_dict": state_of("mst_plus_plus")}, source)
    import_checkpoint(source, output, task="rgb2hsi")
    restorer = Restorer(
        task=RGB2HSI,
        engine=open_engine(output, EngineOptions(device="cpu", precision="fp32")),
        tiling=Tiling(tile_px=16, overlap_px=8),
        project=False,
    )
    photo = np.random.default_rng(0).random((24, 16, 3), np.float32)
    assert np.allclose(restorer.restore(photo), restorer.restore(0.25 + photo / 4), atol=1e-3)
    assert np.isfinite(restorer.restore(np.full((16, 16, 3), 0.5, np.float32))).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "sci"}, "sci needs a mst"),
        ({"task": "derain", "network": "mst"}, "holds a restormer, not a mst"),
        ({"task": "deran"}, "unknown task"),
        ({"task": "derain", "network": "restorer"}, "unknown network"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(deraining, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        import_checkpoint(deraining, tmp_path / "out.safetensors", **arguments)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_restormer_for_gray_photos_is_no_derain_model(tmp_path):
    state = state_of("restormer_tiny")
    state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"][:, :1]
    state["output.weight"] = state["output.weight"][:1]
    torch.save(state, tmp_path / "gray.pth")
    with pytest.raises(BadDataError, match="has 1 input and 1 output channels"):
        import_checkpoint(tmp_path / "gray.pth", tmp_path / "out.safetensors", task="derain")


def test_absent_source_and_absent_folder(deraining, tmp_path):
    with pytest.raises(NoInputError):
        import_checkpoint(tmp_path / "no.pth", tmp_path / "out.safetensors", task="derain")
    with pytest.raises(CannotCreateError, match="mkdir|does not exist"):
        import_checkpoint(deraining, tmp_path / "no" / "out.safetensors", task="derain")


class Malice:
    """Unpickling it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "save",
    [
        torch.save,
        lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
        lambda content, path: path.write_bytes(pickle.dumps(content)),
    ],
    ids=["zip", "legacy", "bare pickle"],
)
def test_code_in_a_pth_is_never_run(save, tmp_path):
    source, proof = tmp_path / "evil.pth", tmp_path / "executed"
    save({"params": {"patch_embed.proj.weight": Malice(proof)}}, source)
    with pytest.raises(BadDataError):
        import_checkpoint(source, tmp_path / "out.safetensors", task="derain")
    with pytest.raises(BadDataError):
        find_weights(str(source), task="derain")
    assert not proof.exists()
    with suppress(RuntimeError):
        torch.load(source, weights_only=False)
    assert proof.exists(), "the file is as dangerous as it is meant to be"


def test_a_whole_module_is_refused_with_the_reason(tmp_path):
    torch.save(nn.Conv2d(1, 1, 1), tmp_path / "module.pth")
    result = run_glmha("models", "import", tmp_path / "module.pth", "--task", "derain")
    assert result.returncode == 65 and "pickled object" in result.stderr and "only tensors" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def released(library, cache, server, deraining):
    """A released .pth on the Hub, as the deblurring Restormer is: unpinned, with terms."""
    from glmha_cli.weights.upstream import load_pth

    network, _ = load_pth(deraining)
    server.files["authors/Restormer", deraining.name] = deraining.read_bytes()
    return library.add(
        "theirs",
        network=network,
        terms="Non-commercial.",
        licence="Theirs",
        files={"pth": file_entry(deraining)},
        hub={"repo_id": "authors/Restormer", "revision": None},
    )


ACCEPTED = Access(accept_licence=True)


def test_a_released_model_is_fetched_and_converted_once(released, server, cache):
    weights = find_weights("theirs", task="derain", access=ACCEPTED)
    assert weights.path.suffix == ".safetensors" and weights.path.is_relative_to(cache)
    assert read_about(weights.path)["source"]["sha256"] == released.files["pth"].sha256
    assert weights.sha256 == released.files["pth"].sha256
    made, changed = len(server.requests), weights.path.stat().st_mtime_ns
    again = find_weights("theirs", task="derain", access=Access(offline=True))
    assert again == weights and again.path.stat().st_mtime_ns == changed and len(server.requests) == made


def test_a_conversion_that_was_tampered_with_is_made_again(released):
    weights = find_weights("theirs", task="derain", access=ACCEPTED)
    right = load(weights.path.read_bytes())
    weights.path.write_bytes(flipped(weights.path.read_bytes()))
    healed = load(find_weights("theirs", task="derain").path.read_bytes())
    assert all(torch.equal(healed[name], tensor) for name, tensor in right.items())


def test_a_released_model_by_its_name(released, command, photo, tmp_path):
    out = tmp_path / "out.png"
    code, _, err = finish(command("derain", photo, out, "--model", "theirs"))
    assert code == 2 and "Non-commercial." in err and "--accept-licence" in err
    code, _, err = finish(command("derain", photo, out, "--model", "theirs", "--accept-licence"))
    assert code == 0 and out.is_file() and "unpinned" in err, err


def test_a_manifest_that_names_another_network_is_found_out(released, library):
    library.add(
        "theirs", **{**library.data["models"]["theirs"], "network": {"name": "restormer", "attention": {"name": "csa"}}}
    )
    with pytest.raises(BadDataError, match="another network"):
        find_weights("theirs", task="derain", access=ACCEPTED)


def compressed(source, target):
    """The archive with its parts deflated."""
    with zipfile.ZipFile(source) as parts, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as smaller:
        for part in parts.namelist():
            smaller.writestr(part, parts.read(part))


def as_it_is(source, target):
    target.write_bytes(source.read_bytes())


@pytest.mark.parametrize(
    ("numbers", "kept"), [(torch.zeros(2**20), compressed), (torch.zeros(1).expand(2**20), as_it_is)]
)
def test_a_small_file_is_no_large_checkpoint(tmp_path, numbers, kept):
    """PyTorch stores numbers as they are: a file of which a thousand times as many are to be made is no release."""
    torch.save({"params": {"patch_embed.proj.weight": numbers}}, tmp_path / "plain.pth")
    kept(tmp_path / "plain.pth", tmp_path / "small.pth")
    with pytest.raises(BadDataError, match="more numbers than it holds"):
        import_checkpoint(tmp_path / "small.pth", tmp_path / "out.safetensors", task="derain")
