"""Every bundled checkpoint restores its task's example, as `make demo` shows."""

from pathlib import Path

import pytest

from glmha_cli.evaluation.protocols import PROTOCOLS
from glmha_cli.io.images import read_photo
from tests.conftest import run_glmha

EXAMPLES = Path(__file__).parents[2] / "examples"


def scores(protocol: str, result, truth) -> dict[str, float]:
    return dict(PROTOCOLS[protocol].score(result, truth).metrics)


@pytest.mark.parametrize(("task", "protocol", "degraded", "sharp", "gain_db"), [
    ("derain", "derain", "rainy.png", "clean.png", 10),
])
def test_photos(task, protocol, degraded, sharp, gain_db, tmp_path):
    folder = EXAMPLES / task
    assert run_glmha(task, folder / degraded, tmp_path / "out.png").returncode == 0
    truth = read_photo(folder / sharp).pixels
    before, after = (scores(protocol, read_photo(path).pixels, truth)["psnr_db"] for path in (folder / degraded, tmp_path / "out.png"))
    assert after > before + gain_db
