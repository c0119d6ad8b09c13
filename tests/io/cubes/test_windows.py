"""Cubes by rows: the same as whole, for every format and layout; and a cube of 2 GB in little memory."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import FORMATS, Cube, CubeOptions, read_cube, write_cube
from glmha_cli.io.cubes.stream import CubeStream
from glmha_cli.io.cubes.windows import blocks, outline, read_rows
from glmha_cli.lookup import resolve
from tests.cli.in_process import run_here

NM = tuple(range(400, 520, 10))
VALUES = np.random.default_rng(0).random((90, 40, 12)).astype(np.float32)
VALUES[3, 4] = np.nan
STREAMED = (".hdr", ".npy", ".h5", ".nc", ".tif", ".mat", ".zarr")
NONE = CubeOptions()


def cube() -> Cube:
    return Cube(values=VALUES, wavelength_nm=NM, nodata=-9999.0, band_names=tuple("abcdefghijkl"))


def assert_by_rows(path: Path, options: CubeOptions = NONE) -> None:
    whole, said = read_cube(path, options), outline(path, options)
    assert not said.is_whole and said.shape == whole.shape and said.facts == whole.facts
    for start, stop in ((0, 1), (3, 50), (89, 90)):
        np.testing.assert_array_equal(read_rows(path, options, start, stop), whole.values[start:stop])


@pytest.mark.parametrize("suffix", STREAMED)
def test_rows_are_those_of_the_whole(tmp_path, suffix):
    version = "7.3" if suffix == ".mat" else None
    write_cube(tmp_path / f"x{suffix}", cube(), mat_version=version)
    assert_by_rows(tmp_path / f"x{suffix}")


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_rows_of_envi_in_any_interleave(tmp_path, interleave):
    order = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    (tmp_path / "x.hdr").write_text(
        f"ENVI\nsamples = 40\nlines = 90\nbands = 12\ndata type = 12\ninterleave = {interleave}\nbyte order = 1\n"
        "header offset = 100\ndata ignore value = 0\nreflectance scale factor = 1000\n"
        f"wavelength units = nm\nwavelength = {{{', '.join(map(str, NM[::-1]))}}}\n"
    )
    stored = np.nan_to_num(VALUES * 1000).astype(">u2").transpose(order)
    (tmp_path / "x.img").write_bytes(bytes(100) + np.ascontiguousarray(stored).tobytes())
    assert_by_rows(tmp_path / "x.hdr")


LAYOUTS = {
    "tiles of pixels": {"planarconfig": "contig", "tile": (32, 32)},
    "tiles of planes": {"planarconfig": "separate", "tile": (64, 16), "compression": "zlib"},
    "strips": {"planarconfig": "contig", "rowsperstrip": 7, "compression": "lzma", "predictor": 3},
    "big-endian": {"planarconfig": "separate", "rowsperstrip": 20, "byteorder": ">"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_of_tiff_in_any_layout(tmp_path, layout):
    how = LAYOUTS[layout]
    data = VALUES if how["planarconfig"] == "contig" else VALUES.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "x.tif", data, photometric="minisblack", metadata=None, **how)
    assert_by_rows(tmp_path / "x.tif")


def test_rows_of_pages(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", VALUES.transpose(2, 0, 1), photometric="minisblack", metadata=None)
    assert_by_rows(tmp_path / "x.tif", CubeOptions(axes="bhw"))


def test_rows_of_a_fortran_array(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(VALUES))
    assert_by_rows(tmp_path / "x.npy")


@pytest.mark.parametrize("suffix", STREAMED)
def test_a_stream_writes_what_the_whole_writes(tmp_path, suffix):
    write_cube(tmp_path / "in.hdr", cube())
    stream = CubeStream(outline(tmp_path / "in.hdr", NONE), lambda a, b: read_rows(tmp_path / "in.hdr", NONE, a, b))
    write_rows = resolve(FORMATS, suffix, "format").write_rows
    write_rows(tmp_path / f"y{suffix}", stream, overwrite=False, provenance="")
    again = read_cube(tmp_path / f"y{suffix}")
    np.testing.assert_array_equal(again, VALUES)
    assert again.wavelength_nm == (() if suffix == ".npy" else NM)


def test_convert_streams_large_cubes(tmp_path, monkeypatch):
    monkeypatch.setattr("glmha_cli.io.cubes.cube.STREAMED_BYTES", 1)
    monkeypatch.setattr("glmha_cli.io.cubes.windows.BLOCK_BYTES", 4 * 40 * 12 * 7)
    write_cube(tmp_path / "in.tif", cube())
    assert run_here("convert", tmp_path / "in.tif", tmp_path / "out.h5").returncode == 0
    np.testing.assert_array_equal(read_cube(tmp_path / "out.h5"), VALUES)


def test_blocks_are_all_rows_once():
    found = list(blocks((1000, 4096, 31), 32 << 20))
    assert found[0][0] == 0 and found[-1][1] == 1000
    assert all(stop == start for (_, stop), (start, _) in pairwise(found))
    assert all(4 * (stop - start) * 4096 * 31 <= 32 << 20 for start, stop in found)
    assert list(blocks((3, 10**7, 31), 1)) == [(0, 1), (1, 2), (2, 3)]


def test_what_is_declared_but_not_there_is_refused(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("cube", (10**5, 10**5, 31), "f4", chunks=(64, 64, 31), compression="gzip")
        dataset[:64, :64] = 1
    with pytest.raises(BadDataError, match="declares"):
        outline(tmp_path / "x.h5", NONE)


# Memory

H, W, B = 4128, 4096, 31


def large(folder: Path) -> Path:
    """2.1 GB of which 5 MB are on the disk: all zeros but for ten rows."""
    (folder / "x.hdr").write_text(
        f"ENVI\nsamples = {W}\nlines = {H}\nbands = {B}\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        f"wavelength units = nm\nwavelength = {{{', '.join(str(400 + 10 * i) for i in range(B))}}}\n"
    )
    with (folder / "x.img").open("wb") as file:
        file.truncate(4 * H * W * B)
        for band in range(B):
            file.seek(4 * W * (band * H + 2000))
            file.write(np.full(10 * W, 0.5, "<f4").tobytes())
    return folder / "x.hdr"


def memory_bytes(pid: int) -> int:
    """Of a process and its children, what is theirs alone and their shares of what they have in common."""
    total = 0
    for each in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is measured as Linux tells it")
def test_a_cube_of_2_gb_is_served_within_700_mb(tmp_path):
    command = [sys.executable, "-m", "glmha_cli", "view", large(tmp_path), "--serve", "--json"]
    found: dict[str, str] = {}
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        reading = threading.Thread(target=lambda: found.update(json.loads(process.stdout.readline())))
        reading.start()
        most = 0
        while reading.is_alive():
            most = max(most, memory_bytes(process.pid))
            time.sleep(0.05)
        with urllib.request.urlopen(f"{found['url']}spectra?x0=5&x1=9&y0=1998&y1=2012", timeout=60) as answer:
            (area,) = json.load(answer)
        most = max(most, memory_bytes(process.pid))
        process.send_signal(signal.SIGINT)
    assert area["mean"] == pytest.approx([0.5 * 10 / 14] * B) and 0 < most < 700e6, most


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is measured as Linux tells it")
def test_a_cube_of_2_gb_is_previewed_within_500_mb(tmp_path):
    source = large(tmp_path)
    assert os.path.getsize(tmp_path / "x.img") > 2e9
    command = [sys.executable, "-m", "glmha_cli", "preview", source, tmp_path / "x.png"]
    process, most = subprocess.Popen(list(map(str, command))), 0
    while process.poll() is None:
        most = max(most, memory_bytes(process.pid))
        time.sleep(0.05)
    assert process.returncode == 0 and 0 < most < 500e6, most
    spectrum = run_here("spectrum", source, "--at", "7,2003", "--csv")
    assert spectrum.stdout.splitlines()[-1] == "700.0,0.5"
