"""Batches over a real S3 server (moto's) on loopback, with what goes wrong there: each fault costs its own file."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.io.remote import store as remote_store
from tests.batch import s3_server
from tests.cli.in_process import run_here

pytest.importorskip("s3fs", reason="s3:// needs the extra `remote`")
moto_server = pytest.importorskip("moto.server", reason="the S3 server of these tests is moto's")
boto3 = pytest.importorskip("boto3", reason="comes with moto")

NAMES = ["a.png", "b.png", "c.png"]
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "very-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def server():
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


def empty(client) -> None:
    for each in client.list_objects_v2(Bucket="photos").get("Contents", []):
        client.delete_object(Bucket="photos", Key=each["Key"])


@pytest.fixture
def proxy(server, tmp_path, monkeypatch):
    """A bucket with three photos below in/, which are in in/ here, too, behind a proxy."""
    import s3fs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(remote_store, "PAUSES_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with s3_server.serving(server) as proxy:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": proxy.url}.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        client = boto3.client("s3", endpoint_url=f"http://{server[0]}:{server[1]}")
        client.create_bucket(Bucket="photos")
        empty(client)  # what other tests of this process have put there: moto's servers share what they hold
        for index, name in enumerate(NAMES):
            path = Path("in", name)
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.random.default_rng(index).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
            client.upload_file(str(path), "photos", f"in/{name}")
        proxy.client = client
        yield proxy
        empty(client)


@pytest.fixture
def derain(tiny_model):
    return lambda *arguments: run_here("derain", *arguments, "--model", tiny_model)


def outputs(proxy) -> dict[str, bytes]:
    found = proxy.client.list_objects_v2(Bucket="photos", Prefix="out/").get("Contents", [])
    return {
        each["Key"].removeprefix("out/"): proxy.client.get_object(Bucket="photos", Key=each["Key"])["Body"].read()
        for each in found
    }


def replace(proxy, name: str) -> None:
    proxy.client.put_object(Bucket="photos", Key=f"in/{name}", Body=Path("in/c.png").read_bytes() + b"more")


FAULTS = {
    "500": lambda proxy: {("GET", "in/b.png"): s3_server.error(500, "InternalError")},
    "503": lambda proxy: {("GET", "in/b.png"): s3_server.error(503, "SlowDown")},
    "cut": lambda proxy: {("GET", "in/b.png"): s3_server.cut()},
    "wrong etag": lambda proxy: {
        ("HEAD", "in/b.png"): s3_server.changed_headers("ETag", (f'"{n}"' for n in itertools.count()))
    },
    "no permission": lambda proxy: {
        ("GET", "in/b.png"): s3_server.error(403, "AccessDenied"),
        ("HEAD", "in/b.png"): s3_server.error(403, "AccessDenied"),
    },
    "gone": lambda proxy: {
        ("HEAD", "in/b.png"): s3_server.first(lambda: proxy.client.delete_object(Bucket="photos", Key="in/b.png"))
    },
    "written over": lambda proxy: {
        ("GET", "in/b.png"): lambda handler: (
            replace(proxy, "b.png")
            or proxy.client.put_object(Bucket="photos", Key="in/b.png", Body=str(len(proxy.seen)).encode()) is None
        )
    },
    "no space": lambda proxy: {("PUT", "out/b.png"): s3_server.error(507, "InsufficientStorage")},
    "may not be written": lambda proxy: {("PUT", "out/b.png"): s3_server.error(403, "AccessDenied")},
    "cut while it is written": lambda proxy: {("PUT", "out/b.png"): s3_server.cut()},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_its_own_file(proxy, derain, fault):
    proxy.faults = FAULTS[fault](proxy)
    result = derain("s3://photos/in", "s3://photos/out", "--record", "run.jsonl")
    assert result.returncode == 1, result.stderr
    assert "2 done, 0 skipped, 1 failed" in result.stderr and "'s3://photos/" in result.stderr.splitlines()[-1]
    assert list(outputs(proxy)) == ["a.png", "c.png"]
    said = result.stderr + Path("run.jsonl").read_text()
    assert "very-secret" not in said and KEYS["AWS_ACCESS_KEY_ID"] not in said
    failed = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines() if '"failed"' in line]
    assert [line["input"] for line in failed] == ["s3://photos/in/b.png"]
    proxy.faults = {}
    if fault not in ("gone", "written over"):
        again = derain("s3://photos/in", "s3://photos/out", "--record", "run.jsonl", "--resume")
        assert again.returncode == 0 and "1 done, 2 skipped" in again.stderr
        assert derain("in", "out").returncode == 0
        assert outputs(proxy) == {name: Path("out", name).read_bytes() for name in NAMES}


@pytest.mark.parametrize(
    "faults",
    [
        {("GET", "in/b.png"): s3_server.error(503, "SlowDown", times=2)},
        {("GET", "in/b.png"): s3_server.cut(times=1)},
        {("PUT", "out/b.png"): s3_server.error(500, "InternalError", times=2)},
        {("GET", "in/b.png"): s3_server.slow(1), ("PUT", "out/a.png"): s3_server.slow(1)},
        {("GET", "/photos"): s3_server.error(503, "SlowDown", times=1)},
    ],
    ids=["503 twice", "cut once", "500 twice while it is written", "slow", "the listing is refused once"],
)
def test_what_passes_is_waited_for(proxy, derain, faults):
    proxy.faults = faults
    result = derain("s3://photos/in", "s3://photos/out")
    assert result.returncode == 0, result.stderr
    assert list(outputs(proxy)) == NAMES


def test_an_answer_that_gets_lost_does_not_make_an_output_someone_elses(proxy, derain):
    def lost(handler) -> bool:
        proxy.client.put_object(Bucket="photos", Key="out/b.png", Body=handler.sent)
        proxy.faults = {}
        handler.close_connection = True
        return True

    proxy.faults = {("PUT", "out/b.png"): lost}
    result = derain("s3://photos/in", "s3://photos/out")
    assert result.returncode == 0, result.stderr


def test_an_output_that_comes_meanwhile_is_not_replaced(proxy, derain):
    proxy.faults = {
        ("PUT", "out/b.png"): s3_server.first(
            lambda: proxy.client.put_object(Bucket="photos", Key="out/b.png", Body=b"someone else's")
        )
    }
    result = derain("s3://photos/in", "s3://photos/out")
    assert result.returncode == 1 and "'s3://photos/out/b.png' exists already" in result.stderr
    assert outputs(proxy)["b.png"] == b"someone else's"


def test_work_begins_before_the_listing_ends(proxy, derain, monkeypatch):
    def two_names(handler) -> bool:
        handler.path += "&max-keys=2"
        return False

    proxy.faults = {("GET", "/photos"): two_names}
    monkeypatch.setattr("glmha_cli.io.remote.listing.PAGE", 2)
    monkeypatch.setattr("glmha_cli.io.remote.stage.FILES_AHEAD", 2)
    for index in range(9):
        proxy.client.upload_file("in/c.png", "photos", f"in/z{index}.png")
    assert derain("s3://photos/in", "s3://photos/out", "-r").returncode == 0
    pages = [index for index, (method, path) in enumerate(proxy.seen) if "prefix=in" in path]
    reads = [index for index, (method, path) in enumerate(proxy.seen) if path.startswith("/photos/in/")]
    assert len(pages) >= 6 and len(outputs(proxy)) == 12 and min(reads) < max(pages)
