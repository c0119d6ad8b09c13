"""Outputs: a disk that is full, links, any file name, and the same bytes again."""

import json
import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from glmha_cli.errors import BadDataError, OutputError
from glmha_cli.io.cubes.cube import Cube, read_cube, write_cube
from glmha_cli.io.photos.formats import writable_suffixes
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import save_checkpoint
from glmha_cli.weights.manifest import load_manifest
from tests.conftest import run_glmha
from tests.io.photos.photos import SRGB, encoded, exif
from tests.reliability.corpus import CUBE

CUBE_SUFFIXES = (".tif", ".hdr", ".mat", ".npy", ".npz")
SUFFIXES = [
    *(f"photo{suffix}" for suffix in writable_suffixes()),
    *(f"cube{suffix}" for suffix in CUBE_SUFFIXES),
    "cube7.mat",
]
BIG = Cube(values=np.random.default_rng(0).random((90, 70, 31), np.float32), wavelength_nm=tuple(range(400, 710, 10)))
NAMES = ["a\nb", "-rf", "--help", "a b'\"$(id)", "é雨🌧", "é", "\udcff\udc80", "\x1b[31m", "a.b.c", ".hidden"]


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "a.png"
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    path.write_bytes(encoded(noise, "PNG", exif=exif(6), icc_profile=SRGB, dpi=(300, 300)))
    return read_photo(path)


def write(path: Path, photo, cube: Cube = CUBE, **options) -> None:
    """As the name says: photo.png, cube.mat, and cube7.mat for level 7.3."""
    kind = path.stem.rpartition(" ")[2]
    if kind == "photo":
        write_photo(path, photo.pixels, like=photo, provenance={"glmha": "test"}, **options)
    else:
        version = {"mat_version": "7.3"} if kind == "cube7" else {}
        write_cube(path, cube, provenance={"glmha": "test"}, **version, **options)


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize("room_bytes", [0, 3000])
def test_a_full_disk_costs_the_new_file_alone(tmp_path, photo, name, room_bytes):
    (tmp_path / name).write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        with pytest.raises(OutputError, match=Path(name).stem):
            write(tmp_path / name, photo, BIG, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path, photo, name):
    (tmp_path / "out").mkdir()
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "out" / name
    elsewhere.write_bytes(b"theirs")
    path.symlink_to(elsewhere)
    write(path, photo, overwrite=True)
    assert not path.is_symlink() and elsewhere.read_bytes() == b"theirs"
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path)
    read = (
        read_photo(link).pixels
        if name.startswith("photo")
        else None
        if path.suffix == ".hdr"
        else read_cube(link).values
    )
    assert read is None or read.size


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_written_and_read(tmp_path, monkeypatch, photo, name, suffix):
    monkeypatch.chdir(tmp_path)
    path = Path(f"{name} {suffix}")
    write(path, photo)
    assert path.name in os.listdir(".")
    if suffix.startswith("photo"):
        assert read_photo(path).pixels.shape == photo.pixels.shape
    else:
        np.testing.assert_array_equal(read_cube(path).values, CUBE.values)
    path.write_bytes(b"damaged")
    with pytest.raises(BadDataError) as caught:
        (read_photo if suffix.startswith("photo") else read_cube)(path)
    assert str(path) in caught.value.message


def test_an_error_is_one_line_whatever_the_file_is_called(tmp_path):
    path = tmp_path / "a\nb\x1b[31m\udcff.png"
    path.write_bytes(b"damaged")
    result = run_glmha("convert", path.with_suffix(".npy"), tmp_path / "b.npy")
    assert result.returncode == 66 and result.stderr.count("\n") == 1 and "\x1b" not in result.stderr
    assert r"a\nb\x1b[31m\udcff.npy" in result.stderr


def test_the_same_input_gives_the_same_bytes(tmp_path, photo):
    """Seconds later too: MAT and ZIP would keep the time."""
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        for name in SUFFIXES:
            write(folder / name, photo)
        time.sleep(2.1)
    names = sorted(os.listdir(tmp_path / "first"))
    assert len(names) == len(SUFFIXES) + 1, "an ENVI pair is two"
    assert [
        name for name in names if (tmp_path / "first" / name).read_bytes() != (tmp_path / "second" / name).read_bytes()
    ] == []


def test_the_same_command_gives_the_same_bytes_with_provenance_or_without(tmp_path, tiny_model):
    source = tmp_path / "a.png"
    source.write_bytes(encoded(np.random.default_rng(0).integers(0, 256, (48, 56, 3), np.uint8), "PNG"))
    for name, options in (
        ("1.png", ["--strip-metadata"]),
        ("2.png", ["--strip-metadata"]),
        ("3.png", ["--no-provenance"]),
    ):
        result = run_glmha("derain", source, tmp_path / name, "--model", tiny_model, *options)
        assert result.returncode == 0, result.stderr
    first, second, bare = ((tmp_path / f"{i}.png").read_bytes() for i in (1, 2, 3))
    assert first == second and b"glmha" in first and b"glmha" not in bare
    provenance = json.loads(first[first.index(b"{") : first.index(b"}") + 1])
    assert {"glmha", "model", "sha256", "tile"} <= provenance.keys() and provenance["strip_metadata"] == "true"
    np.testing.assert_array_equal(read_photo(tmp_path / "3.png").pixels, read_photo(tmp_path / "1.png").pixels)


def test_outputs_name_the_licence_of_their_weights(tmp_path, tiny_model):
    source, theirs = tmp_path / "a.png", tmp_path / "theirs.safetensors"
    source.write_bytes(encoded(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8), "PNG"))
    about = {**read_about(tiny_model), "licence": "CC-BY-ND-4.0"}
    save_checkpoint(theirs, load_file(tiny_model), about, dtype=torch.float32)
    licences = {"derain-lite": load_manifest().model("derain-lite").licence, theirs: "CC-BY-ND-4.0", tiny_model: None}
    for i, (model, licence) in enumerate(licences.items()):
        result = run_glmha("derain", source, tmp_path / f"{i}.png", "--model", model, "--json")
        assert result.returncode == 0, result.stderr
        written = (tmp_path / f"{i}.png").read_bytes()
        provenance = json.loads(written[written.index(b"{") : written.index(b"}") + 1])
        assert provenance.get("licence") == json.loads(result.stdout).get("licence") == licence
