"""Make the example files from photos that scikit-image ships. Needs glmha[train]; run from the checkout."""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from glmha_cli.training.degradations.validation_rain import add_validation_rain

FOLDER = Path(__file__).parent / "derain"
SEED = 4


def main() -> None:
    clean = skimage.data.coffee()
    rainy = add_validation_rain(clean.astype(np.float32) / 255, rng=np.random.default_rng(SEED))
    Image.fromarray(clean).save(FOLDER / "clean.png", optimize=True)
    Image.fromarray(np.rint(rainy * 255).astype(np.uint8)).save(FOLDER / "rainy.png", optimize=True)


if __name__ == "__main__":
    main()
