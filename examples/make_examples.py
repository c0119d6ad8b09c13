"""Make the example files: photos that scikit-image ships, degraded by the validation generators (not those of
training).

    python examples/make_examples.py SPECTRA.npz

SPECTRA.npz: the reflectances of training, of which the held-out tenth makes the cubes. Needs glmha[train]; run from the
checkout.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from scipy.io import savemat

from glmha_cli.physics import cassi
from glmha_cli.physics.colour import render
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.training.data.reflectances import read_library
from glmha_cli.training.data.spectra import nearest_cube
from glmha_cli.training.degradations.sensor import add_noise
from glmha_cli.training.degradations.snapshot import VALIDATION_READ, VALIDATION_SHOT
from glmha_cli.training.degradations.validation_blur import add_validation_blur
from glmha_cli.training.degradations.validation_rain import add_validation_rain

FOLDER = Path(__file__).parent


def main() -> None:
    spectra = Path(sys.argv[1])
    photos(
        FOLDER / "derain" / "rainy.png",
        FOLDER / "derain" / "clean.png",
        skimage.data.coffee(),
        add_validation_rain,
        seed=4,
    )
    photos(
        FOLDER / "deblur" / "blurred.png",
        FOLDER / "deblur" / "sharp.png",
        skimage.data.chelsea(),
        add_validation_blur,
        seed=2,
    )
    colourful = skimage.data.astronaut()[:160, :160]
    materials(FOLDER / "rgb2hsi", colourful, spectra)
    snapshot(FOLDER / "sci", colourful, spectra, seed=1)


def photos(degraded: Path, clean: Path, photo: np.ndarray, degrade, *, seed: int) -> None:
    clean.parent.mkdir(exist_ok=True)
    image = degrade(photo.astype(np.float32) / 255, rng=np.random.default_rng(seed))
    for path, pixels in ((clean, photo), (degraded, as_bytes(image))):
        Image.fromarray(pixels).save(path, optimize=True)


def materials(folder: Path, photo: np.ndarray, spectra: Path) -> None:
    """A cube of held-out spectra in the photo's colours, and the photo of that cube."""
    folder.mkdir(exist_ok=True)
    library = read_library([spectra], RGB2HSI_NM)[1]
    cube = nearest_cube(photo, library, library.weights({}))
    save_cube(folder / "cube.npz", cube, RGB2HSI_NM)
    Image.fromarray(as_bytes(render(cube))).save(folder / "photo.png", optimize=True)


def snapshot(folder: Path, photo: np.ndarray, spectra: Path, *, seed: int) -> None:
    """Such a cube for sci, a mask of random bits and the noisy snapshot through it."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    library = read_library([spectra], SCI_NM)[1]
    cube = nearest_cube(photo, library, library.weights({}))
    mask = rng.integers(2, size=photo.shape[:2]).astype(np.float32)
    measurement = add_noise(cassi.forward(cube, mask, step=2), rng, shot=VALIDATION_SHOT, read=VALIDATION_READ)
    save_cube(folder / "cube.npz", cube, SCI_NM)
    savemat(folder / "mask.mat", {"mask": mask.astype(np.uint8)}, do_compression=True)
    savemat(folder / "measurement.mat", {"simulation_test": measurement.astype(np.float32)}, do_compression=True)


def save_cube(path: Path, cube: np.ndarray, wavelength_nm: Sequence[float]) -> None:
    """In half precision and compressed: half a megabyte."""
    np.savez_compressed(path, cube=cube.astype(np.float16), wavelength_nm=wavelength_nm)


def as_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(image * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
