"""Control groups of Linux, versions 1 and 2: what a container, a batch system or systemd grants this process."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")
_MEMORY = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.high", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of version 2 (beyond `high` a process is slowed down to next to nothing), then 1: limit, use, and the line of
memory.stat with the cached file pages, which can be had back."""


def groups(controller: str, root: Path = ROOT) -> Iterator[Path]:
    """The folders of the process's own group and of all above it, which bind it too; none where there is no Linux.

    In a container the group's path may be the host's, of which only the top is there.
    """
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not path or (controllers and controller not in controllers.split(",")):
            continue
        top = mounted / controller if controllers else mounted
        parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
        yield from (top.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def free_memory_bytes(root: Path = ROOT) -> Iterator[int]:
    """What each group that has a limit has left of it."""
    for group in groups("memory", root):
        for limit, used, cached in _MEMORY:
            most, now = _text(group / limit), _text(group / used)
            if most.isdecimal() and now.isdecimal():
                pages = re.search(rf"^{cached} (\d+)", _text(group / "memory.stat"), re.MULTILINE)
                yield max(0, int(most) - int(now) + (int(pages[1]) if pages else 0))


def cpu_quotas(root: Path = ROOT) -> Iterator[float]:
    """How many CPUs' worth of time each group that has a quota may use."""
    for group in groups("cpu", root):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if not period:
            quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)


def _text(path: Path) -> str:
    """What a file says, or nothing. Names of groups are any bytes."""
    try:
        return os.fsdecode(path.read_bytes()).strip()
    except OSError:
        return ""
