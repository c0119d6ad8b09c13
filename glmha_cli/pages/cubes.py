"""The page on which people look into cubes: their values, packed, and what the page has to know of them."""

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt16

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import Cube
from glmha_cli.io.cubes.overviews import reduced
from glmha_cli.io.cubes.quantity import quantity_of
from glmha_cli.physics.colour import rendering_weights
from glmha_cli.printable import printable
from glmha_cli.shapes import size_text

PAGE_VALUES = 16_000_000
"""So many numbers of all cubes together a page holds, 2 bytes each before they are packed; larger cubes are reduced."""
_MISSING, _LARGEST = 0xFFFF, 0xFFFE
_BRIGHT = 0.99
"""This share of the colours is at most white, where values are far from those of reflectance."""
_REFLECTANCE = (0.2, 1.5)


def page_values(names: Sequence[str], cubes: Sequence[Cube], *, served: bool = False) -> dict[str, Any]:
    """What the template `cubes.html` takes. served: the page asks for spectra of the whole cubes.

    Raises:
        BadDataError: cubes of different sizes, bands or wavelengths.
    """
    require_alike(names, cubes)
    factor = reduction(cubes)
    small = [reduced(cube.values, factor) for cube in cubes]
    first = cubes[0]
    observer = _observer(first)
    packed = [_packed(values) for values in small]
    facts = {
        "cubes": [{"name": printable(name), **facts} for name, (facts, _) in zip(names, packed, strict=True)],
        "wavelength_nm": list(first.wavelength_nm),
        "rgb": _rgb(first),
        "observer": None if observer is None else observer.tolist(),
        "gain": _gain(small[0], observer, _rgb(first)),
        "quantity": quantity_of(first.facts),
        "size": first.shape[:2],
        "reduced": factor,
        "served": served,
    }
    from markupsafe import Markup

    return {
        "names": list(names),
        "figures": _figures(first, factor),
        "facts": Markup(json.dumps(facts).replace("<", "\\u003c")),
        "texts": [text for _, text in packed],
    }


def require_alike(names: Sequence[str], cubes: Sequence[Cube]) -> None:
    for name, cube in zip(names[1:], cubes[1:], strict=True):
        if cube.shape != cubes[0].shape:
            raise BadDataError(
                f"'{names[0]}' has {size_text(cubes[0].shape)} values, '{name}' {size_text(cube.shape)}",
                "view cubes of one size and of the same bands",
            )
        if cube.wavelength_nm and cubes[0].wavelength_nm and cube.wavelength_nm != cubes[0].wavelength_nm:
            raise BadDataError(f"'{names[0]}' and '{name}' have different wavelengths", "view each by itself")


def reduction(cubes: Sequence[Cube]) -> int:
    """By which factor rows and columns have to be fewer, so that all values fit on a page."""
    return max(1, math.ceil(math.sqrt(sum(cube.size for cube in cubes) / PAGE_VALUES)))


def spectra(cubes: Sequence[Cube], area: Mapping[str, int]) -> list[dict[str, list[float | None]]]:
    """Of each cube mean and standard deviation of the area's pixels (x0, y0, x1, y1), band by band."""
    found = []
    for cube in cubes:
        pixels = cube[area["y0"] : area["y1"], area["x0"] : area["x1"]].reshape(-1, cube.shape[2]).astype(np.float64)
        missing = np.isnan(pixels).all(axis=0)
        pixels[:, missing] = 0
        mean, spread = np.nanmean(pixels, axis=0), np.nanstd(pixels, axis=0)
        found.append(
            {
                name: [None if gone else float(value) for gone, value in zip(missing, values, strict=True)]
                for name, values in (("mean", mean), ("spread", spread))
            }
        )
    return found


def _packed(values: Float[np.ndarray, "h w bands"]) -> tuple[dict[str, Any], str]:
    """(what unpacks it, 16-bit numbers band by band, deflated, as base64)."""
    low, high = (float(each) for each in (np.nanmin(values), np.nanmax(values)))
    scale = (high - low) / _LARGEST or 1.0
    height, width, bands = values.shape
    stored: UInt16[np.ndarray, "bands h w"] = np.empty((bands, height, width), "<u2")
    for band in range(bands):
        plane = np.rint((values[..., band] - low) / scale)
        stored[band] = np.where(np.isnan(plane), _MISSING, plane)
    facts = {"height": height, "width": width, "bands": bands, "offset": low, "scale": scale}
    return facts, base64.b64encode(zlib.compress(stored.tobytes())).decode()


def _observer(cube: Cube) -> Float[np.ndarray, "bands 3"] | None:
    """Weights of the bands for red, green and blue under D65; None where the wavelengths do not tell colours."""
    good = np.array(cube.facts.good_bands or [True] * cube.shape[2])
    if not cube.wavelength_nm or not good.any():
        return None
    weights = np.zeros((cube.shape[2], 3))
    try:
        weights[good] = rendering_weights([nm for nm, is_good in zip(cube.wavelength_nm, good, strict=True) if is_good])
    except BadDataError:
        return None
    return weights.round(8)


def _rgb(cube: Cube) -> list[int]:
    """Bands for red, green and blue: those near 640, 550 and 460 nm, or three of all where there are none."""
    bands = cube.shape[2]
    if cube.wavelength_nm and cube.wavelength_nm[0] <= 500 and cube.wavelength_nm[-1] >= 600:
        return [int(np.abs(np.subtract(cube.wavelength_nm, nm)).argmin()) for nm in (640, 550, 460)]
    return [5 * bands // 6, bands // 2, bands // 6]


def _gain(
    values: Float[np.ndarray, "h w bands"], observer: Float[np.ndarray, "bands 3"] | None, rgb: list[int]
) -> float:
    """1 for reflectances; for counts and radiances what brings the brightest colours near white."""
    sample = values[:: max(1, values.shape[0] // 128), :: max(1, values.shape[1] // 128)]
    linear = sample[..., rgb] if observer is None else sample @ observer.astype(np.float32)
    brightest = float(np.nanquantile(linear, _BRIGHT))
    return 1.0 if _REFLECTANCE[0] <= brightest <= _REFLECTANCE[1] or brightest <= 0 else 1 / brightest


def _figures(cube: Cube, factor: int) -> list[tuple[str, str]]:
    height, width, bands = cube.shape
    figures = [("Size", f"{width} x {height} px"), ("Bands", str(bands))]
    if cube.wavelength_nm:
        figures.append(("Wavelengths", f"{cube.wavelength_nm[0]:g} to {cube.wavelength_nm[-1]:g} nm"))
    sensor = next((cube.facts.tags[name] for name in ("sensor type", "sensor", "model") if name in cube.facts.tags), "")
    if sensor:
        figures.append(("Sensor", sensor))
    return figures + ([("Shown at", f"1/{factor} of its size")] if factor > 1 else [])
