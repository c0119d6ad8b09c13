"""Stores of Zarr: every way to pack them, whole or absent on the disk, one file to whoever names them, and hostile."""

import gzip
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr", reason="the extra zarr")

from glmha_cli.batch.inputs import Ignored, by_pattern, in_folder  # noqa: E402
from glmha_cli.errors import BadDataError, CannotCreateError, GlmhaError, UsageError  # noqa: E402
from glmha_cli.io.atomic_store import atomic_store  # noqa: E402
from glmha_cli.io.cubes.cube import Cube, CubeOptions, read_cube, write_cube  # noqa: E402
from glmha_cli.io.cubes.windows import outline, read_rows  # noqa: E402
from glmha_cli.training.data.files import files_in  # noqa: E402
from glmha_cli.weights.integrity import sha256_of  # noqa: E402
from tests.cli.in_process import run_here  # noqa: E402

NM = (450.0, 500.0, 550.0, 600.0, 650.0)
VALUES = np.random.default_rng(0).random((40, 33, 5)).astype(np.float32)


def store(path: Path, values: np.ndarray = VALUES, **how: object) -> Path:
    group = zarr.create_group(str(path), zarr_format=3)
    group.create_array("cube", data=values, dimension_names=("y", "x", "wavelength"), **how)
    group.create_array("wavelength", data=np.array(NM), attributes={"units": "nm"}, dimension_names=("wavelength",))
    return path


def edited(path: Path, **changes: object) -> Path:
    """The store, whose metadata of the cube say something else."""
    file = path / "cube" / "zarr.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return path


PACKED = {
    "plain": {"compressors": None},
    "gzip": {"compressors": zarr.codecs.GzipCodec()},
    "zstd": {"compressors": zarr.codecs.ZstdCodec(checksum=True)},
    "blosc": {"compressors": zarr.codecs.BloscCodec(cname="lz4", shuffle="bitshuffle")},
    "checksum": {"compressors": (zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec())},
    "twice": {"compressors": (zarr.codecs.GzipCodec(), zarr.codecs.GzipCodec())},
    "shards": {"shards": (32, 33, 5), "chunks": (8, 11, 5)},
    "transposed": {"filters": zarr.codecs.TransposeCodec(order=(2, 0, 1))},
    "big-endian": {"serializer": zarr.codecs.BytesCodec(endian="big")},
    "dots": {"chunk_key_encoding": {"name": "default", "separator": "."}},
}


@pytest.mark.parametrize("name", PACKED)
def test_what_zarr_packs_comes_back(tmp_path, name):
    path = store(tmp_path / "x.zarr", **({"chunks": (16, 33, 2)} | PACKED[name]))
    cube = read_cube(path)
    np.testing.assert_array_equal(cube, VALUES)
    assert cube.wavelength_nm == NM and cube.facts.notes == ()
    np.testing.assert_array_equal(read_rows(path, CubeOptions(), 15, 33), VALUES[15:33])


def test_rows_asked_for_are_all_that_is_read(tmp_path):
    path = store(tmp_path / "x.zarr", chunks=(10, 33, 5))
    for rows in (0, 1, 3):
        (path / "cube" / "c" / str(rows) / "0" / "0").write_bytes(b"damaged")
    np.testing.assert_array_equal(read_rows(path, CubeOptions(), 20, 30), VALUES[20:30])
    with pytest.raises(BadDataError, match="damaged"):
        read_rows(path, CubeOptions(), 19, 30)


def test_an_array_at_the_root_one_of_several_and_one_in_a_group(tmp_path):
    zarr.create_array(str(tmp_path / "root.zarr"), data=VALUES, dimension_names=("y", "x", "band"))
    np.testing.assert_array_equal(read_cube(tmp_path / "root.zarr"), VALUES)
    group = zarr.create_group(str(tmp_path / "deep.zarr"))
    for name, factor in {"a/first": 1, "a/b/second": 2}.items():
        group.create_array(name, data=VALUES * factor, dimension_names=("y", "x", "band"))
    with pytest.raises(BadDataError, match="several variables that fit: a/.* \\(40 x 33 x 5\\)"):
        read_cube(tmp_path / "deep.zarr")
    np.testing.assert_array_equal(read_cube(tmp_path / "deep.zarr", CubeOptions(key="/a/b/second")), VALUES * 2)


def test_chunks_that_are_missing_are_told(tmp_path):
    path = store(tmp_path / "x.zarr", chunks=(10, 33, 5))
    shutil.rmtree(path / "cube" / "c" / "2")
    cube = read_cube(path)
    assert (cube[20:30] == 0).all() and "1 of its 4 chunks are not in the store" in cube.facts.notes[0]
    shutil.rmtree(path / "cube" / "c")
    with pytest.raises(BadDataError, match="declared, but has no values"):
        read_cube(path)


# On the disk


def cube() -> Cube:
    return Cube(values=VALUES, wavelength_nm=NM)


def test_a_store_is_whole_or_absent(tmp_path):
    path = tmp_path / "x.zarr"
    with pytest.raises(KeyError), atomic_store(path, overwrite=False) as temporary:
        (temporary / "half").write_text("")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    write_cube(path, cube())
    before = sha256_of(path)
    with pytest.raises(CannotCreateError, match="exists already"):
        write_cube(path, cube())
    with pytest.raises(KeyError), atomic_store(path, overwrite=True):
        raise KeyError
    assert sha256_of(path) == before
    write_cube(path, Cube(values=VALUES / 2, wavelength_nm=NM), overwrite=True)
    np.testing.assert_array_equal(read_cube(path), VALUES / 2)
    assert list(tmp_path.iterdir()) == [path] and sha256_of(path) != before


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_no_store_is_never_replaced(tmp_path, kind):
    path = tmp_path / "x.zarr"
    if kind == "folder":
        path.mkdir()
        (path / "thesis.txt").write_text("mine")
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(store(tmp_path / "other.zarr"))
    with pytest.raises(CannotCreateError, match="no store of Zarr"):
        write_cube(path, cube(), overwrite=True)
    assert os.path.lexists(path) and sorted(tmp_path.glob(".*")) == []


# To users


def test_a_store_is_one_file(tmp_path):
    store(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "inside.mat").write_text("")
    (tmp_path / "b.mat").write_text("")
    how = {"readable": (".zarr", ".mat"), "leave_out": tmp_path / "out", "ignored": Ignored()}
    for recursive in (False, True):
        found = in_folder(tmp_path, recursive=recursive, say=print, **how)
        assert [(str(each.relative), each.problem) for each in found] == [("a.zarr", None), ("b.mat", None)]
    assert [each.path.name for each in by_pattern(f"{tmp_path}/**/*", **how)] == ["a.zarr", "b.mat"]
    none = Ignored()
    (mat,) = in_folder(tmp_path, recursive=True, say=print, **(how | {"readable": (".mat",), "ignored": none}))
    assert mat.path.name == "b.mat" and str(none) == "1 .zarr"
    assert [path.name for path in files_in(tmp_path, {".zarr", ".mat"}, kind="cubes")] == ["a.zarr", "b.mat"]


def test_verbs_take_a_store_by_its_name(tmp_path):
    write_cube(tmp_path / "in.tif", cube())
    assert run_here("convert", tmp_path / "in.tif", tmp_path / "x.zarr").returncode == 0
    again = run_here("convert", tmp_path / "in.tif", tmp_path / "x.zarr")
    assert again.returncode == 73 and "exists already" in again.stderr
    assert run_here("convert", tmp_path / "in.tif", tmp_path / "x.zarr", "--overwrite").returncode == 0
    assert run_here("convert", f"{tmp_path}/x.zarr/", tmp_path / "y.npz").returncode == 0
    np.testing.assert_array_equal(read_cube(tmp_path / "y.npz"), VALUES)
    assert run_here("preview", tmp_path / "x.zarr", tmp_path / "x.png").returncode == 0
    assert run_here("view", tmp_path / "x.zarr", "-o", tmp_path / "x.html").returncode == 0
    spectrum = run_here("spectrum", tmp_path / "x.zarr", "--at", "7,20", "--csv")
    assert float(spectrum.stdout.splitlines()[-1].split(",")[1]) == pytest.approx(VALUES[20, 7, 4])


# Hostile ones


def bomb(path: Path, **how: object) -> Path:
    """A store whose one chunk, of 5 kB by its metadata, unpacks to 128 MB."""
    store(path, VALUES[:8], chunks=(8, 33, 5), **how)
    return path / "cube" / "c" / "0" / "0" / "0"


@pytest.mark.parametrize("name", ["gzip", "zstd", "blosc"])
def test_a_chunk_is_not_unpacked_into_more_than_its_size(tmp_path, name):
    import imagecodecs

    chunk = bomb(tmp_path / "x.zarr", **PACKED[name])
    pack = {"gzip": gzip.compress, "zstd": imagecodecs.zstd_encode, "blosc": imagecodecs.blosc_encode}[name]
    chunk.write_bytes(pack(bytes(1 << 27)))
    with pytest.raises(BadDataError, match="more than its size|damaged"):
        read_cube(tmp_path / "x.zarr")
    chunk.write_bytes(chunk.read_bytes()[:-20] if name != "blosc" else b"\2\1\0\1" + bytes(8))
    with pytest.raises(BadDataError):
        read_cube(tmp_path / "x.zarr")


HOSTILE = {
    "absurd": {"shape": [10**6, 10**6, 31]},
    "huge chunks": {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**5, 10**5, 5]}}},
    "tiny chunks": {
        "shape": [4000, 4000, 31],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 1, 1]}},
    },
    "no chunks": {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 33, 5]}}},
    "negative": {"shape": [-40, 33, 5]},
    "text": {"shape": "many"},
    "other kind": {"data_type": "complex64"},
    "other codec": {"codecs": [{"name": "bytes"}, {"name": "numcodecs.bz2", "configuration": {"level": 1}}]},
    "other grid": {"chunk_grid": {"name": "rectilinear", "configuration": {}}},
    "other version": {"zarr_format": 4},
    "codecs": {"codecs": 7},
    "nothing": {"node_type": "link"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_metadata_declare_is_not_taken_on_trust(tmp_path, name):
    path = edited(store(tmp_path / "x.zarr", chunks=(10, 33, 5)), **HOSTILE[name])
    for read in (read_cube, lambda path: outline(path, CubeOptions())):
        with pytest.raises(BadDataError, match="x.zarr"):
            read(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"zarr_format": 3}', "[" * 100_000])
def test_damaged_metadata_are_bad_data(tmp_path, text):
    path = store(tmp_path / "x.zarr")
    (path / "cube" / "zarr.json").write_text(text)
    with pytest.raises(BadDataError):
        read_cube(path)


def test_attributes_of_others_do_not_keep_a_store_from_being_read(tmp_path):
    """JSON has lists of several lengths, objects and null, of which no tag is made."""
    path = store(tmp_path / "x.zarr", attributes={"fwhm": [[1], [2, 3]]})
    others = {"corners": [[1, 2], [3]], "multiscales": [{"axes": ["y", "x"]}], "version": [3], "none": None, "orbit": 7}
    zarr.open_group(str(path)).attrs.update(others)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.values, VALUES)
    assert cube.facts.tags == {"version": "3", "orbit": "7"} and not cube.facts.fwhm_nm


@pytest.mark.parametrize("place", ["cube/c/0/0/0", "cube/zarr.json", "cube", "zarr.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path, kind, place):
    path, elsewhere = store(tmp_path / "x.zarr", chunks=(40, 33, 5)), tmp_path / "elsewhere"
    (path / place).rename(elsewhere)
    if kind == "link":
        (path / place).symlink_to(elsewhere)
    else:
        os.mkfifo(path / place)
    with pytest.raises(GlmhaError, match="link|device|no array of 3 axes|no store"):
        read_cube(path)


def test_version_2_is_named(tmp_path):
    zarr.create_array(str(tmp_path / "x.zarr"), data=VALUES, zarr_format=2)
    with pytest.raises(BadDataError, match="version 2") as caught:
        read_cube(tmp_path / "x.zarr")
    assert "zarr migrate v3" in caught.value.hint


def test_without_the_library_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="optional package zarr"):
        write_cube(tmp_path / "x.zarr", cube())
