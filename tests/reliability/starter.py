"""`python -m tests.reliability.starter`: runs glmha again and again in processes of their own, each forked from one
that
has PyTorch loaded, so that a hundred starts take seconds.

A line on stdin is a JSON list of arguments; stdout answers with the new process's id. After the next line, an empty
one, it waits for the process and answers with its exit code, negative for a signal; until then the id is no other's.
"""

import json
import os
import sys

import glmha_cli.cli.restore
import glmha_cli.inference.torch_engine  # noqa: F401
from glmha_cli.cli.app import build_app


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
                code = run(json.loads(line))
            finally:
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
