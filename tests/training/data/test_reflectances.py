"""Files of measured reflectances: read, refused, split by what their spectra are."""

import numpy as np
import pytest

from glmha_cli.errors import BadDataError
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.training.data.reflectances import is_held_out, read_library, read_reflectances, resample
from tests.training.conftest import NM, smooth_reflectances

REFLECTANCE = smooth_reflectances(120)


def saved(path, **change):
    np.savez(path, **{"reflectance": REFLECTANCE, "wavelength_nm": NM} | change)
    return path


def test_about_a_tenth_is_held_out(tmp_path):
    path = saved(tmp_path / "spectra.npz", reflectance=smooth_reflectances(1000))
    training, held_out = read_library([path], SCI_NM)
    assert len(training.spectra) + len(held_out.spectra) == 1000
    assert 60 < len(held_out.spectra) < 140
    assert training.spectra.shape[1] == held_out.spectra.shape[1] == 28
    assert not (training.colours[:, None] == held_out.colours).all(axis=2).any()


def test_equal_spectra_are_held_out_together_and_others_change_nothing(tmp_path):
    once = read_reflectances([saved(tmp_path / "a.npz")])[1].values
    twice = saved(
        tmp_path / "b.npz", reflectance=np.vstack([smooth_reflectances(60, seed=7), REFLECTANCE, REFLECTANCE])
    )
    held_out = read_reflectances([twice])[1].values
    counts = [(held_out == spectrum).all(axis=1).sum() for spectrum in once]
    assert counts == [2] * len(once)
    assert is_held_out(once[0]) and is_held_out(once[0] + 1e-7)


def test_files_are_joined_and_sources_are_theirs_or_the_files(tmp_path):
    named = saved(tmp_path / "named.npz", source=np.repeat(["paint", "leaf"], 60))
    plain = saved(tmp_path / "plain.npz", reflectance=smooth_reflectances(60, seed=3))
    parts = read_reflectances([named, plain])
    assert sum(len(part) for part in parts) == 180
    assert sum(len(part.of("leaf")) for part in parts) == sum(len(part.of("plain")) for part in parts) == 60
    together = np.vstack([part.of("leaf") for part in parts])
    assert {tuple(row) for row in together} == {tuple(row) for row in REFLECTANCE[60:]}


def test_black_is_left_out(tmp_path):
    path = saved(tmp_path / "spectra.npz", reflectance=np.vstack([REFLECTANCE, np.zeros((5, 31))]))
    assert sum(len(part) for part in read_reflectances([path])) == 120


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"reflectance": REFLECTANCE[:20]}, "at least 50"),
        ({"reflectance": 100 * REFLECTANCE}, "not reflectances"),
        ({"reflectance": REFLECTANCE - 0.5}, "not reflectances"),
        ({"wavelength_nm": NM[:-1]}, "as many wavelengths"),
        ({"wavelength_nm": NM[::-1]}, "ascending"),
        ({"wavelength_nm": NM + 20}, "covers 420..720 nm"),
        ({"source": np.array(["one", "two"])}, "a name for each"),
        ({"reflectance": np.repeat(REFLECTANCE[:1], 60, axis=0)}, "too few different spectra"),
    ],
)
def test_files_that_hold_no_such_spectra_are_refused(tmp_path, change, match):
    path = saved(tmp_path / "spectra.npz", **change)
    with pytest.raises(BadDataError) as caught:
        read_library([path], RGB2HSI_NM)
    assert match in f"{caught.value.message} {caught.value.hint}"
    assert str(path) in caught.value.message


def test_resampling_is_linear_interpolation():
    values = np.random.default_rng(0).random((3, 31))
    wanted = np.stack([np.interp(SCI_NM, RGB2HSI_NM, row) for row in values])
    np.testing.assert_allclose(resample(values, RGB2HSI_NM, SCI_NM), wanted, atol=1e-12)
    np.testing.assert_array_equal(resample(values, RGB2HSI_NM, RGB2HSI_NM), values)
