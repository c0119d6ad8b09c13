"""Nothing that a photo carries is lost in silence: kept, or said, for every kind and every pair of formats."""

import pytest

from glmha_cli.io.photos.formats import FORMATS
from tests.io.photos.side_data import PAGE, outcome, page, samples

SAMPLES = {f"{sample.source}: {sample.kind}": sample for sample in samples()}


@pytest.mark.parametrize("target", [name for name, row in FORMATS.items() if row.encode])
@pytest.mark.parametrize("name", SAMPLES)
def test_side_data_is_kept_or_said(tmp_path, name, target):
    if name.startswith("HEIC"):
        pytest.importorskip("pi_heif", reason="the extra heif is not installed")
    result, notes = outcome(SAMPLES[name], target, tmp_path)
    assert result in ("kept", "said"), f"{name} is lost in {target}; said was only: {notes}"


def test_the_page_says_what_is_so():
    pytest.importorskip("pi_heif", reason="the extra heif is not installed")
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.io.photos.side_data writes it anew"
