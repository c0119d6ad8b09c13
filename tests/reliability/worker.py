"""Reads damaged files one by one and says what came of each; a process of its own, which may die of one.

Called as: python -m tests.reliability.worker FOLDER, with one case a line on stdin: seed and sample. On stdout a line
per case, once it is done: what came of it.
"""

import resource
import signal
import sys
import warnings
from pathlib import Path

import numpy as np

from glmha_cli.cli.output import one_line, printable
from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import read_cube, write_cube
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
from tests.reliability.corpus import samples
from tests.reliability.damage import damaged

MEMORY_BYTES = 3 << 30
CASE_SECONDS = 10  # of computing
MAX_PIXELS = 1_000_000
PHOTO_SUFFIXES = (".png", ".tif", ".jpg", ".webp")
CUBE_SUFFIXES = (".tif", ".hdr", ".mat", ".npz")


def read_and_rewrite_photo(path: Path, out: Path) -> None:
    """What is read is a photo, and can be written (its metadata too) and read again."""
    photo = read_photo(path, max_pixels=MAX_PIXELS)
    pixels = photo.pixels
    assert pixels.dtype == np.float32 and pixels.shape[2] == 3
    assert pixels.min() >= 0 and pixels.max() <= 1
    assert photo.alpha is None or photo.alpha.shape == pixels.shape[:2]
    srgb_colours(photo)
    write_photo(out, pixels, like=photo, overwrite=True, provenance={"glmha": "test"})
    again = read_photo(out)
    assert again.pixels.shape == pixels.shape
    assert out.suffix != ".png" or photo.bit_depth == 32 or np.array_equal(again.pixels, pixels)


def read_and_rewrite_cube(path: Path, out: Path) -> None:
    """What is read is a cube, and comes back from any format as it was."""
    cube = read_cube(path)
    assert not np.isinf(cube.values).any()
    write_cube(out, cube, overwrite=True)
    again = read_cube(out)
    assert np.array_equal(again.values, cube.values, equal_nan=True)
    assert np.allclose(again.wavelength_nm, cube.wavelength_nm, rtol=1e-6)


def outcome(kind: str, path: Path, out: Path) -> str:
    """ "read", or "refused: why" for an error that names the file; any other ends this process."""
    try:
        (read_and_rewrite_photo if kind == "photo" else read_and_rewrite_cube)(path, out)
    except BadDataError as error:
        assert str(path) in error.message and "\n" not in error.message
        return f"refused: {printable(one_line(error))}"
    return "read"


def plant(name: str, seed: int, folder: Path) -> Path:
    """The sample damaged by this seed, in `folder`."""
    sample = samples()[name]
    for other, data in sample.beside:
        (folder / other).write_bytes(data)
    path = folder / sample.name
    path.write_bytes(sample.seal(damaged(sample.data, np.random.default_rng(seed))))
    return path


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")  # of Pillow, about EXIF
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        seed, name = line.rstrip("\n").split(" ", 1)
        path, kind = plant(name, int(seed), folder), name.split()[0]
        suffixes = PHOTO_SUFFIXES if kind == "photo" else CUBE_SUFFIXES
        signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)  # then ends the process, even inside a decoder
        result = outcome(kind, path, folder / f"out{suffixes[int(seed) % 4]}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(result, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
