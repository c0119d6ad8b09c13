"""What it costs to read files in a process of their own, as batches do.

    python benchmarks/reading.py --count 1000 --side 64

Of each way, this process's and another's: the best and the median time of a file, and computing time per file of all
processes. `start`: computing time until the other process has read its first file. `ratio`: another's to this one's.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.kinds import read_source, read_supervised, supervised_for
from glmha_cli.tasks.derain import DERAIN

Read = Callable[[Path], object]


@contextmanager
def another_process() -> Iterator[Read]:
    with supervised_for(DERAIN) as reader:
        yield lambda path: read_supervised(reader, DERAIN, path, FileOptions())


def seconds(read: Read, paths: list[Path]) -> list[float]:
    times = []
    for path in paths:
        start = time.perf_counter()
        read(path)
        times.append(time.perf_counter() - start)
    return times


def computing() -> float:
    """Seconds of computing of this process and those that it has waited for."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--suffix", default=".png")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{i}{asked.suffix}") for i in range(asked.count)]
        for i, path in enumerate(paths):
            samples = np.random.default_rng(i).integers(0, 256, (asked.side, asked.side, 3), np.uint8)
            Image.fromarray(samples).save(path)
        read_source(DERAIN, paths[0], FileOptions())
        marks = [computing()]
        here = seconds(lambda path: read_source(DERAIN, path, FileOptions()), paths)
        marks.append(computing())
        with another_process() as read:
            read(paths[0])
        marks.append(computing())
        with another_process() as read:
            read(paths[0])
            there = seconds(read, paths)
        marks.append(computing())
    in_here, start, in_there = (after - before for before, after in pairwise(marks))
    rows = {"here": (here, in_here), "there": (there, in_there - start)}
    for name, (times, cpu) in rows.items():
        best, median = 1000 * min(times), 1000 * statistics.median(times)
        print(json.dumps({"read": name, "best_ms": best, "median_ms": median, "cpu_ms": 1000 * cpu / asked.count}))
    median = statistics.median(there) / statistics.median(here)
    print(json.dumps({"start_s": start, "ratio_median": median, "ratio_cpu": (in_there - start) / in_here}))


if __name__ == "__main__":
    main()
