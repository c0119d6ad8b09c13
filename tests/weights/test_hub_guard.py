"""A shared cache and a hostile server: nothing outside the cache is touched, and the token goes to the Hub alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from glmha_cli.errors import UsageError, WeightsUnavailableError
from glmha_cli.weights import hub
from glmha_cli.weights.manifest import Hub
from glmha_cli.weights.store import Access, find_weights
from tests.conftest import ROOT
from tests.weights.conftest import REPOSITORY, finish
from tests.weights.hub_server import COMMIT, HubServer, running


@pytest.fixture
def thesis(tmp_path) -> Path:
    path = tmp_path / "home" / "thesis.txt"
    path.parent.mkdir()
    path.write_text("three years of work")
    return path


def place_in_cache(cache: Path, *, blob: Path | None = None, commit: str = COMMIT) -> Path:
    """Where the client looks for the model's file; `blob`: what a link there leads to."""
    path = cache / "hub" / f"models--{REPOSITORY.replace('/', '--')}" / "snapshots" / commit / "model.safetensors"
    path.parent.mkdir(parents=True)
    if blob is not None:
        path.symlink_to(blob)
    return path


@pytest.mark.parametrize("access", [Access(), Access(offline=True)], ids=["online", "offline"])
@pytest.mark.parametrize("steps", ["one link", "two links", "a linked folder"])
def test_a_link_out_of_the_cache_is_refused_and_what_it_names_stays(on_hub, cache, thesis, steps, access):
    if steps == "one link":
        place_in_cache(cache, blob=thesis)
    elif steps == "two links":
        (cache / "hub").mkdir(parents=True)
        (cache / "hub" / "second").symlink_to(thesis)
        place_in_cache(cache, blob=cache / "hub" / "second")
    else:
        thesis.rename(thesis.parent / "model.safetensors")
        folder = place_in_cache(cache).parent
        folder.rmdir()
        folder.symlink_to(thesis.parent)
        thesis = thesis.parent / "model.safetensors"
    with pytest.raises(WeightsUnavailableError, match="is a link out of the Hub's cache"):
        find_weights("tiny", task="derain", access=access)
    assert thesis.read_text() == "three years of work"


def test_a_reference_to_a_folder_outside_is_refused_too(library, on_hub, cache, thesis):
    """`refs/main` of a shared cache names the commit, which the client makes a path of."""
    entry = library.data["models"]["tiny"]
    library.add("loose", **{**entry, "hub": {**entry["hub"], "revision": None}})
    outside = thesis.with_name("model.safetensors")
    thesis.rename(outside)
    repository = place_in_cache(cache).parents[2]
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(str(outside.parent))
    with pytest.raises(WeightsUnavailableError, match="is a link out of the Hub's cache|not on this machine"):
        find_weights("loose", task="derain", access=Access(offline=True))
    assert outside.read_text() == "three years of work"


def test_wrong_bytes_in_the_cache_are_set_aside_not_deleted(on_hub, cache, tiny_model):
    blob = cache / "hub" / f"models--{REPOSITORY.replace('/', '--')}" / "blobs" / "0123"
    blob.parent.mkdir(parents=True)
    blob.write_text("kept by hand")
    place_in_cache(cache, blob=blob)
    assert find_weights("tiny", task="derain").path.read_bytes() == tiny_model.read_bytes()
    assert (blob.parents[1] / hub.SET_ASIDE / "0123").read_text() == "kept by hand"


@pytest.mark.parametrize("lfs", [False, True])
@pytest.mark.parametrize("field", ["etag", "commit"])
@pytest.mark.parametrize("value", ["../../../../home/thesis.txt", "{thesis}", "short", "0" * 39 + "/"])
def test_no_path_is_made_of_what_a_server_says(on_hub, server, cache, thesis, monkeypatch, field, value, lfs):
    monkeypatch.setattr(server, field, value.format(thesis=thesis))
    server.lfs = lfs
    server.anything_goes = True
    with pytest.raises(WeightsUnavailableError, match=f"(?i)server's {field} is no"):
        find_weights("tiny", task="derain")
    assert thesis.read_text() == "three years of work" and not list(cache.rglob("*.safetensors"))
    assert not server.downloads()


def test_the_token_never_travels_to_another_host(on_hub, server, tiny_model, monkeypatch):
    """The Hub's answer leads to a second server, which asks for nothing and gets the file's bytes alone."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with running(HubServer()) as other:
        server.token, server.lfs, server.storage_url = "hf_secret", True, f"{other.url}/storage"
        other.stored = server.stored
        assert find_weights("tiny", task="derain").path.read_bytes() == tiny_model.read_bytes()
    assert other.downloads() == 1 and other.tokens == [None] * len(other.requests)
    assert set(server.tokens) == {"Bearer hf_secret"}


def test_the_token_stays_at_home_when_a_download_is_sent_on_only_later(on_hub, server, tiny_model, monkeypatch):
    """HEAD answers as if the file were there; only GET is redirected."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with running(HubServer()) as other:
        server.token, server.get_goes_to = "hf_secret", f"{other.url}/storage"
        other.stored = server.stored
        assert find_weights("tiny", task="derain").path.read_bytes() == tiny_model.read_bytes()
    assert other.downloads() == 1 and other.tokens == [None] * len(other.requests)


@pytest.mark.parametrize("name", hub.NUMBERS)
@pytest.mark.parametrize(("value", "code"), [("", 69), ("  ", 69), ("foo", 2), ("1.5", 2), ("-1", 2)])
def test_timeouts_of_the_hub_that_are_no_numbers(on_hub, command, name, value, code):
    result, _, err = finish(command("models", "pull", "tiny", "--offline", **{name: value}))
    assert result == code and len(err.splitlines()) == 1 and (code == 69 or name in err), err


@pytest.mark.parametrize(
    "value", ["garbage", "huggingface.co", "file:///etc", "http://", "https://[", "http://hub:port"]
)
def test_an_endpoint_that_is_no_address(on_hub, command, value):
    result, _, err = finish(command("models", "pull", "tiny", HF_ENDPOINT=value))
    assert result == 2 and len(err.splitlines()) == 1 and "HF_ENDPOINT" in err, err


@pytest.mark.parametrize("value", ["", " "])
def test_empty_variables_put_no_cache_into_the_current_folder(tmp_path, value):
    code = "from glmha_cli.weights.hub import client; c = client().constants; print(c.HF_HUB_CACHE, c.ENDPOINT)"
    empty = dict.fromkeys(["HF_HOME", "HF_HUB_CACHE", "HF_ASSETS_CACHE", "XDG_CACHE_HOME", "HF_ENDPOINT"], value)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **empty}
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert found.split() == [str(tmp_path / ".cache" / "huggingface" / "hub"), "https://huggingface.co"]


def test_an_empty_timeout_counts_as_unset(monkeypatch):
    monkeypatch.setenv(hub.NUMBERS[0], "")
    hub.client()
    assert hub.NUMBERS[0] not in os.environ
    monkeypatch.setenv(hub.NUMBERS[0], "ten")
    with pytest.raises(UsageError, match="'ten'"):
        hub.client()


def test_what_names_the_newest_commit_may_be_any_bytes(cache):
    refs = Path(constants.HF_HUB_CACHE) / "models--someone--something" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_bytes(b"\xff\xfe")
    assert hub.cached(Hub(repo_id="someone/something", revision=None), "model.safetensors") is None


def test_who_asks_a_mirror_is_not_told(cache, monkeypatch):
    mirror = "http://anna:secret@127.0.0.1:9"
    monkeypatch.setattr(constants, "ENDPOINT", mirror)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", mirror + "/{repo_id}/{revision}/{filename}")
    with pytest.raises(WeightsUnavailableError, match=r"from http://127\.0\.0\.1:9 ") as error:
        hub.download(Hub(repo_id="someone/something", revision=None), "model.safetensors", progress=False)
    assert "secret" not in str(error.value)


def test_no_folder_of_the_name_of_a_home_is_made(cache, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for name in ("HF_HUB_CACHE", "HF_ASSETS_CACHE"):
        monkeypatch.setattr(constants, name, f"~/.cache/huggingface/{name}")  # as it is where nobody knows the home
    source = Hub(repo_id="someone/something", revision=None)
    for write in (
        lambda: hub.own_folder("licences"),
        lambda: hub.download(source, "model.safetensors", progress=False),
    ):
        with pytest.raises(WeightsUnavailableError, match="no home"):
            write()
    assert sorted(tmp_path.iterdir()) == before


def test_a_user_without_a_home_can_name_the_cache_alone(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HOME", "~/.cache/huggingface")
    with pytest.raises(WeightsUnavailableError, match="answers|cannot be fetched"):  # it was asked
        hub.download(Hub(repo_id="someone/something", revision=None), "model.safetensors", progress=False)
