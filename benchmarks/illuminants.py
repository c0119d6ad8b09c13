"""What the right light is worth to rgb2hsi: reflectances in a light, photographed, reconstructed with it and without.

    python benchmarks/illuminants.py [CUBE.mat …]

Without cubes: the 53 samples that colour-science has of the CIE (1995), NIST (CQS 9.0) and ISO 17321-1, as patches.
"""

import sys
from pathlib import Path

import colour
import numpy as np
from jaxtyping import Float

from glmha_cli import load, read_cube
from glmha_cli.api.model import Model
from glmha_cli.physics.colour import delta_e_2000, render
from glmha_cli.tasks.lights import named_light

LIGHTS = ("D65", "D50", "A", "F2", "F11")
PATCH_PX = 8


def samples() -> Float[np.ndarray, "104 104 31"]:
    """A chart of 13 columns; the last row is filled up from the first samples."""
    from colour.quality.datasets import SDS_TCS, SDS_VS

    of = SDS_TCS["CIE 1995"], SDS_VS["NIST CQS 9.0"], colour.SDS_COLOURCHECKERS["ISO 17321-1"]
    shape = colour.SpectralShape(400, 700, 10)
    spectra = np.array([each.copy().align(shape).values for samples in of for each in samples.values()])
    chart = np.resize(spectra, (5 * 13, 31)).reshape(5, 13, 31).clip(0, 1).astype(np.float32)
    return chart.repeat(PATCH_PX, axis=0).repeat(PATCH_PX, axis=1)


def errors(model: Model, truth: Float[np.ndarray, "h w 31"], light: str, told: str) -> tuple[float, float]:
    """(RMSE of the reflectance, difference of its colours in D65) of a photo in `light` that `told` is said of."""
    photo = np.rint(render(truth, named_light(light)) * 255).astype(np.uint8)
    cube = model.cube(photo, illuminant=told).values
    return float(np.sqrt(np.square(cube - truth).mean())), delta_e_2000(render(cube), render(truth))


def main(paths: list[str]) -> None:
    model = load("rgb2hsi")
    print(f"{'':16} {'light':5} {'RMSE as D65':>12} {'RMSE':>8} {'Delta E as D65':>15} {'Delta E':>8}")
    for name, truth in {path: read_cube(Path(path)).values for path in paths}.items() or [("samples", samples())]:
        for light in LIGHTS:
            (rmse, delta_e), (right, right_delta_e) = (errors(model, truth, light, told) for told in ("D65", light))
            print(f"{Path(name).name:16} {light:5} {rmse:12.4f} {right:8.4f} {delta_e:15.2f} {right_delta_e:8.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
