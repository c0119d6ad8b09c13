"""How long a computation takes, what the machine could do in that time, and what a whole process costs."""

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Thread

import torch

from glmha_cli.errors import GlmhaError

MATRIX_SIDE = 2048
ROUNDS = 5


def seconds_of(work: Callable[[], object], repeat: int) -> float:
    """Median of `repeat` runs after one that does not count: the first allocates and compiles."""
    work()
    return median(timed(work) for _ in range(repeat))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def matrix_rate(device: str, precision: str) -> float:
    """Floating-point operations a second of a matrix product, the most that a machine gives: best of some rounds.

    Square matrices of 2048 in `precision` ("fp32", "bf16", "fp16"); a multiply-add counts as two operations.
    """
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    a, b = torch.rand(2, MATRIX_SIDE, MATRIX_SIDE, device=device).to(dtype)

    def product() -> None:
        (a @ b)[0, 0].item()  # a GPU has to be waited for

    product()
    return 2 * MATRIX_SIDE**3 / min(timed(product) for _ in range(ROUNDS))


@dataclass(frozen=True, kw_only=True)
class Process:
    """seconds: from its start to its end. peak_bytes: of main memory; None where the system does not tell (not
    Linux)."""

    seconds: float
    peak_bytes: int | None


def run_process(command: Sequence[str]) -> Process:
    """Run a command that says little; GlmhaError with its last line on stderr if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seen: list[int] = []
    peaks = Thread(target=watch_peak, args=(process.pid, seen))
    peaks.start()
    said, seconds = process.communicate()[1], time.perf_counter() - start
    code = process.returncode
    peaks.join()
    if code:
        raise GlmhaError(f"`{' '.join(map(str, command))}` failed: {(said.splitlines() or [f'exit code {code}'])[-1]}")
    return Process(seconds=seconds, peak_bytes=seen[-1] if seen else None)


def watch_peak(pid: int, seen: list[int]) -> None:
    """Append the process's high-water mark until it ends.

    Not `ru_maxrss`: Linux counts into it what the parent held when it started the child.
    """
    status = Path(f"/proc/{pid}/status")
    with suppress(OSError):  # gone, or not Linux
        while mark := re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE):
            seen.append(int(mark[1]) * 1024)
            time.sleep(0.01)
