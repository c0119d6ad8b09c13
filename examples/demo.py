"""Restore every bundled example with its bundled checkpoint, and measure the results against the truth."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glmha_cli.evaluation.protocols import PROTOCOLS
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.write import write_photo
from glmha_cli.lookup import resolve
from glmha_cli.physics.colour import rendering_weights
from glmha_cli.srgb import linear_to_srgb
from glmha_cli.tasks import TASKS

FOLDER = Path(__file__).parent
OUTPUT = Path("demo")


@dataclass(frozen=True, kw_only=True)
class Example:
    """Files in the task's folder. shown: what is put left of result and truth in the picture, if it can be."""

    source: str
    truth: str
    result: str
    options: tuple[str, ...] = ()
    shown: bool = True


EXAMPLES = {
    "derain": Example(source="rainy.png", truth="clean.png", result="derained.png"),
    "deblur": Example(source="blurred.png", truth="sharp.png", result="deblurred.png"),
    "rgb2hsi": Example(source="photo.png", truth="cube.npz", result="rgb2hsi.tif"),
    "sci": Example(
        source="measurement.mat", truth="cube.npz", result="sci.tif", options=("--mask", "mask.mat"), shown=False
    ),
}


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    for task, example in EXAMPLES.items():
        restore(task, example)


def restore(task: str, example: Example) -> None:
    folder, result = FOLDER / task, OUTPUT / example.result
    options = [str(folder / each) if (folder / each).is_file() else each for each in example.options]
    subprocess.run(
        [sys.executable, "-m", "glmha_cli", task, folder / example.source, result, *options, "--overwrite"], check=True
    )
    protocol = PROTOCOLS[resolve(TASKS, task, "task").protocol]
    pictures = [folder / example.source] if example.shown else []
    print(f"{task}: {scores(protocol, result, folder / example.truth)}")
    sheet = OUTPUT / f"{task}_before_after_truth.png"
    row = np.concatenate([picture(path) for path in (*pictures, result, folder / example.truth)], axis=1)
    write_photo(sheet, row, like=Photo(colours=row, bit_depth=8), overwrite=True)
    print(f"  {result}, {sheet}")


def scores(protocol, result: Path, truth: Path) -> str:
    metrics = protocol.score(values(result), values(truth)).metrics
    return ", ".join(f"{name} {value:.3g}" for name, value in metrics.items())


def values(path: Path) -> np.ndarray:
    return read_photo(path).pixels if path.suffix == ".png" else read_cube(path).values


def picture(path: Path) -> np.ndarray:
    """A photo, or a cube as the photo that it renders to."""
    if path.suffix == ".png":
        return values(path)
    cube = read_cube(path)
    return linear_to_srgb((cube.values @ rendering_weights(cube.wavelength_nm)).clip(0, 1)).astype(np.float32)


if __name__ == "__main__":
    main()
