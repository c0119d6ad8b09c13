"""A photo goes through tile after tile as it is stored: what that costs in memory, and that nothing else changes."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds import output_kind, write_result
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.io.photos.read import Photo, as_pixels, read_photo
from glmha_cli.io.photos.write import write_photo
from glmha_cli.tasks.derain import DERAIN
from glmha_cli.tasks.rgb2hsi import RGB2HSI
from glmha_cli.tasks.sci import SCI, Scene
from tests.conftest import ROOT
from tests.inference.engines import Identity
from tests.io.photos.photos import noise


def peak_bytes(height):
    """Of numpy's memory while a photo of 500 columns is restored into what is stored of it, the source not counted."""
    photo = Photo(colours=np.zeros((height, 500, 3), np.uint8), bit_depth=8)
    store = output_kind(DERAIN).storing(ROOT / "out.png", Source(value=photo.colours, photo=photo, notes=()))
    tracemalloc.start()
    result = Restorer(task=DERAIN, engine=Identity(), tiling=Tiling(tile_px=64, overlap_px=8)).restore(
        photo.colours, store=store
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.dtype == np.uint8 and result.shape == photo.colours.shape
    return peak - result.nbytes


def test_beyond_the_result_memory_does_not_grow_with_the_photo():
    low, high = peak_bytes(200), peak_bytes(2000)
    assert high < 1.1 * low, f"{low} bytes at 200 rows, {high} at 2000"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_stored_rows_make_the_same_file_as_floats(tmp_path, dtype, channels, suffix):
    """Gray, alpha and depth, also where the format holds less: one rounding, of the same values."""
    samples = noise(70, 90, channels, dtype=dtype)
    colours, alpha = np.split(samples, [1 if channels < 3 else 3], axis=2)
    photo = Photo(
        colours=colours,
        bit_depth=8 * samples.itemsize,
        grayscale=channels < 3,
        alpha=alpha[..., 0] if alpha.size else None,
    )
    source = Source(value=photo.colours, photo=photo, notes=())
    restorer = Restorer(task=DERAIN, engine=Identity(), tiling=Tiling(tile_px=32, overlap_px=8))
    stored = restorer.restore(source.value, store=output_kind(DERAIN).storing(tmp_path / f"a{suffix}", source))
    assert stored.dtype == (np.uint8 if suffix == ".jpg" else dtype)
    write_result(
        DERAIN, tmp_path / f"a{suffix}", stored, source=source, options=FileOptions(), overwrite=False, provenance={}
    )
    write_photo(tmp_path / f"b{suffix}", restorer.restore(photo.pixels), like=photo, provenance={})
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_photo_with_values_that_are_not_finite_is_refused_before_they_are_rounded(tmp_path):
    photo = Photo(colours=noise(8, 8, 3), bit_depth=8)
    store = output_kind(DERAIN).storing(tmp_path / "a.png", Source(value=photo.colours, photo=photo, notes=()))
    with pytest.raises(Exception, match="infinite or NaN"):
        store(np.full((8, 8, 3), np.nan, np.float32))


def test_a_photo_is_stretched_by_its_own_extremes_and_not_by_a_strip_s():
    dark_above = np.linspace(40, 200, 600 * 20 * 3).reshape(600, 20, 3).astype(np.uint8)
    result = Restorer(task=DERAIN, engine=Identity(stretch_input=True), tiling=Tiling(tile_px=64)).restore(dark_above)
    pixels = as_pixels(dark_above)
    np.testing.assert_allclose(result, (pixels - pixels.min()) / (pixels.max() - pixels.min()), atol=1e-6)


class Bands(Identity):
    """A cube of a photo, or of H whatever the mask."""

    def run_batches(self, batches):
        for tiles, *_ in batches:
            yield np.repeat(tiles[..., :1], 31, axis=3) if tiles.shape[3] == 3 else tiles.copy()


def test_projecting_strips_is_projecting_the_whole_cube():
    photo = noise(90, 40, 3)
    scene = Scene(
        measurement=Measurement(
            values=np.random.default_rng(0).random((90, 40 + 54), np.float32) * 14, kind="simulated"
        ),
        mask=Mask(values=np.random.default_rng(1).random((90, 40), np.float32)),
    )
    tiling = Tiling(tile_px=32, overlap_px=8)
    for task, source in ((RGB2HSI, photo), (SCI, scene)):
        in_strips = Restorer(task=task, engine=Bands(), tiling=tiling).restore(source)
        plain = Restorer(task=task, engine=Bands(), tiling=tiling, project=False).restore(source)
        np.testing.assert_allclose(in_strips, task.project(plain, source), atol=1e-5)
        assert np.abs(in_strips - plain).max() > 0.01


@pytest.mark.long
def test_a_photo_of_12000x9000_stays_within_3_gb_beyond_itself(tmp_path):
    """Read, tiled and written as by the tool, in a process of its own, by a network that costs nothing."""
    rng = np.random.default_rng(0)
    rough = Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8)).resize(
        (12_000, 9_000), Image.Resampling.BICUBIC
    )
    rough.save(tmp_path / "in.png", compress_level=1)
    script = f"""
import resource
from pathlib import Path
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.kinds import output_kind, read_source, write_result
from glmha_cli.inference.restorer import Restorer
from glmha_cli.tasks.derain import DERAIN
from tests.inference.engines import Identity
folder = Path({str(tmp_path)!r})
source = read_source(DERAIN, folder / "in.png", FileOptions())
store = output_kind(DERAIN).storing(folder / "out.png", source)
result = Restorer(task=DERAIN, engine=Identity()).restore(source.value, store=store)
write_result(DERAIN, folder / "out.png", result, source=source, options=FileOptions(), overwrite=False, provenance={{}})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, source.value.nbytes + result.nbytes)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    peak, image = map(int, result.stdout.split())
    assert image == 2 * 12_000 * 9_000 * 3
    assert peak - image < 3e9, f"{peak / 1e9:.2f} GB, of which {image / 1e9:.2f} GB are the photo"
    np.testing.assert_array_equal(read_photo(tmp_path / "out.png").colours[::97], np.asarray(rough)[::97])
