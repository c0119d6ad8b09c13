"""Keep freed memory for the next tensor instead of returning it to the system and faulting it in again.

glibc gives every block over some 100 kB back at once; a network allocates the same large blocks over and
over, and each time the kernel clears fresh pages: a tenth of a training step on CPUs (60,000 page faults).
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of mallopt(3)


def keep_freed_memory() -> None:
    """For this process, from now on. Does nothing where the C library has no mallopt (macOS, Windows, musl)."""
    _call("mallopt", M_MMAP_MAX, 0)
    _call("mallopt", M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """What is kept and not in use goes back to the system, for those who take theirs from there (compiled kernels
    do)."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
    if function is not None:
        function(*arguments)
