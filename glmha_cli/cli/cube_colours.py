"""Cubes in colours: what an observer under D65 would see, or three bands as red, green and blue."""

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.cli.cube_input import CubeRows
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.model import Facts
from glmha_cli.io.cubes.rgb import spread_bands
from glmha_cli.io.cubes.windows import blocks
from glmha_cli.io.photos.write import in_depth
from glmha_cli.physics.colour import rendering_weights
from glmha_cli.srgb import linear_to_srgb

Chosen = tuple[list[int], Float[np.ndarray, "bands 3"]]
"""Bands, and their weights for linear red, green and blue."""


def in_colours(cube: CubeRows, chosen: Chosen, *, gain: float = 1.0) -> tuple[UInt8[np.ndarray, "h w 3"], int]:
    """(sRGB, how many pixels hold no data and are black); BadDataError where none does."""
    pixels, missing = np.empty((*cube.shape[:2], 3), np.uint8), 0
    bands, weights = chosen
    for start, stop in blocks(cube.shape):
        linear = cube.rows(start, stop)[..., bands] @ weights
        missing += int(np.isnan(linear).any(axis=2).sum())
        colours = linear_to_srgb((np.nan_to_num(linear) * gain).clip(0, 1))
        pixels[start:stop] = in_depth(colours, 8, grayscale=False)
    if missing == pixels.shape[0] * pixels.shape[1]:
        raise BadDataError(f"'{cube.path}': holds no data")
    return pixels, missing


def observed(facts: Facts, count: int) -> Chosen:
    """Of a cube as reflectance under D65, by the bands that are not marked as bad; BadDataError where none tell."""
    if not facts.wavelength_nm:
        raise BadDataError("the cube names no wavelengths", f"choose bands: --bands {some_bands(count)}")
    shown = np.flatnonzero(facts.good_bands) if any(facts.good_bands) else np.arange(count)
    try:
        weights = rendering_weights([facts.wavelength_nm[band] for band in shown])
    except BadDataError as error:
        raise BadDataError(error.message, f"choose bands: --bands {some_bands(count)}") from error
    seen = weights.any(axis=1)  # a gap outside the visible range is none here
    return shown[seen].tolist(), weights[seen].astype(np.float32)


def some_bands(count: int) -> str:
    """`spread_bands` as --bands takes them."""
    return ",".join(map(str, spread_bands(count)))


def three_bands(count: int, bands: str) -> Chosen:
    """Of bands "r,g,b", counted from 0."""
    parts = bands.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) < count for part in parts):
        raise UsageError(
            f"--bands takes three of the bands 0..{count - 1}, not '{bands}'", f"--bands {some_bands(count)}"
        )
    return [int(part) for part in parts], np.eye(3, dtype=np.float32)
