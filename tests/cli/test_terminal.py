"""`--preview` in terminals that answer what they are asked, each in its way."""

import base64
import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest
from PIL import Image

from glmha_cli.pages.sheet import GAP_PX
from tests.cli.in_process import run_here
from tests.conftest import ROOT

ASKS_FOR_ATTRIBUTES = b"\x1b[c"
ASKS_FOR_KITTY = re.compile(rb"\x1b_Gi=(\d+)[^\x1b]*a=q[^\x1b]*\x1b\\")
SIXELS = re.compile(rb"\x1bP[\d;]*q")
KITTY_PICTURE = re.compile(rb"\x1b_Ga=p,[^\x1b]*\x1b\\")  # sent before, placed now


class Terminal:
    """A pseudo terminal of 80 x 24 cells of 10 x 20 pixels. sixels, kitty: what it says that it can."""

    def __init__(self, *, sixels=False, kitty=False):
        self.sixels, self.kitty = sixels, kitty
        self.shown, self.answered = b"", 0

    def run(self, *arguments):
        """Exit code and stderr of `glmha` in it; what it wrote to the terminal is in `shown`."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 800, 480))
        command = [sys.executable, "-m", "glmha_cli", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        process = subprocess.Popen(command, stdin=its, stdout=its, stderr=subprocess.PIPE, env=environment)
        os.close(its)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.serve(ours):
            pass
        _, stderr = process.communicate(timeout=60)
        os.close(ours)
        return process.returncode, stderr.decode()

    def serve(self, ours):
        """Reads a piece and answers it; False at the end."""
        if not select.select([ours], [], [], 1)[0]:
            return True
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # Linux says so where nobody has the other side
            return False
        self.shown += piece
        if ASKS_FOR_ATTRIBUTES in self.shown[self.answered :]:
            self.answered = self.shown.index(ASKS_FOR_ATTRIBUTES, self.answered) + len(ASKS_FOR_ATTRIBUTES)
            os.write(ours, b"\x1b[?62;4c" if self.sixels else b"\x1b[?62c")
        if match := ASKS_FOR_KITTY.search(self.shown, self.answered):
            self.answered = match.end()
            if self.kitty:
                os.write(ours, b"\x1b_Gi=" + match[1] + b";OK\x1b\\")
        return bool(piece)


def tries(photo, model, tmp_path, expected, **abilities):
    """The terminal in which the picture came: on a busy machine an answer may come later than a tenth of a second."""
    for attempt in range(4):
        terminal = Terminal(**abilities)
        code, stderr = terminal.run("derain", photo, tmp_path / f"{attempt}.png", "--model", model, "--preview")
        assert code == 0, stderr
        if expected.search(terminal.shown):
            return terminal, stderr
    pytest.fail(f"no picture in {terminal.shown[:500]!r}")


@pytest.mark.parametrize(("ability", "picture"), [("sixels", SIXELS), ("kitty", KITTY_PICTURE)])
def test_a_terminal_that_can_shows_the_result(tiny_model, photo, tmp_path, ability, picture):
    terminal, stderr = tries(photo, tiny_model, tmp_path, picture, **{ability: True})
    assert b"photo.png: before and after" in terminal.shown and "no pictures" not in stderr


def test_the_picture_is_both_sides(tiny_model, photo, tmp_path):
    terminal, _ = tries(photo, tiny_model, tmp_path, KITTY_PICTURE, kitty=True)
    pieces = re.findall(rb"\x1b_Gi=\d+,m=[01],f=100[^;]*;([^\x1b]*)\x1b", terminal.shown)
    with Image.open(io.BytesIO(base64.b64decode(b"".join(pieces)))) as picture:
        assert picture.width == 800 and abs(picture.width / picture.height - (2 * 60 + GAP_PX) / 40) < 0.5


def test_a_terminal_that_cannot_says_how(tiny_model, photo, tmp_path):
    terminal = Terminal()
    code, stderr = terminal.run("derain", photo, tmp_path / "out.png", "--model", tiny_model, "--preview")
    assert code == 0 and "shows no pictures" in stderr and "--report report.html" in stderr
    assert not SIXELS.search(terminal.shown) and not KITTY_PICTURE.search(terminal.shown)


def test_what_is_no_terminal_says_how_and_gets_no_picture(tiny_model, photo, tmp_path):
    result = run_here("derain", photo, tmp_path / "out.png", "--model", tiny_model, "--preview")
    assert result.returncode == 0 and result.stdout == "" and "shows no pictures" in result.stderr


def test_pictures_do_not_go_between_json(tiny_model, photo, tmp_path):
    result = run_here("derain", photo, tmp_path / "out.png", "--model", tiny_model, "--preview", "--json")
    assert result.returncode == 2 and "--json" in result.stderr
