"""Lists of bands as people put them beside a cube: as texts, as attributes, under other names, of another length."""

import h5py
import numpy as np
import pytest

from glmha_cli.io.cubes.cube import CubeOptions, read_cube

NM = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
TEXTS = [f"{nm:g}" for nm in NM]
VALUES = np.random.default_rng(1).random((6, 5, 7), np.float32)
FIRST = CubeOptions(axes="bhw")


def hdf5(path, attributes=None, of_file=None, units=None, **lists):
    with h5py.File(path, "w") as file:
        file["cube"] = VALUES
        file["cube"].attrs.update(attributes or {})
        file.attrs.update(of_file or {})
        for name, numbers in lists.items():
            file[name] = numbers
            file[name].attrs.update({"units": units} if units else {})
    return read_cube(path, FIRST)


IN_NM = {"wavelength units": "Nanometers"}
TOLD = {
    "texts as a list": {"wavelength": TEXTS, "units": "nm"},
    "another name": {"wavelengths_nm": NM},
    "texts as an attribute": {"attributes": {"wavelength": TEXTS, "fwhm": ["5"] * 6, "bbl": ["1"] * 6} | IN_NM},
    "one text": {"attributes": {"wavelength": f"{{{', '.join(TEXTS)}}}", "fwhm": "5 5 5 5 5 5"} | IN_NM},
    "one text for each line": {"attributes": {"Wavelengths": "[" + "\n".join(TEXTS) + "]"} | IN_NM},
    "an attribute in nm": {"attributes": {"wavelength_nm": NM}},
    "attributes of the file": {"of_file": {"wavelength": NM, "fwhm": [5.0] * 6, "wavelength_units": "nm"}},
}


@pytest.mark.parametrize("how", TOLD)
def test_hdf5_as_people_write_it_has_its_wavelengths(tmp_path, how):
    """Spectral Python has lists of an ENVI header as texts."""
    cube = hdf5(tmp_path / "x.h5", **TOLD[how])
    assert cube.wavelength_nm == NM and cube.facts.notes == () and cube.facts.tags == {}
    assert cube.facts.fwhm_nm == ((5.0,) * 6 if "fwhm" in str(TOLD[how]) else ())
    assert cube.facts.good_bands == ((True,) * 6 if "bbl" in str(TOLD[how]) else ())


@pytest.mark.parametrize("shape", [(4,), (7, 6)], ids=["another length", "one for each column"])
def test_wavelengths_that_fit_no_bands_are_named(tmp_path, shape):
    cube = hdf5(tmp_path / "x.h5", wavelength=np.full(shape, 500.0), fwhm=np.full(shape, 5.0), units="nm")
    assert cube.wavelength_nm == cube.facts.fwhm_nm == ()
    assert all(any(f"'{name}' (" in note for note in cube.facts.notes) for name in ("wavelength", "fwhm"))


@pytest.mark.parametrize("of_file", [{"wavelength": 532.0}, {"wavelength": NM[:4]}, {"wavelength": "visible"}])
def test_attributes_of_a_file_that_are_no_wavelengths_of_its_cube(tmp_path, of_file):
    """The laser beside it, or another cube's."""
    cube = hdf5(tmp_path / "x.h5", of_file=of_file)
    assert cube.wavelength_nm == () and cube.facts.notes == ()
