"""How many threads to compute with, and how they wait for each other."""

import math
import os
from pathlib import Path

from glmha_cli.inference.cgroups import ROOT, cpu_quotas

VARIABLE = "OMP_NUM_THREADS"
PX_PER_THREAD = 128 * 128
"""Threads that share less wait for each other longer than they compute."""


def num_threads(root: Path = ROOT) -> int:
    """As many as CPUs may be used, by affinity and quotas of control groups; fewer where OMP_NUM_THREADS says so."""
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = max(1, min([most, *map(math.ceil, cpu_quotas(root))]))
    asked = os.environ.get(VARIABLE, "").partition(",")[0].strip()  # a list is one number per nested level
    return min(int(asked), most) if asked.isascii() and asked.isdecimal() and int(asked) else most


def prepare_environment() -> None:
    """Before a library reads OMP_NUM_THREADS: one that is no number, or above what may be used, is set right."""
    if VARIABLE in os.environ and os.environ[VARIABLE] != str(num_threads()):
        os.environ[VARIABLE] = str(num_threads())


def wait_without_spinning() -> None:
    """For processes that may share their CPUs: a thread that spins while it waits takes the time of those it waits for.

    Two threads on two CPUs that other work kept busy took 8.1 s for a tile of 128 x 160 px, of which 1.8 s were
    computing; without spinning 0.5 s and 0.12 s. Only before PyTorch is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
