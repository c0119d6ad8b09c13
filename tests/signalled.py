"""glmha in a process that gets a signal as one of its outputs is written and not yet in place: at that moment on any
machine, however fast it is.
"""

import itertools
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

from glmha_cli.io import atomic


def run_signalled(
    number: int, at: int, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """glmha with `arguments`, which gets signal `number` at its `at`-th output, counted from 1."""
    return subprocess.run(
        [sys.executable, "-m", "tests.signalled", str(int(number)), str(at), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=60,
        check=False,
    )


def main() -> None:
    number, at = map(int, sys.argv[1:3])
    sync, written = atomic._sync, itertools.count(1)

    def signalling(*arguments: Any) -> None:
        sync(*arguments)
        if next(written) == at:
            os.kill(os.getpid(), number)

    atomic._sync = signalling
    sys.argv[1:] = sys.argv[3:]
    runpy.run_module("glmha_cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
