"""A batch on a real Ray cluster of two workers on this machine; each test's run is a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch.records import totals
from tests.cli.in_process import run_here

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="--cluster ray needs the extra `ray`")
psutil = pytest.importorskip("psutil", reason="the processes of Ray are found by psutil")

ACTORS = ("--cluster", "ray", "--actors", "2", "--cpus-per-actor", "0.5")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Its address; it has room for four such actors, so that lost ones need not wait. Nothing of it is left after."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    options = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80 << 20}
    try:
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=options)
    except Exception:  # Ray gives its own processes 30 s to start, which a busy machine may miss
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=options)
    processes = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
    try:
        yield cluster.address
    finally:
        processes += [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
        cluster.shutdown()
        _, alive = psutil.wait_procs(processes, timeout=20)
        for each in alive:
            each.kill()
        assert not alive


@pytest.fixture
def here(tmp_path, monkeypatch, cluster) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    return tmp_path


def make_photos(count: int) -> None:
    for index in range(count):
        path = Path(f"in/{index % 4}/{index:03d}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(index).integers(0, 256, (16, 24, 3), np.uint8)).save(path)


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "glmha_cli", "derain", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def lines(record: str) -> list[dict[str, object]]:
    path = Path(record)
    texts = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(text) for text in texts if text.endswith(b"}")]


def count(record: str) -> int:
    return sum(line["status"] == "ok" for line in lines(record))


def wait_until_done(process: subprocess.Popen[str], number: int) -> None:
    end = time.monotonic() + 120
    while count("run.jsonl") < number:
        assert process.poll() is None and time.monotonic() < end, process.stderr.read()
        time.sleep(0.02)


def members() -> list[psutil.Process]:
    """Processes of this test's cluster in which a network is loaded."""
    children = psutil.Process().children(recursive=True)
    return [each for each in children if each.name().startswith("ray::Member") or "ray::Member" in each.cmdline()[:1]]


def outputs(folder: str) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.suffix and path.is_file()
    }


def test_a_worker_and_then_the_driver_are_killed_and_every_output_is_there_once(here, tiny_model):
    make_photos(200)
    arguments = ("in", "out", "-r", "--model", tiny_model, "--record", "run.jsonl", "--resume")
    first = started(*arguments, *ACTORS)
    wait_until_done(first, 30)
    os.kill(members()[0].pid, signal.SIGKILL)
    wait_until_done(first, 110)
    first.kill()
    assert "a worker was lost" in first.stderr.read()
    done_before = count("run.jsonl")
    second = started(*arguments, *ACTORS)
    assert second.wait(timeout=180) == 0, second.stderr.read()
    said = second.stderr.read()
    assert f"{200 - done_before} done, {done_before} skipped, 0 failed" in said

    assert run_here("derain", "in", "here", "-r", "--model", tiny_model).returncode == 0
    there = {name: content for name, content in outputs("out").items() if not name.name.startswith(".glmha-")}
    assert there == outputs("here") and len(there) == 200
    done = Counter(line["output"] for line in lines("run.jsonl") if line["status"] == "ok")
    assert done == Counter(str(here / "out" / name) for name in there)
    assert totals([Path("run.jsonl")]).plain()["ok"] == 200
    again = run_here("derain", *arguments, "--dry-run")
    assert "0 to do, 200 skipped, 0 refused" in again.stderr


def test_a_run_that_is_interrupted_goes_on_here_and_ends_there(here, tiny_model):
    make_photos(60)
    arguments = ("in", "out", "-r", "--model", tiny_model, "--record", "run.jsonl", "--resume")
    interrupted = started(*arguments, *ACTORS)
    wait_until_done(interrupted, 10)
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(timeout=60) == 130
    assert "Traceback" not in interrupted.stderr.read()
    assert not list(Path("out").rglob(".glmha-*")) and not members()
    assert outputs("out").keys() == {Path(str(line["output"])).relative_to(here / "out") for line in lines("run.jsonl")}

    part = run_here("derain", *arguments, "--shard", "1/2")
    assert part.returncode == 0, part.stderr
    done = count("run.jsonl")
    assert done < 60
    Path("in/bad.png").write_bytes(Path("in/0/000.png").read_bytes()[:100])
    rest = started(*arguments, *ACTORS)
    assert rest.wait(timeout=120) == 1
    assert f"{60 - done} done, {done} skipped, 1 failed" in rest.stderr.read()
    assert len(outputs("out")) == 60 == count("run.jsonl")
    (reason,) = [line["reason"] for line in lines("run.jsonl") if "reason" in line]
    assert reason in run_here("derain", "in/bad.png", "bad.png", "--model", tiny_model).stderr


def test_actors_read_from_a_store_and_write_to_it(tmp_path, monkeypatch, tiny_model):
    """On a cluster that the command starts and ends itself, so that its actors have the credentials of this process."""
    pytest.importorskip("s3fs", reason="s3:// needs the extra `remote`")
    moto_server = pytest.importorskip("moto.server", reason="the S3 server of these tests is moto's")
    import boto3

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    make_photos(12)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in {**keys, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="photos")
        for path in Path("in").rglob("*.png"):
            client.upload_file(str(path), "photos", path.as_posix())
        client.put_object(Bucket="photos", Key="in/bad.png", Body=b"\x89PNG\r\n\x1a\n")
        arguments = (
            "s3://photos/in",
            "s3://photos/out",
            "-r",
            "--model",
            tiny_model,
            "--record",
            "run.jsonl",
            "--resume",
        )
        on_cluster = started(*arguments, *ACTORS)
        assert on_cluster.wait(timeout=180) == 1
        said = on_cluster.stderr.read()
        assert "12 done, 0 skipped, 1 failed" in said and "'s3://photos/in/bad.png'" in said and "glmha-" not in said
        again = run_here("derain", *arguments, "--dry-run")
        assert "1 to do, 12 skipped" in again.stderr
        sent = client.list_objects_v2(Bucket="photos", Prefix="out/")["Contents"]
        there = {each["Key"]: client.get_object(Bucket="photos", Key=each["Key"])["Body"].read() for each in sent}
    finally:
        server.stop()
    assert run_here("derain", "in", "out", "-r", "--model", tiny_model).returncode == 0
    assert there == {(Path("out") / name).as_posix(): content for name, content in outputs("out").items()}
    record = Path("run.jsonl").read_text()
    assert "glmha-" not in record and "very-secret" not in record
