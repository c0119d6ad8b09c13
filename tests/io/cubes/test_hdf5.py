"""HDF5's chunks as we unpack them: what h5py packed comes back, bombs and damage are refused."""

import subprocess
import sys
import time
import zlib

import h5py
import numpy as np
import pytest

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import CubeOptions, read_cube
from glmha_cli.io.cubes.hdf5 import open_hdf5, read_dataset

VALUES = np.random.default_rng(0).random((5, 70, 9)).astype(np.float32)
PACKED = {
    "plain": {},
    "chunks": {"chunks": (2, 32, 4)},
    "deflate": {"chunks": (2, 32, 4), "compression": "gzip"},
    "shuffled": {"chunks": (2, 32, 4), "compression": "gzip", "shuffle": True},
    "checksums": {"chunks": (5, 33, 3), "fletcher32": True, "shuffle": True, "compression": "gzip"},
    "lzf": {"chunks": (2, 64, 8), "compression": "lzf", "shuffle": True, "fletcher32": True},
    "growing": {"chunks": (4, 128, 16), "maxshape": (None, None, None), "compression": "gzip"},
}


def read(path):
    with open_hdf5(path) as file:
        return read_dataset(path, file["cube"])


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1"])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("name", PACKED)
def test_what_h5py_packs_comes_back(tmp_path, name, libver, dtype):
    values = (VALUES * 100).astype(dtype)
    with h5py.File(tmp_path / "x.h5", "w", libver=libver) as file:
        file.create_dataset("cube", data=values, **PACKED[name])
    found = read(tmp_path / "x.h5")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("cube", (4, 4, 4), "f4", chunks=(1, 4, 4), fillvalue=-1)
        dataset[2] = 7
    found = read(tmp_path / "x.h5")
    assert (found[2] == 7).all() and (np.delete(found, 2, axis=0) == -1).all()


def planted(path, chunk, stored, *, deflated=1, shape=(1, 4, 4)):
    """A file whose one chunk is `stored`, said to be packed by deflate so many times."""
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(chunk)
        for _ in range(deflated):
            settings.set_deflate(9)
        space = h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED,) * 3)
        dataset = h5py.h5d.create(file.id, b"cube", h5py.h5t.IEEE_F32LE, space, settings)
        dataset.write_direct_chunk((0, 0, 0), stored)


def test_a_chunk_is_not_unpacked_into_more_than_its_size(tmp_path):
    """By HDF5 this would be: deflate has no end of its own there."""
    planted(tmp_path / "bomb.mat", (1, 4, 4), zlib.compress(bytes(1 << 27), 9))
    with pytest.raises(BadDataError, match="more than its size"):
        read_cube(tmp_path / "bomb.mat")
    twice = zlib.compress(zlib.compress(bytes(1 << 27), 9), 9)
    planted(tmp_path / "twice.mat", (1, 4, 4), twice, deflated=2)
    with pytest.raises(BadDataError, match="more than its size|damaged"):
        read_cube(tmp_path / "twice.mat")


def test_a_chunk_far_larger_than_its_dataset_is_refused(tmp_path):
    planted(tmp_path / "bomb.mat", (1, 1024, 1 << 18), zlib.compress(bytes(1000)))
    with pytest.raises(BadDataError, match="chunks of 1073741824 bytes"):
        read_cube(tmp_path / "bomb.mat")


def test_a_wrong_checksum_or_size_is_bad_data(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        dataset = file.create_dataset("cube", data=VALUES.T, chunks=VALUES.T.shape, fletcher32=True)
        info = dataset.id.get_chunk_info(0)
    whole = (tmp_path / "x.mat").read_bytes()
    at = whole.find(info.size.to_bytes(4, "little") + bytes(4))
    for start, replacement in ((info.byte_offset + 100, b"\0\1\2\3"), (at, bytes(4)), (at, b"\2\0\0\0")):
        damaged = bytearray(whole)
        damaged[start : start + 4] = replacement
        (tmp_path / "x.mat").write_bytes(damaged)
        with pytest.raises(BadDataError):
            read_cube(tmp_path / "x.mat")


def test_other_filters_are_named(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file.create_dataset("cube", data=(VALUES * 99).astype("i4"), chunks=(5, 70, 9), scaleoffset=0)
    with pytest.raises(BadDataError, match="scaleoffset") as caught:
        read_cube(tmp_path / "x.mat")
    assert "h5repack" in caught.value.hint


def test_a_file_that_another_program_has_open_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("HDF5_USE_FILE_LOCKING", raising=False)
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["cube"] = VALUES.T
    hold = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path / "x.mat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        np.testing.assert_array_equal(read_cube(tmp_path / "x.mat").values, VALUES)
        other.communicate()


@pytest.mark.parametrize("attribute", ["scale_factor", "Scale_Factor", "add_offset"])
def test_a_scale_that_is_no_number_is_none(tmp_path, attribute):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = VALUES
        file["cube"].attrs[attribute] = np.nan
    np.testing.assert_array_equal(read_cube(tmp_path / "a.h5").values, VALUES)


def test_groups_in_groups_cost_time_by_their_number(tmp_path):
    """Not by its third power, as paths that are followed from the start each time."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(900):
            group = group.create_group("g")
        group["cube"] = VALUES
    start = time.process_time()
    assert read_cube(tmp_path / "a.h5").values.shape == VALUES.shape
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "name", ["_FillValue", "missing_value", "Data_Ignore_Value", "nodata", "NoData", "no_data_value"]
)
def test_the_number_for_no_data_whatever_its_attribute_is_called(tmp_path, name):
    values = np.random.default_rng(0).random((5, 6, 7)).astype(np.float32)
    values[1, 2] = -9999
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["cube"] = values
        file["cube"].attrs[name] = -9999.0
    cube = read_cube(tmp_path / "x.h5")
    assert cube.missing.sum() == 7 and np.isnan(cube[1, 2]).all() and cube.facts.nodata == -9999


def test_numbers_as_texts_count(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = VALUES
        file["cube"][0, 0] = -9999
        file["cube"].attrs.update(scale_factor="0.5", add_offset=np.bytes_("0.25"), missing_value="-9999")
    cube = read_cube(tmp_path / "a.h5")
    assert np.isnan(cube[0, 0]).all() and cube.missing.sum() == VALUES.shape[2]
    np.testing.assert_allclose(cube[1:], VALUES[1:] * 0.5 + 0.25)


def test_single_numbers_of_a_file_go_on_as_texts(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = VALUES
        file.attrs.update(sun_elevation=np.float32(43.2), orbit=17, gains=[1, 2], sensor="x")
    cube = read_cube(tmp_path / "a.h5")
    assert cube.facts.tags == {"sun_elevation": "43.2", "orbit": "17", "sensor": "x"}


def test_what_is_said_of_the_whole_array_is_not_said_of_its_bands(tmp_path):
    """netCDF's strings are lists of one text; a laser has one wavelength."""
    said = {"long_name": ["reflectance"], "wavelength": 785.0, "wavelength_unit": "nm"}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"], file["one"] = VALUES, VALUES[..., :1]
        for name in ("cube", "one"):
            file[name].attrs.update(said)
    cube = read_cube(tmp_path / "a.h5")
    assert cube.wavelength_nm == () and cube.facts.band_names == ()
    assert [note for note in cube.facts.notes if "custom" not in note] == []
    one = read_cube(tmp_path / "a.h5", CubeOptions(key="one")).facts
    assert one.wavelength_nm == (785.0,) and one.band_names == ("reflectance",)


def test_a_list_that_is_called_wavelength_goes_before_others_that_say_so(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"], file["wavelength"], file["model"] = VALUES, np.arange(9) + 400.0, np.arange(9) + 900.0
        file["wavelength"].attrs["units"] = "nm"
        file["model"].attrs.update(units="nm", standard_name="radiation_wavelength")
    assert read_cube(tmp_path / "a.h5").wavelength_nm[0] == 400


def test_units_that_are_a_list_are_those_of_no_cube(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("cube", data=VALUES).attrs["units"] = ["count", "ms"]
    cube = read_cube(tmp_path / "x.h5")
    assert "units" not in cube.facts.tags and cube.shape == VALUES.shape


@pytest.mark.parametrize(
    ("written", "said"), [(4, []), (1, ["3 of its 4 chunks were never written, and hold its fill value, 0"])]
)
def test_chunks_that_were_never_written_are_said(tmp_path, written, said):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("cube", (4, 40, 50), "f4", chunks=(1, 40, 50))
        dataset[:written] = np.random.default_rng(0).random((written, 40, 50))
    assert [note for note in read_cube(tmp_path / "x.h5", CubeOptions(axes="bhw")).facts.notes] == said


@pytest.mark.parametrize("factor", [10_000.0, 1e-4])
def test_a_factor_below_one_is_no_divisor(tmp_path, factor):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("cube", data=(VALUES * 10_000).astype("i2")).attrs["Scale_Factor"] = factor
    np.testing.assert_allclose(read_cube(tmp_path / "x.h5", CubeOptions(axes="hwb")), VALUES, atol=1e-4)
