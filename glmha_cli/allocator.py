"""Keep freed memory for the next tensor instead of returning it to the system and faulting it in again.

glibc gives every block over some 100 kB back at once; a network allocates the same large blocks over and
over, and each time the kernel clears fresh pages: a tenth of a training step on CPUs (60,000 page faults).
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of mallopt(3)


def keep_freed_memory() -> None:
    """For this process, from now on. Does nothing where the C library has no mallopt (macOS, Windows, musl)."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
