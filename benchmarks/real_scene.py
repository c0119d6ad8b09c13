"""How even the background of a real CASSI scene comes out: by sci in several tiles, and by GAP-TV.

    python benchmarks/real_scene.py real_scene1.mat real_mask.mat --regions 60,500 280,500 500,500

Printed is the largest difference of the regions' means in any band, as a share of their mean; regions are 80 px wide.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from baselines import gap_tv
from jaxtyping import Float

from glmha_cli import load
from glmha_cli.io.measurements.read import read_mask, read_measurement
from glmha_cli.tasks.sci import BANDS, SCI, scene_of

SIDE_PX = 80
TILES = ("auto", "256", "128")


def unevenness(cube: Float[np.ndarray, "h w bands"], regions: list[tuple[int, int]]) -> float:
    means = np.array([cube[y : y + SIDE_PX, x : x + SIDE_PX].mean(axis=(0, 1)) for x, y in regions])
    return float(((means.max(axis=0) - means.min(axis=0)) / means.mean(axis=0)).max())


def results(measurement: Path, mask: Path) -> Iterator[tuple[str, Float[np.ndarray, "h w bands"]]]:
    scene = scene_of(read_measurement(measurement), read_mask(mask))
    for tile in TILES:
        yield f"sci --tile {tile}", load("sci", tile=tile).restorer.restore(scene)
    cube = gap_tv(scene.measurement.y(bands=BANDS), scene.mask.values, bands=BANDS, step=scene.step)
    yield "GAP-TV, 60 iterations", SCI.finish(cube, scene)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--regions", nargs="+", required=True, metavar="X,Y")
    options = parser.parse_args(arguments)
    regions = [(int(x), int(y)) for x, y in (text.split(",") for text in options.regions)]
    for name, cube in results(options.measurement, options.mask):
        print(f"{name:22} {unevenness(cube, regions):7.1%}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
