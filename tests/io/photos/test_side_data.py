"""Nothing that a photo carries is lost in silence: kept, or said, for every kind and every pair of formats."""

import pytest
from PIL import Image

from glmha_cli.io.photos.formats import FORMATS
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.side_data import PAGE, outcome, page, samples, saved

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


@pytest.mark.parametrize(("in_exif", "is_said"), [(72.0, True), (300.0, False)])
def test_a_resolution_that_is_not_the_one_in_exif_is_said_to_be_lost(tmp_path, in_exif, is_said):
    """Programs that set it often leave the 72 of the camera in EXIF."""
    exif = Image.Exif()
    exif[282] = exif[283] = in_exif
    for kind in ("jpeg", "png"):
        (tmp_path / "a").write_bytes(saved(kind, exif=exif, dpi=(300, 300)))
        photo = read_photo(tmp_path / "a")
        notes = write_photo(tmp_path / "b.webp", photo.pixels, like=photo, overwrite=True)
        assert notes == (["WebP holds no DPI: dropped"] if is_said else [])
