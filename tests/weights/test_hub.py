"""Weights from the Hub: fetched once, verified always, and every fault said in one line."""

import json

import pytest

from glmha_cli.errors import UsageError, WeightsUnavailableError
from glmha_cli.weights import hub, store
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.store import Access, fetch, find_weights
from tests.weights.conftest import REPOSITORY, file_entry, finish
from tests.weights.hub_server import flipped

OFFLINE = Access(offline=True)
# Any socket, even one that is never connected.
NO_SOCKETS = (
    "import sys\n"
    "def forbid(event, arguments):\n"
    "    if event.startswith('socket.'):\n"
    "        print('socket opened:', event, file=sys.stderr)\n"
    "        import os; os._exit(99)\n"
    "sys.addaudithook(forbid)"
)


@pytest.fixture
def no_waiting(monkeypatch):
    """The client waits between its attempts; here it need not."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.mark.parametrize("lfs", [False, True])
def test_a_download_is_verified_and_happens_once(on_hub, server, tiny_model, lfs):
    server.lfs = lfs
    weights = find_weights("tiny", task="derain")
    assert weights.path.read_bytes() == tiny_model.read_bytes() and weights.sha256 == sha256_of(tiny_model)
    made = len(server.requests)
    assert find_weights("tiny", task="derain").path == weights.path
    assert find_weights("tiny", task="derain", access=OFFLINE).path == weights.path
    assert len(server.requests) == made, "a pinned commit asks nothing once it is cached"


def test_unpinned_is_said_and_asks_nothing_once_cached(library, cache, server, tiny_model, on_hub):
    entry = library.add(
        "loose",
        network=on_hub.network,
        files={"safetensors": file_entry(tiny_model, "model.safetensors")},
        hub={"repo_id": REPOSITORY, "revision": None},
    )
    assert "unpinned" in entry.source and "unpinned" not in on_hub.source
    find_weights("loose", task="derain")
    made = len(server.requests)
    find_weights("loose", task="derain")
    assert len(server.requests) == made


def test_wrong_bytes_once_are_fetched_again(on_hub, server, tiny_model):
    server.fault = "wrong once"
    said = []
    weights = find_weights("tiny", task="derain", access=Access(say=said.append))
    assert weights.path.read_bytes() == tiny_model.read_bytes()
    assert server.downloads() == 2 and any("wrong bytes" in line for line in said)


def test_wrong_bytes_twice_are_refused_with_both_hashes_and_set_aside(on_hub, server, cache, tiny_model):
    server.fault = "wrong"
    found = file_entry(tiny_model)["sha256"]
    with pytest.raises(WeightsUnavailableError, match=f"{found}.*found [0-9a-f]{{64}}") as error:
        find_weights("tiny", task="derain")
    assert error.value.exit_code == 69 and server.downloads() == 2
    assert hub.cached(on_hub.hub, "model.safetensors") is None
    left = [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size == tiny_model.stat().st_size]
    assert {path.parent.name for path in left} == {hub.SET_ASIDE}


def test_a_cache_that_was_tampered_with_heals(on_hub, server, tiny_model):
    path = find_weights("tiny", task="derain").path
    blob = path.resolve()
    blob.chmod(0o644)
    blob.write_bytes(flipped(blob.read_bytes()))
    assert find_weights("tiny", task="derain").path.read_bytes() == tiny_model.read_bytes()
    assert server.downloads() == 2


def test_a_tampered_cache_is_refused_offline(on_hub):
    blob = find_weights("tiny", task="derain").path.resolve()
    blob.write_bytes(flipped(blob.read_bytes()))
    with pytest.raises(WeightsUnavailableError, match="expected sha256"):
        find_weights("tiny", task="derain", access=OFFLINE)
    assert not blob.exists()


def test_a_cut_connection_is_taken_up_again(on_hub, server, tiny_model, no_waiting):
    server.fault = "cut once"
    assert find_weights("tiny", task="derain").path.read_bytes() == tiny_model.read_bytes()
    assert server.downloads() == 2


def test_a_connection_that_is_always_cut_leaves_nothing(on_hub, server, cache, no_waiting):
    server.fault = "cut"
    with pytest.raises(WeightsUnavailableError, match="cannot be fetched"):
        find_weights("tiny", task="derain")
    assert hub.cached(on_hub.hub, "model.safetensors") is None and not list(cache.rglob("*.incomplete"))


@pytest.mark.parametrize(("status", "hint"), [(401, "HF_TOKEN"), (404, "upgrade"), (500, "later")])
def test_statuses_are_explained(on_hub, server, status, hint):
    server.fault = status
    with pytest.raises(WeightsUnavailableError, match=f"answers {status}") as error:
        find_weights("tiny", task="derain")
    assert hint in error.value.hint


def test_a_dead_server_is_said_at_once(on_hub, server, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited for a dead server"))
    with pytest.raises(WeightsUnavailableError, match="cannot be fetched") as error:
        find_weights("tiny", task="derain")
    assert "--weights-dir" in error.value.hint


def test_the_token_reaches_the_hub_and_not_its_storage(on_hub, server, monkeypatch):
    server.token, server.lfs = "hf_secret", True
    with pytest.raises(WeightsUnavailableError, match="401"):
        find_weights("tiny", task="derain")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert find_weights("tiny", task="derain").path.is_file()


def test_offline_says_what_is_missing(on_hub, server, monkeypatch):
    with pytest.raises(WeightsUnavailableError, match="not on this machine") as error:
        find_weights("tiny", task="derain", access=OFFLINE)
    assert error.value.hint.startswith("glmha models pull tiny") and not server.requests
    assert "forbids" not in error.value.message, "nothing is named that was not given"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailableError, match="not on this machine, and HF_HUB_OFFLINE forbids"):
        find_weights("tiny", task="derain")
    assert not server.requests


def test_two_processes_at_once_then_offline_without_a_socket(on_hub, command, server, tiny_model, photo, tmp_path):
    both = [command("models", "pull", "tiny", "--json") for _ in range(2)]
    for code, out, err in map(finish, both):
        assert code == 0, err
        record = json.loads(out)
        assert record["sha256"] == sha256_of(tiny_model)
        assert sha256_of(tmp_path / record["path"]) == record["sha256"]
    made = len(server.requests)
    code, _, err = finish(
        command("derain", photo, tmp_path / "out.png", "--model", "tiny", "--offline", before=NO_SOCKETS)
    )
    assert code == 0 and (tmp_path / "out.png").is_file(), err
    assert len(server.requests) == made


def test_the_guard_against_sockets_works(on_hub, command):
    code, _, err = finish(command("models", "pull", "tiny", before=NO_SOCKETS))
    assert code == 99 and "socket opened" in err
    code, _, err = finish(command("models", "pull", "tiny", "--offline", before=NO_SOCKETS))
    assert code == 69 and "not on this machine" in err
    code, _, err = finish(command("models", "pull", "tiny", before=NO_SOCKETS, HF_HUB_OFFLINE="1"))
    assert code == 69 and "not on this machine" in err


def test_a_proxy_is_used(on_hub, command, server):
    code, _, err = finish(command("models", "pull", "tiny", HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=server.url))
    assert code == 0 and f"GET /{REPOSITORY}/resolve/{on_hub.hub.revision}/model.safetensors" in server.requests, err


def test_the_order_of_places(on_hub, tiny_model, tmp_path, monkeypatch):
    """Each place, when it has the file, hides those after it."""
    places = [find_weights("tiny", task="derain").path]
    for name, access in (("package/bundled", Access()), ("own", Access(weights_dir=tmp_path / "own"))):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        monkeypatch.setattr(store, "PACKAGE", tmp_path / "package")
        (folder / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
        places.append(find_weights("tiny", task="derain", access=access).path)
        assert places[-1] == folder / "tiny.safetensors"
    assert find_weights(str(tiny_model), task="derain", access=access).path == tiny_model
    assert len(set(places)) == 3


def test_onnx_is_verified_alike(library, on_hub, server, tmp_path):
    right = tmp_path / "tiny.onnx"
    right.write_bytes(b"graph")
    server.files[REPOSITORY, "tiny.onnx"] = flipped(b"graph")
    entry = library.add(
        "with-onnx",
        network=on_hub.network,
        files={"onnx": file_entry(right)},
        hub={"repo_id": REPOSITORY, "revision": None},
    )
    with pytest.raises(WeightsUnavailableError, match="expected sha256"):
        fetch(entry, "onnx", Access())
    assert server.downloads() == 2
    server.files[REPOSITORY, "tiny.onnx"] = b"graph"
    assert fetch(entry, "onnx", Access()).read_bytes() == b"graph"


@pytest.mark.parametrize("place", ["weights-dir", "bundled"])
def test_wrong_bytes_elsewhere_are_refused_and_left(on_hub, server, tiny_model, tmp_path, monkeypatch, place):
    folder = tmp_path / "bundled"
    folder.mkdir()
    (folder / "tiny.safetensors").write_bytes(flipped(tiny_model.read_bytes()))
    monkeypatch.setattr(store, "PACKAGE", tmp_path if place == "bundled" else tmp_path / "no")
    with pytest.raises(WeightsUnavailableError, match=f"expected sha256 {sha256_of(tiny_model)}.*found"):
        find_weights("tiny", task="derain", access=Access(weights_dir=folder if place == "weights-dir" else None))
    assert (folder / "tiny.safetensors").is_file() and not server.requests


def test_terms_are_accepted_once(library, on_hub, tiny_model, server):
    given = {
        "network": on_hub.network,
        "files": {"safetensors": file_entry(tiny_model, "tiny.safetensors")},
        "hub": {"repo_id": REPOSITORY, "revision": None, "names": {"safetensors": "model.safetensors"}},
    }
    library.add("theirs", **given, terms="Non-commercial use only.")
    with pytest.raises(UsageError, match="Non-commercial use only") as error:
        find_weights("theirs", task="derain")
    assert "--accept-licence" in error.value.hint and not server.requests
    find_weights("theirs", task="derain", access=Access(accept_licence=True))
    find_weights("theirs", task="derain")
    library.add("theirs", **given, terms="Other terms.")
    with pytest.raises(UsageError, match="Other terms"):
        find_weights("theirs", task="derain")
