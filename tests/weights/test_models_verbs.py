"""`glmha models …`: pull, verify, path, and a bundle for a machine without network."""

import json

import pytest

from glmha_cli.errors import NoInputError, WeightsUnavailableError
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.store import Access, find_weights
from tests.cli.in_process import run_here
from tests.conftest import run_glmha
from tests.weights.conftest import finish
from tests.weights.hub_server import flipped


def test_a_bundle_serves_a_machine_without_network(on_hub, command, server, tiny_model, photo, tmp_path):
    bundle, out = tmp_path / "bundle", tmp_path / "out.png"
    code, _, err = finish(command("models", "pull", "tiny", "--to", bundle))
    assert code == 0 and [path.name for path in bundle.iterdir()] == ["tiny.safetensors"], err
    made = len(server.requests)
    elsewhere = {"HF_HOME": str(tmp_path / "another machine"), "HF_ENDPOINT": "http://127.0.0.1:9"}
    code, stdout, err = finish(
        command("derain", photo, out, "--model", "tiny", "--weights-dir", bundle, "--json", **elsewhere)
    )
    assert code == 0 and json.loads(stdout)["weights_sha256"] == sha256_of(tiny_model), err
    code, stdout, err = finish(command("models", "path", "tiny", GLMHA_WEIGHTS_DIR=str(bundle), **elsewhere))
    assert code == 0 and stdout.strip() == str(bundle / "tiny.safetensors"), err
    assert len(server.requests) == made


def test_verify_and_path_before_and_after(on_hub, command):
    assert finish(command("models", "path", "tiny"))[0] == 69
    code, out, _ = finish(command("models", "verify", "--json"))
    assert code == 0 and json.loads(out)["status"] == "absent"
    assert finish(command("models", "verify", "tiny"))[0] == 69
    path = find_weights("tiny", task="derain").path
    code, out, _ = finish(command("models", "verify", "tiny", "--json"))
    assert code == 0 and json.loads(out) == {"id": "tiny", "place": "Hub cache", "path": str(path), "status": "ok"}
    blob = path.resolve()
    blob.write_bytes(flipped(blob.read_bytes()))
    code, out, _ = finish(command("models", "verify"))
    assert code == 69 and "expected" in out and blob.is_file(), "verify reports, it does not repair"


def test_list_show_and_plain_models_agree():
    plain, listed = run_glmha("models", "--json"), run_glmha("models", "list", "--json")
    assert plain.returncode == 0 and plain.stdout == listed.stdout
    record = next(json.loads(line) for line in plain.stdout.splitlines() if "restormer-csa-deblur" in line)
    assert record["source"] == "deepinv/Restormer, unpinned"
    shown = run_glmha("models", "show", "restormer-csa-deblur")
    assert shown.returncode == 0 and "non-commercial" in shown.stdout and "194e38fb5b607c9d" in shown.stdout


def test_an_unknown_verb_and_an_unknown_model():
    assert run_glmha("models", "pul").returncode == 2
    misplaced = run_glmha("models", "--json", "list")
    assert misplaced.returncode == 2 and "after the subcommand" in misplaced.stderr and not misplaced.stdout
    result = run_glmha("models", "pull", "deblur-lit")
    assert result.returncode == 2 and "deblur-lite" in result.stderr


def test_a_weights_dir_that_is_absent_or_spoilt_is_mended_as_the_hint_says(on_hub, command, tmp_path):
    folder = tmp_path / "own"
    for error, said in ((NoInputError, "no folder"), (WeightsUnavailableError, "expected")):
        with pytest.raises(error, match=said) as caught:
            find_weights("tiny", task="derain", access=Access(weights_dir=folder))
        assert caught.value.hint.startswith("glmha models pull tiny --to")
        code, _, err = finish(command("models", "pull", "tiny", "--to", folder, GLMHA_WEIGHTS_DIR=str(folder)))
        assert code == 0, err
        path = find_weights("tiny", task="derain", access=Access(weights_dir=folder)).path
        path.write_bytes(flipped(path.read_bytes()))


def test_an_imported_checkpoint_does_not_replace_its_source(tmp_path):
    for name in ("released.pth", "link.pth"):
        (tmp_path / "released.pth").write_bytes(b"x")
        if name == "link.pth":
            (tmp_path / name).hardlink_to(tmp_path / "released.pth")
        options = ("--task", "derain", "--output", tmp_path / name, "--overwrite")
        result = run_here("models", "import", tmp_path / "released.pth", *options)
        assert result.returncode == 2 and "is an input" in result.stderr
        assert (tmp_path / "released.pth").read_bytes() == b"x"
