"""The real command line in this process: what only parses, counts or reads needs no process of its own."""

import contextlib
import io
import subprocess

from glmha_cli.cli.app import build_app


def run_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Exit code, stdout and stderr of `glmha` with these arguments."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            build_app()([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code or 0
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
