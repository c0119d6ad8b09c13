"""Makes `glmha_cli/physics/spread.npz`, and counts how often true spectra lie within it.

python benchmarks/spectral_spread.py make LIBRARY.npz … -o glmha_cli/physics/spread.npz
python benchmarks/spectral_spread.py check CUBE.mat …    # photos are rendered of these, and reconstructed
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from glmha_cli import load, read_cube
from glmha_cli.physics.colour import project_onto_photo, render
from glmha_cli.physics.spread import spread_of
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.srgb import srgb_to_linear
from glmha_cli.training.data.reflectances import LUMINANCE, Library, read_library
from glmha_cli.training.data.scene import colour_place

SIDE, DRAWN, NEAREST = 13, 40_000, 200
SOURCES = {
    "Objects_Vhrel": 0.30, "capbone": 0.035, "cri2012_r210": 0.045, "earthlib_measured": 0.02,
    "earthlib_prosail_simulated": 0.05, "munsell1269": 0.025, "opstelten215": 0.02, "tm30": 0.12, "usgs": 0.035,
}  # fmt: skip
"""How likely each is: ISETCam's file less than in training, for by training's shares less of the true values lie within
one spread (on CAVE's `toy` 45 % instead of 52 %)."""


def spread_grid(library: Library, weights: Float[np.ndarray, " sources"]) -> Float[np.ndarray, "n n n 31"]:
    """For each colour of the grid: its nearest spectra by chromaticity, as bright as it is and moved onto it."""
    drawn = library.draw(np.random.default_rng(0), DRAWN, weights)
    axis = np.linspace(0, 1, SIDE, dtype=np.float32)
    colours = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    linear = srgb_to_linear(colours[:, 0]).astype(np.float32)
    nearest = cKDTree(colour_place(library.colours[drawn])).query(colour_place(linear), k=NEAREST)[1]
    spectra = library.spectra[drawn[nearest]] * (linear @ LUMINANCE)[:, None, None]
    spectra = project_onto_photo(spectra, np.broadcast_to(colours, (*spectra.shape[:2], 3)))
    return spectra.std(axis=1).reshape(SIDE, SIDE, SIDE, -1)


def make(libraries: list[Path], output: Path) -> None:
    training, _ = read_library(libraries, RGB2HSI_NM)
    weights = training.weights(SOURCES)
    np.savez_compressed(output, spread=spread_grid(training, weights).astype(np.float16))
    print(f"-> {output} ({output.stat().st_size} bytes)")


def check(paths: list[Path]) -> None:
    model = load("rgb2hsi")
    print(f"{'cube':20} {'rms error':>10} {'rms spread':>10} {'within 1':>9} {'within 2':>9}")
    for path in paths:
        cube = read_cube(path).values
        photo = np.rint(render(cube) * 255).astype(np.uint8)
        error = np.abs(model.cube(photo).values - cube)
        spread = spread_of(photo.astype(np.float32) / 255)
        sizes = (f"{np.sqrt(np.square(each).mean()):10.4f}" for each in (error, spread))
        print(f"{path.name:20}", *sizes, *(f"{(error <= count * spread).mean():9.1%}" for count in (1, 2)))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "check"))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("spread.npz"))
    options = parser.parse_args(arguments)
    if options.what == "make":
        return make(options.files, options.output)
    return check(options.files)


if __name__ == "__main__":
    main(sys.argv[1:])
