"""What it costs to go from one process to a cluster, and from a thousand names to a million.

    python benchmarks/scale_out.py plan --counts 1000 10000 100000 1000000 --tree build/names
    python benchmarks/scale_out.py rate --count 100 --side 128

plan: a tree of empty files, a thousand to a folder, planned as for a run and listed by `--dry-run`: seconds, and the
most memory that the process had. The tree is kept where it is named, for the next time.
rate: the same photos by one process, by 1 and 2 actors of Ray with a CPU each, and by one process from and to S3, which
is moto on loopback: files/s from the first file done to the last, seconds of the whole command, and its memory.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

AS_TYPED = "from glmha_cli.cli.app import main; main()"
PLANNED = """
import sys
from glmha_cli.batch import BatchRequest
from glmha_cli.batch.plan import make_plan
from glmha_cli.tasks.derain import DERAIN
plan = make_plan(DERAIN, BatchRequest(inputs=[sys.argv[1]], output="out", recursive=True), print)
"""
MEASURED = """
import resource, sys
try:
    exec(sys.argv.pop(1))
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
"""Runs a program, and says at its end the most memory that it had, in KB."""
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "key", "AWS_DEFAULT_REGION": "us-east-1"}


def measured(program: str, *arguments: object, **environment: str) -> tuple[float, float]:
    """Seconds and megabytes of a Python program with these arguments."""
    start = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, program, *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return seconds, int(done.stderr.split()[-1]) / 1024


def tree(root: Path, count: int) -> Path:
    """A folder of so many empty files, made unless it is there."""
    folder = root / str(count)
    for index in range(0 if folder.exists() else count):
        path = folder / f"{index // 1000:04d}" / f"photo_{index:07d}.jpg"
        if index % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.touch()
    return folder


def plan(counts: list[int], root: Path) -> None:
    print(f"{'names':>9} {'plan: s':>8} {'MB':>5} {'--dry-run: s':>13} {'MB':>5}")
    for count in counts:
        folder = tree(root, count)
        planned = measured(PLANNED, folder)
        listed = measured(AS_TYPED, "derain", folder, "out", "--recursive", "--dry-run", "--quiet")
        print(f"{count:9d} {planned[0]:8.2f} {planned[1]:5.0f} {listed[0]:13.2f} {listed[1]:5.0f}", flush=True)


def photos(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    for index in range(count):
        samples = np.random.default_rng(index).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(samples).save(folder / f"{index:05d}.png")


def files_per_second(record: Path) -> float:
    """Between the first file that was done and the last, so that what loading takes does not count."""
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    times = [datetime.fromisoformat(line["time"]) for line in lines if line["status"] == "ok"]
    return (len(times) - 1) / (times[-1] - times[0]).total_seconds()


@contextmanager
def bucket(folder: Path) -> Iterator[dict[str, str]]:
    """What names a server of S3 that has the folder's photos below s3://photos/in."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    os.environ.update(environment)
    client = boto3.client("s3")
    client.create_bucket(Bucket="photos")
    for path in folder.iterdir():
        client.upload_file(str(path), "photos", f"in/{path.name}")
    try:
        yield environment
    finally:
        server.stop()


def rate(count: int, side: int, model: str, ways: list[str]) -> None:
    print(f"{'way':>14} {'files/s':>8} {'s':>7} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        source, record = Path(folder, "in"), Path(folder, "run.jsonl")
        photos(source, count, side)

        def row(way: str, *arguments: object, **environment: str) -> None:
            if way not in ways:
                return
            record.unlink(missing_ok=True)
            seconds, megabytes = measured(
                AS_TYPED, "derain", *arguments, "--model", model, "--record", record, "--quiet", **environment
            )
            print(f"{way:>14} {files_per_second(record):8.2f} {seconds:7.1f} {megabytes:6.0f}", flush=True)

        row("one process", source, f"{folder}/out/")
        for actors in (1, 2):
            cluster = ("--cluster", "ray", "--actors", actors)
            row(f"{actors} actor{'s' * (actors > 1)}", source, f"{folder}/out{actors}/", *cluster)
        if "S3" in ways:
            with bucket(source) as environment:
                row("S3", "s3://photos/in", "s3://photos/out", **environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    of_plan = what.add_parser("plan")
    of_plan.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    of_plan.add_argument("--tree", type=Path, default=Path("build/names"))
    of_rate = what.add_parser("rate")
    of_rate.add_argument("--count", type=int, default=100)
    of_rate.add_argument("--side", type=int, default=128)
    of_rate.add_argument("--model", default="derain-lite")
    of_rate.add_argument("--ways", nargs="+", default=["one process", "1 actor", "2 actors", "S3"])
    asked = parser.parse_args()
    if asked.what == "plan":
        plan(asked.counts, asked.tree)
    else:
        rate(asked.count, asked.side, asked.model, asked.ways)


if __name__ == "__main__":
    main()
