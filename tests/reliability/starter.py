"""`python -m tests.reliability.starter`: runs glmha again and again in processes of their own, each forked from one
that has PyTorch loaded, so that a hundred starts take seconds.

A line on stdin is a JSON object of arguments and of `kill_at`, null or the move of an output into place that the
process kills itself at and whether only after it; stdout answers with the new process's id. After the next line, an
empty one, it waits for the process and answers with its exit code, negative for a signal; until then the id is
no other's.
"""

import itertools
import json
import os
import signal
import sys
from typing import Any

import glmha_cli.cli.restore
import glmha_cli.inference.torch_engine  # noqa: F401
from glmha_cli.cli.app import build_app
from glmha_cli.io import atomic


def kill_at_move(count: int, after: bool) -> None:
    """End this process by SIGKILL at the `count`-th move of an output, counted from 1: between its line "writing" in
    the record and its line "ok".
    """
    move, moves = atomic._move, itertools.count(1)

    def deadly(*arguments: Any, **options: Any) -> None:
        is_last = next(moves) == count
        if is_last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        move(*arguments, **options)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    atomic._move = deadly


def run(arguments: list[str]) -> int:
    """Exit code of the command, in this process, silent but for a bug's traceback."""
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(silent, stream)
    try:
        build_app()(arguments)
    except SystemExit as stop:
        return stop.code or 0
    return 1


def main() -> None:
    print("ready", flush=True)
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                order = json.loads(line)
                if order["kill_at"] is not None:
                    kill_at_move(*order["kill_at"])
                code = run(order["arguments"])
            finally:
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
