"""The route of one photo as ARCHITECTURE.md draws it, in a real run: at most 12 files, and every call downwards."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.repo.test_imports import ROW

ROOT = Path(__file__).parents[2]
MAX_FILES = 12
IN_READER = {"batch/kinds/photo.py read", "io/photos/read.py read_photo"}
"""Called in the process that reads files, which the trace does not see."""

TRACED = """
import json, sys, threading
from glmha_cli.cli.app import main
calls = set()
def called(frame, event, _):
    def place(code): return code.co_filename.replace("\\\\", "/").partition("/glmha_cli/")[2]
    if event == "call" and place(frame.f_code):
        caller = frame.f_back
        while caller and not place(caller.f_code):
            caller = caller.f_back
        calls.add((place(caller.f_code) if caller else "", place(frame.f_code), frame.f_code.co_name))
sys.argv = ["glmha", "derain", sys.argv[1], sys.argv[2], "--engine", "torch", "--tile", "whole", "--quiet"]
threading.setprofile(called); sys.setprofile(called)
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
finally:
    sys.setprofile(None); threading.setprofile(None)
print(json.dumps(sorted(calls)))
"""


def drawing() -> str:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"```\n(cli/restore\.py.*?)```", text, re.DOTALL)[0]


def test_a_photo_takes_the_route_that_is_drawn(tmp_path, photo):
    command = [sys.executable, "-c", TRACED, str(photo), str(tmp_path / "out.png")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    calls = json.loads(result.stdout)
    files = set(re.findall(r"[\w/]+\.py", drawing()))
    assert len(files) <= MAX_FILES, sorted(files)
    assert set(re.findall(r"[\w/]+\.py \w+", drawing())) - IN_READER <= {f"{file} {name}" for _, file, name in calls}
    steps = [
        (caller, file, name) for caller, file, name in calls if {caller, file} <= files and not name.startswith("<")
    ]
    up = [step for step in steps if row(step[0]) < row(step[1])]
    assert steps and not up


def row(file: str) -> int:
    return ROW[file.split("/")[0]]
