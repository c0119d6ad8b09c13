"""Batches over URLs: in memory here, in a real S3 server in test_s3.py."""

import io
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import NoInputError
from glmha_cli.io.remote.listing import listed
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.remote.url import Url, is_url
from tests.cli.in_process import run_here
from tests.conftest import ROOT
from tests.served import served

fsspec = pytest.importorskip("fsspec", reason="URLs need the extra `remote`")


STREAMED = """
import sys, fsspec
from glmha_cli.cli.app import build_app
store = fsspec.filesystem("memory")
photo = open("in/a.png", "rb").read()
store.pipe_file("/bucket/in.png", photo)
try:
    build_app()(["derain", *sys.argv[1:]])
finally:
    if store.exists("/bucket/out.png"):
        sys.stdout.buffer.write(store.cat_file("/bucket/out.png"))
"""
"""A command with a store in its memory, of which it shows what was put there."""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Three photos in memory://bucket/in, of which one is in a folder below, and the same in in/."""
    monkeypatch.chdir(tmp_path)
    system = fsspec.filesystem("memory")
    system.store.clear()
    for index, name in enumerate(["a.png", "b.png", "sub/c.png"]):
        path = Path("in", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(index).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
        system.pipe_file(f"/bucket/in/{name}", path.read_bytes())
    yield system
    system.store.clear()


@pytest.fixture
def derain(tiny_model):
    return lambda *arguments: run_here("derain", *arguments, "--model", tiny_model)


def lines(status=None):
    read = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    return [line for line in read if status in (None, line["status"])]


def test_a_stream_goes_into_a_store_and_a_photo_out_of_it(store, tiny_model):
    glmha = [sys.executable, "-c", STREAMED, "--model", str(tiny_model), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for source, target in (("-", "memory://bucket/out.png"), ("memory://bucket/in.png", "-")):
        photo = Path("in/a.png").read_bytes()
        result = subprocess.run([*glmha, source, target], input=photo, env=environment, capture_output=True)
        assert result.returncode == 0, result.stderr
        assert Image.open(io.BytesIO(result.stdout)).size == (30, 20)


def test_secrets_in_an_address_are_for_the_library_alone():
    url = Url.parse("https://anna:secret@example.org/in/a.png?signature=secret")
    assert str(url) == "https://example.org/in/a.png" and "secret" not in repr(url)
    assert url.address == "https://anna:secret@example.org/in/a.png?signature=secret"
    assert str(Url.parse("s3://bucket/what?.png")) == "s3://bucket/what?.png"
    assert is_url("S3://b") and not is_url("C:/photos") and not is_url("a/b.png")


def test_folders_of_urls_are_done_as_those_of_disks_are(store, derain):
    assert derain("in", "out", "-r").returncode == 0
    result = derain("memory://bucket/in", "memory://bucket/out", "-r", "--record", "run.jsonl", "--json")
    assert result.returncode == 0, result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["output"] for line in told} == {
        f"memory://bucket/out/{name}" for name in ("a.png", "b.png", "sub/c.png")
    }
    for line in lines("ok"):
        relative = line["output"].removeprefix("memory://bucket/out/")
        assert store.cat_file(f"/bucket/out/{relative}") == Path("out", relative).read_bytes()
        assert line["input"] == f"memory://bucket/in/{relative}" and line["input_etag"] and line["output_bytes"]
    assert "glmha-" not in Path("run.jsonl").read_text() + result.stderr + result.stdout


def test_a_run_over_urls_is_resumed_by_what_the_store_tells(store, derain):
    arguments = ("memory://bucket/in", "memory://bucket/out", "-r", "--record", "run.jsonl", "--resume")
    assert "3 done" in derain(*arguments).stderr
    assert "0 done, 3 skipped" in derain(*arguments).stderr
    store.pipe_file("/bucket/in/a.png", Path("in/b.png").read_bytes())
    assert "1 done, 2 skipped" in derain(*arguments).stderr
    store.pipe_file("/bucket/out/b.png", b"somebody else's")
    result = derain(*arguments)
    assert result.returncode == 1 and "2 skipped, 1 failed" in result.stderr
    assert "'memory://bucket/out/b.png' exists already" in result.stderr
    assert store.cat_file("/bucket/out/b.png") == b"somebody else's"


def test_one_file_a_list_a_pattern_and_mixtures_with_disks(store, derain):
    assert derain("memory://bucket/in/a.png", "a.png").returncode == 0 and Path("a.png").is_file()
    assert derain("in/a.png", "memory://bucket/single/a.png").returncode == 0
    assert store.cat_file("/bucket/single/a.png") == Path("a.png").read_bytes()
    store.pipe_file("/bucket/list", b"memory://bucket/in/a.png\nmemory://bucket/in/gone.png\nin/b.png\n")
    result = derain("--files-from", "memory://bucket/list", "listed")
    assert result.returncode == 1 and "'memory://bucket/in/gone.png' is not there" in result.stderr
    assert sorted(path.name for path in Path("listed").iterdir()) == ["a.png", "b.png"]
    assert derain("memory://bucket/in/**/*.png", "matched").returncode == 0
    assert sorted(path.name for path in Path("matched").rglob("*.png")) == ["a.png", "b.png", "c.png"]


def test_hidden_files_are_found_by_patterns_that_ask_for_them_as_on_disks(store, derain):
    content = Path("in/a.png").read_bytes()
    store.pipe_file("/bucket/in/.kept.png", content)
    Path("in/.kept.png").write_bytes(content)
    for place in ("in", "memory://bucket/in"):
        out = Path("out", place.partition(":")[0])
        out.mkdir(parents=True)
        assert derain(f"{place}/.k*.png", str(out / "asked")).returncode == 0
        assert derain(f"{place}/*.png", str(out / "others")).returncode == 0
        assert [path.name for path in (out / "asked").iterdir()] == [".kept.png"]
        assert sorted(path.name for path in (out / "others").iterdir()) == ["a.png", "b.png"]


def test_masks_of_areas_may_be_urls_and_records_may_not(store, derain):
    Image.new("L", (30, 20), 0).save("none.png")
    store.pipe_file("/bucket/none.png", Path("none.png").read_bytes())
    assert derain("in/a.png", "a.png", "--only", "memory://bucket/none.png").returncode == 0
    np.testing.assert_array_equal(np.asarray(Image.open("a.png")), np.asarray(Image.open("in/a.png")))
    result = derain("in", "out", "--record", "s3://bucket/run.jsonl")
    assert result.returncode == 2 and "keep it on a disk" in result.stderr


def test_what_is_there_is_not_replaced(store, derain):
    store.pipe_file("/bucket/out/a.png", b"mine")
    result = derain("memory://bucket/in", "memory://bucket/out")
    assert result.returncode == 1 and "'memory://bucket/out/a.png' exists already" in result.stderr
    assert store.cat_file("/bucket/out/a.png") == b"mine" and store.exists("/bucket/out/b.png")
    assert derain("memory://bucket/in", "memory://bucket/out", "--overwrite").returncode == 0
    assert store.cat_file("/bucket/out/a.png") != b"mine"


def test_names_that_collide_or_lead_out_cost_their_own_file(store, derain):
    store.pipe_file("/bucket/in/A.png", Path("in/a.png").read_bytes())
    result = derain("memory://bucket/in", "out", "-r")
    assert result.returncode == 1 and "3 done, 0 skipped, 1 failed" in result.stderr
    assert "would both become" in result.stderr


@pytest.mark.parametrize("name", ["a//b.png", "../b.png", "a/./b.png", "a/../../b.png", "a\0.png", "/b.png"])
def test_no_name_of_an_object_leads_out_of_its_folder(tmp_path, name):
    stage = Stage(tmp_path)
    with pytest.raises(NoInputError, match="has a name that no file can have"):
        stage.below(stage.place("s3://bucket/in"), name, "s3://bucket/in/…")
    stage.close()


@pytest.mark.parametrize(("recursive", "names"), [(False, ["x.png"]), (True, ["x.png", "sub/y.png"])])
def test_links_of_web_folders_may_begin_with_a_dot(tmp_path, recursive, names):
    """As Caddy writes them; one to the folder itself has no end."""
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    (tmp_path / "sub").mkdir()
    links = '<a href="..">up</a><a href="./">here</a><a href="./{}">{}</a>'
    (tmp_path / "index.html").write_text(links.format("x.png", "x") + '<a href="./sub/">sub</a>')
    (tmp_path / "sub/index.html").write_text(links.format("y.png", "y"))
    with served(tmp_path) as address:
        found = list(islice(listed(Url.parse(address), recursive=recursive), 10))
    assert found == names


@pytest.mark.parametrize("folder", ["grün/", "gr%C3%BCn/"])
def test_links_of_web_folders_may_be_whole_and_encoded(tmp_path, folder):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    (tmp_path / "grün/ö").mkdir(parents=True)
    with served(tmp_path) as address:
        links = '<a href="{}{}">a link</a>'
        (tmp_path / "grün/index.html").write_text(links.format(address, "gr%C3%BCn/%C3%B6/"))
        (tmp_path / "grün/ö/index.html").write_text(links.format(address, "gr%C3%BCn/%C3%B6/%C3%BC.png"))
        assert list(islice(listed(Url.parse(address + folder), recursive=True), 10)) == ["ö/ü.png"]


@pytest.mark.parametrize("folder", ["grün es/", "gr%C3%BCn%20es/"])
def test_files_of_web_servers_have_the_names_that_people_gave_them(tmp_path, monkeypatch, derain, folder):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    names = ["ü.png", "a b.png", "50%.png", "a+b.png", "雨.png"]
    monkeypatch.chdir(tmp_path)
    Path("in/grün es").mkdir(parents=True)
    for name in names:
        Image.new("RGB", (30, 20)).save(Path("in/grün es", name))
    with served("in") as address:
        result = derain(address + folder, "out")
        assert result.returncode == 0 and sorted(os.listdir("out")) == sorted(names), result.stderr
        alone = derain(f"{address}{folder}%C3%BC.png", "out", "--overwrite")
        assert alone.returncode == 0 and sorted(os.listdir("out")) == sorted(names), alone.stderr


@pytest.mark.parametrize("name", ["a%2Fb.png", "a%23.png", "%3F.png", "100%2541.png", "%00.png", "%5C.png", "%FC.png"])
def test_escapes_that_would_mean_something_else_are_kept(name):
    url = Url.parse(f"https://example.org/{name}")
    assert (url.place, url.address) == (f"example.org/{name}", f"https://example.org/{name}")
    assert Url.parse(f"s3://bucket/{name}%20").place == f"bucket/{name}%20"


def test_no_escape_leads_out_of_a_folder(tmp_path):
    stage = Stage(tmp_path)
    for name in ("%2e%2e/b.png", "a/%2E./b.png"):
        with pytest.raises(NoInputError, match="has a name that no file can have"):
            stage.place(f"https://example.org/{name}")
    stage.close()


def test_what_cannot_be_is_said_plainly(store, derain):
    assert "ftp:// is not supported" in derain("ftp://host/in", "out").stderr.replace("'", "")
    assert derain("memory://bucket/nothing", "out").returncode == 66
    alone = derain("memory://bucket/nothing", "out.png").stderr
    assert "'memory://bucket/nothing' is taken for a folder" in alone and "several inputs" not in alone
    result = derain("in", "https://127.0.0.1:9/out")
    assert result.returncode == 1 and "https:// can only be read" in result.stderr
