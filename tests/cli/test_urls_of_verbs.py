"""Verbs beside batches over URLs: cubes, records and weights in a store, photos by http."""

import json
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
from PIL import Image

from glmha_cli.io.cubes.cube import read_cube, write_cube
from glmha_cli.io.cubes.model import Cube
from glmha_cli.io.remote import store as remote_store
from glmha_cli.io.remote.stage import Stage
from glmha_cli.weights.manifest import PACKAGE, load_manifest
from tests.cli.in_process import run_here
from tests.conftest import ROOT
from tests.served import served

fsspec = pytest.importorskip("fsspec", reason="URLs need the extra `remote`")

NM = tuple(float(nm) for nm in range(400, 710, 10))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def put(store, path: Path) -> None:
    store.pipe_file(f"/bucket/{path.name}", path.read_bytes())


def get(store, *names: str) -> None:
    for name in names:
        Path(name).write_bytes(store.cat_file(f"/bucket/{name}"))


@pytest.fixture
def cube(store) -> np.ndarray:
    """cube.hdr and cube.img, in the store alone."""
    values = np.random.default_rng(0).random((6, 5, 31), np.float32)
    write_cube(Path("cube.hdr"), Cube(values=values, wavelength_nm=NM))
    for name in ("cube.hdr", "cube.img"):
        put(store, Path(name))
        Path(name).unlink()
    return values


def test_cubes_are_converted_from_and_to_a_store(store, cube):
    assert run_here("convert", "memory://bucket/cube.hdr", "memory://bucket/cube.tif").returncode == 0
    get(store, "cube.tif")
    np.testing.assert_array_equal(read_cube(Path("cube.tif")).values, cube)
    again = run_here("convert", "memory://bucket/cube.img", "memory://bucket/other.hdr", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["output"] == "memory://bucket/other.hdr"
    get(store, "other.hdr", "other.img")
    np.testing.assert_array_equal(read_cube(Path("other.hdr")).values, cube)


def test_what_is_in_a_store_is_not_replaced_and_nothing_half_done_is_sent(store, cube):
    store.pipe_file("/bucket/cube.tif", b"mine")
    result = run_here("convert", "memory://bucket/cube.hdr", "memory://bucket/cube.tif")
    assert result.returncode == 73 and "'memory://bucket/cube.tif' exists already" in result.stderr
    assert store.cat_file("/bucket/cube.tif") == b"mine"
    assert run_here("convert", "memory://bucket/cube.hdr", "memory://bucket/cube.tif", "--overwrite").returncode == 0
    assert store.cat_file("/bucket/cube.tif") != b"mine"
    store.pipe_file("/bucket/bad.hdr", b"ENVI\nsamples = 2\n")
    result = run_here("convert", "memory://bucket/bad.hdr", "memory://bucket/bad.tif")
    assert result.returncode and "'memory://bucket/bad.hdr'" in result.stderr and "glmha-" not in result.stderr
    assert not store.exists("/bucket/bad.tif")
    result = run_here("convert", "memory://bucket/cube.zarr", "cube.tif")
    assert result.returncode == 2 and "'memory://bucket/cube.zarr' is a folder" in result.stderr


def test_cubes_in_a_store_are_looked_at(store, cube):
    assert run_here("preview", "memory://bucket/cube.hdr", "memory://bucket/preview.png").returncode == 0
    get(store, "preview.png")
    assert Image.open("preview.png").size == (5, 6)
    result = run_here("spectrum", "memory://bucket/cube.hdr", "--at", "2,3", "--json")
    np.testing.assert_allclose(json.loads(result.stdout)["values"], cube[3, 2], rtol=1e-6)
    assert run_here("view", "memory://bucket/cube.hdr", "-o", "page.html").returncode == 0


def test_photos_become_cubes_and_measurements_too(store):
    Image.open(ROOT / "examples/rgb2hsi/photo.png").crop((0, 0, 64, 64)).save("photo.png")
    put(store, Path("photo.png"))
    assert run_here("rgb2hsi", "memory://bucket/photo.png", "memory://bucket/photo.hdr").returncode == 0
    assert run_here("rgb2hsi", "photo.png", "here.hdr").returncode == 0
    get(store, "photo.hdr", "photo.img")
    np.testing.assert_array_equal(read_cube(Path("photo.hdr")).values, read_cube(Path("here.hdr")).values)
    put(store, ROOT / "examples/sci/measurement.mat")
    put(store, ROOT / "examples/sci/mask.mat")
    of_store = ("memory://bucket/measurement.mat", "memory://bucket/scene.tif", "--mask", "memory://bucket/mask.mat")
    result = run_here("sci", *of_store)
    assert result.returncode == 0, result.stderr
    get(store, "scene.tif")
    assert read_cube(Path("scene.tif")).values.shape[2] == 28


def lines(*entries: tuple[str, str, dict]) -> bytes:
    told = (
        {"time": f"2026-01-01T00:00:0{index}.000+00:00", "input": "in", "output": output, "status": status, **more}
        for index, (output, status, more) in enumerate(entries)
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in told)


def test_records_in_a_store_are_summed_up_and_merged_by_what_it_has(store):
    store.pipe_file("/bucket/out/a.png", b"the second one's")
    facts = remote_store.facts_of(remote_store.Url.parse("memory://bucket/out/a.png"))
    right = {"sha256": "2" * 64, "output_bytes": facts["bytes"], "output_etag": facts["etag"]}
    wrong = {"sha256": "1" * 64, "output_bytes": 3, "output_etag": "other"}
    store.pipe_file("/bucket/1.jsonl", lines(("memory://bucket/out/a.png", "ok", wrong), ("b.png", "failed", {})))
    store.pipe_file("/bucket/2.jsonl", lines(("memory://bucket/out/a.png", "ok", right)))
    records = ("memory://bucket/1.jsonl", "memory://bucket/2.jsonl")
    assert json.loads(run_here("record", "summary", *records, "--json").stdout)["failed"] == 1
    assert run_here("record", "failed", *records).stdout == "in\n"
    result = run_here("record", "merge", *records, "memory://bucket/all.jsonl")
    assert result.returncode == 0 and "memory://bucket/all.jsonl: 2 lines of 2 records" in result.stderr
    merged = [json.loads(line) for line in store.cat_file("/bucket/all.jsonl").splitlines()]
    assert [line.get("sha256") for line in merged] == ["2" * 64, None]
    missing = run_here("record", "summary", "memory://bucket/none.jsonl")
    assert missing.returncode == 66 and "'memory://bucket/none.jsonl' is not there" in missing.stderr


def test_weights_in_a_store_are_verified_and_fetched_once(store, tmp_path, monkeypatch, photo):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "home"))
    file = load_manifest().model("derain-lite").files["onnx"]
    store.pipe_file(f"/weights/{file.name}", (PACKAGE / "bundled" / file.name).read_bytes())
    arguments = (photo, "out.png", "--engine", "onnx", "--weights-dir", "memory://weights")
    assert run_here("derain", *arguments).returncode == 0
    (kept,) = (tmp_path / "home" / "glmha").rglob(file.name)
    assert kept.parent.name == file.sha256
    store.rm(f"/weights/{file.name}")
    verified = run_here("models", "verify", "derain-lite", "--weights-dir", "memory://weights", "--json").stdout
    assert str(kept) in {json.loads(line)["path"] for line in verified.splitlines()}
    kept.unlink()
    store.pipe_file(f"/weights/{file.name}", b"others")
    result = run_here("derain", *arguments, "--overwrite")
    assert result.returncode == 69 and f"'memory://weights/{file.name}' is not the published file" in result.stderr
    assert run_here("derain", *arguments, "--overwrite", "--offline").returncode == 0  # by the bundled file
    result = run_here("derain", photo, "new.png", "--model", "memory://weights/mine.safetensors")
    assert result.returncode == 2 and "'memory://weights/mine.safetensors'" in result.stderr


def test_photos_by_http(tmp_path, monkeypatch, photo, tiny_model):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    monkeypatch.chdir(tmp_path)
    with served(tmp_path) as address:
        result = run_here("derain", f"{address}photo.png?token=secret", "out.png", "--model", tiny_model)
        missing = run_here("derain", f"{address}gone.png", "gone.png", "--model", tiny_model)
    assert result.returncode == 0, result.stderr
    assert f"{address}photo.png -> out.png" in result.stderr and "secret" not in result.stderr
    assert missing.returncode == 66 and f"'{address}gone.png' is not there" in missing.stderr
    assert run_here("derain", photo, "here.png", "--model", tiny_model).returncode == 0
    assert Path("out.png").read_bytes() == Path("here.png").read_bytes()


class Refusing(SimpleHTTPRequestHandler):
    """Answers by the path: /503 with that code; /moved sends on to an address with a signature."""

    def do_GET(self):
        name = self.path.partition("?")[0].strip("/").partition(".")[0]
        self.send_response(302 if name == "moved" else int(name))
        self.send_header("Location", "/503.png?X-Amz-Signature=secret&X-Amz-Credential=secret%2F2026")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name is the server's

    def log_message(self, *arguments):
        """Nothing."""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("404.png", "is not there"),
        ("403.png?sig=secret%2F1", "access denied"),
        ("401.png", "access denied"),
        ("503.png?sig=secret%2F1", "tried 4 times: ClientResponseError: 503"),
        ("moved.png", "tried 4 times: ClientResponseError: 503"),
    ],
)
def test_what_a_web_server_answers_is_told_without_secrets(tmp_path, monkeypatch, tiny_model, path, said):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(remote_store, "PAUSES_SECONDS", (0, 0, 0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://anna:secret@127.0.0.1:{server.server_address[1]}/{path}"
        Path("list").write_text(address)
        arguments = ("--files-from", "list", "out", "--record", "run.jsonl", "--model", tiny_model)
        result = run_here("derain", *arguments)
        server.shutdown()
    record = Path("run.jsonl").read_text()
    assert result.returncode == 1 and said in result.stderr and said in record
    assert "secret" not in result.stderr + record


@pytest.mark.parametrize(("answer", "code"), [(404, 0), (403, 0), (401, 66), (500, 66)])
def test_a_web_folder_without_the_weights_leads_on_to_the_bundled_ones(tmp_path, monkeypatch, photo, answer, code):
    """S3 answers 403 for what is not there, where strangers may not list."""
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(remote_store, "PAUSES_SECONDS", (0, 0, 0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder = f"http://127.0.0.1:{server.server_address[1]}/{answer}.d"
        result = run_here("derain", photo, tmp_path / "out.png", "--weights-dir", folder)
        server.shutdown()
    assert result.returncode == code, result.stderr


def test_inputs_by_http_come_through_a_proxy(tmp_path, monkeypatch, photo, tiny_model):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    monkeypatch.chdir(tmp_path)

    class Proxy(SimpleHTTPRequestHandler):
        def translate_path(self, path):
            return str(photo)

        def log_message(self, *arguments):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        result = run_here("derain", "http://photos.invalid/a.png", "out.png", "--model", tiny_model)
        server.shutdown()
    assert result.returncode == 0 and Path("out.png").is_file(), result.stderr


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "proxy.invalid:3128"])
def test_a_proxy_that_cannot_be_used_is_told_and_not_a_missing_photo(tmp_path, monkeypatch, proxy):
    pytest.importorskip("aiohttp", reason="http:// needs the extra `remote`")
    monkeypatch.setattr(remote_store, "PAUSES_SECONDS", ())
    monkeypatch.setenv("HTTP_PROXY", proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    result = run_here("derain", "http://photos.invalid/a.png", tmp_path / "out.png")
    assert result.returncode == 66 and "cannot be fetched" in result.stderr and "is not there" not in result.stderr


@pytest.mark.parametrize(
    ("scheme", "package", "command"),
    [
        ("s3", "s3fs", "[remote]"),
        ("https", "aiohttp", "[remote]"),
        ("gs", "gcsfs", "pip install gcsfs"),
        ("sftp", "paramiko", "pip install paramiko"),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(tmp_path, scheme, package, command):
    program = f"import sys; sys.modules['{package}'] = None; from glmha_cli.cli.app import main; main()"
    arguments = ["derain", f"{scheme}://host/in/a.png", "out.png"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 2 and f"{scheme}:// needs the package {package}" in result.stderr
    assert command in result.stderr


@pytest.mark.parametrize(
    ("header", "data", "named"),
    [
        ("cube.hdr", "cube.dat", "cube.dat"),
        ("cube.dat.hdr", "cube.dat", "cube.dat"),
        ("cube.dat.hdr", "cube.dat", "cube.dat.hdr"),
        ("p-METADATA.XML", "p-SPECTRAL_IMAGE.tif", "p-SPECTRAL_IMAGE.tif"),
    ],
)
def test_what_belongs_to_a_cube_comes_with_it_under_any_name(tmp_path, store, header, data, named):
    store.pipe_file(f"/bucket/{header}", b"header")
    store.pipe_file(f"/bucket/{data}", b"data")
    store.pipe_file("/bucket/cubes.dat", b"another")
    stage = Stage(tmp_path / "stage")
    stage.fetch(stage.place(f"memory://bucket/{named}"))
    there = {path.name for path in (tmp_path / "stage").rglob("*") if path.is_file()}
    assert there == {header, data}
    stage.close()
