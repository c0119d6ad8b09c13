"""Calls in a process of their own: a decoder that crashes, hangs or takes all memory costs the file that it reads.

What decodes files is C code of many libraries, and damaged files drive some of it into faults that no `except` sees.
The process stays for the next call, so that a call costs a copy of its result through a pipe; after one that ended it
there is a new one. Run as a program, this module is that process: calls on stdin, answers on stdout.
"""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import IO, Any, cast

from glmha_cli.errors import BadDataError, GlmhaError
from glmha_cli.io.messages import receive, send
from glmha_cli.io.stores import size_bytes
from glmha_cli.lookup import import_target

SECONDS, SECONDS_PER_BYTE = 30.0, 2e-6
"""What reading a file may take: far more than any whole file needs, by a slow network too."""
PATIENCE_SECONDS = 5
EXPIRED = 1
"""Exit code that faulthandler's watchdog gives a process, whose time is up."""


class Supervised:
    """Makes one call at a time in another process.

    imports: what "module:name" calls will need, imported while nothing is to be done yet. memory_bytes: what calls may
    take, where the system can limit it; None for no limit. say: takes a warning, if no process can be started, and
    calls are made in this one.
    """

    def __init__(
        self,
        *,
        imports: Iterable[str] = (),
        memory_bytes: int | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.imports, self.memory_bytes, self.say = tuple(imports), memory_bytes, say
        self.process: subprocess.Popen[bytes] | None = None
        self.is_closed = self.is_here = False

    def start(self) -> None:
        """Start the process, if there is none, without waiting for it."""
        if self.process is not None and self.process.poll() is not None:  # ended by someone else, while it waited
            self._end()
        if self.process is not None or self.is_here or self.is_closed:
            return
        # -P: run no module of the current folder.
        command = [sys.executable, "-P", "-m", __name__, str(self.memory_bytes or 0), *self.imports]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
        try:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            self.is_here = True
            self.say(
                f"cannot start a separate process for reading files ({error.strerror}); files are read in this process"
            )

    def __enter__(self) -> "Supervised":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(self, target: str, path: str | os.PathLike[str], *arguments: Any, **options: Any) -> Any:
        """What the function "module:name" gives for a file, and raises for it.

        BadDataError where it ends the process, or takes longer than a file of its size may.
        """
        self.start()
        process = self.process
        if self.is_here:
            return import_target(target)(path, *arguments, **options)
        if process is None:
            raise GlmhaError(f"'{path}' was not read, because the run has ended")
        seconds, start = limit_of(path), time.monotonic()
        try:
            send(cast(BufferedWriter, process.stdin), (target, (path, *arguments), options, seconds, _folder()))
            is_result, value = receive(cast(BufferedReader, process.stdout))
        except (OSError, EOFError, ValueError) as error:  # ValueError: closed meanwhile, by `close`
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_SECONDS)  # it has closed its answers, so it is about to end
            self._end()
            if process.returncode == EXPIRED and time.monotonic() - start >= seconds:
                raise BadDataError(f"'{path}' is damaged: reading it takes over {seconds:.0f} s") from error
            raise BadDataError(f"'{path}' is damaged: its decoder crashed") from error
        if is_result:
            return value
        raise value

    def close(self) -> None:
        """End the process, and with it a call that another thread waits for."""
        self.is_closed = True
        self._end()

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not taken cannot be sent
                    cast(IO[bytes], pipe).close()


def _folder() -> str:
    """The current one, which paths are relative to; it may be another at each call. "" where it is gone."""
    with suppress(OSError):
        return os.getcwd()
    return ""


def limit_of(path: str | os.PathLike[str]) -> float:
    """Seconds that reading the file may take."""
    with suppress(OSError, GlmhaError):  # the call will tell
        return SECONDS + SECONDS_PER_BYTE * size_bytes(path)
    return SECONDS


# The process


def serve(memory_bytes: int, imports: Iterable[str]) -> None:
    """Answer calls until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who ends this process
    _limit_memory(memory_bytes)
    # What libraries print is no answer.
    calls, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    for target in imports:
        import_target(target)
    while True:
        try:
            target, arguments, options, seconds, folder = receive(calls)
        except EOFError:
            return
        with suppress(OSError):  # of which reading will tell
            os.chdir(folder)
        with suppress(RuntimeError):  # no threads left: then without a limit
            faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        answer = _answer(target, arguments, options)
        faulthandler.cancel_dump_traceback_later()
        send(answers, answer)


def _answer(target: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[bool, Any]:
    """Whether the call gave a result, and the result or what it raised."""
    try:
        return True, import_target(target)(*arguments, **options)
    except (GlmhaError, OSError, MemoryError) as error:
        return False, error
    except Exception as error:  # of a library, perhaps of a class that does not travel
        return False, RuntimeError(f"{type(error).__name__}: {error}")


def _limit_memory(memory_bytes: int) -> None:
    """Where Linux tells what this process has taken already; and where memory runs out, it is the one to be ended."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        if memory_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes, taken + memory_bytes))
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2:])
