"""A polite end: what a shutdown or a closed terminal asks for happens as for Ctrl-C, with open files finished or
dropped."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def unwinding() -> Iterator[None]:
    """Inside, these signals end the process by an exception, with the shell's code (128 + number).

    A signal that is ignored, as SIGHUP under nohup, stays so. In another thread than the first nothing is changed.
    """
    is_first = threading.current_thread() is threading.main_thread()
    ours = [number for number in SIGNALS if is_first and signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
