"""The page on which people look into cubes: their values, packed, and what the page has to know of them."""

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt16

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.model import Facts
from glmha_cli.io.cubes.overviews import reduced
from glmha_cli.io.cubes.quantity import quantity_of
from glmha_cli.io.cubes.rgb import nearest_bands, spread_bands
from glmha_cli.io.cubes.windows import blocks
from glmha_cli.physics.colour import rendering_weights
from glmha_cli.printable import printable
from glmha_cli.shapes import size_text

PAGE_VALUES = 16_000_000
"""So many numbers of all cubes together a page holds, 2 bytes each before they are packed; larger cubes are reduced."""
_MISSING, _LARGEST = 0xFFFF, 0xFFFE
_BRIGHT = 0.99
"""This share of the colours is at most white, where values are far from those of reflectance."""
_REFLECTANCE = (0.2, 1.5)
_SAME_NM = 0.1
"""Wavelengths are rounded in files: GDAL writes micrometres with four digits."""


class ByRows(Protocol):
    """A cube, in memory or in its file, of which rows are read."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def facts(self) -> Facts: ...

    def rows(self, start: int, stop: int) -> Float[np.ndarray, "rows w bands"]: ...


def page_values(names: Sequence[str], cubes: Sequence[ByRows], *, served: bool = False) -> dict[str, Any]:
    """What the template `cubes.html` takes. served: the page asks for spectra of the whole cubes.

    Raises:
        BadDataError: cubes of different sizes, bands or wavelengths; one without data.
    """
    require_alike(names, cubes)
    factor = reduction(cubes)
    small = [_small(name, cube, factor) for name, cube in zip(names, cubes, strict=True)]
    first = cubes[0]
    observer = _observer(first)
    packed = [_packed(values) for values in small]
    facts = {
        "cubes": [{"name": printable(name), **facts} for name, (facts, _) in zip(names, packed, strict=True)],
        "wavelength_nm": list(first.facts.wavelength_nm),
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


def _small(name: str, cube: ByRows, factor: int) -> Float[np.ndarray, "h w bands"]:
    """The cube reduced, block by block; BadDataError where there is nothing to see."""
    rows = [reduced(np.asarray(cube.rows(*ends)), factor) for ends in blocks(cube.shape, of=factor)]
    small = np.concatenate(rows)
    if np.isnan(small).all():
        raise BadDataError(f"'{name}': holds no data")
    return small


def require_alike(names: Sequence[str], cubes: Sequence[ByRows]) -> None:
    for name, cube in zip(names[1:], cubes[1:], strict=True):
        if cube.shape != cubes[0].shape:
            raise BadDataError(
                f"'{names[0]}' has {size_text(cubes[0].shape)} values, '{name}' {size_text(cube.shape)}",
                "view cubes of one size and of the same bands",
            )
        ours, theirs = cubes[0].facts.wavelength_nm, cube.facts.wavelength_nm
        if ours and theirs and not np.allclose(ours, theirs, rtol=0, atol=_SAME_NM):
            raise BadDataError(f"'{names[0]}' and '{name}' have different wavelengths", "view each by itself")


def reduction(cubes: Sequence[ByRows]) -> int:
    """By which factor rows and columns have to be fewer, so that all values fit on a page."""
    return max(1, math.ceil(math.sqrt(sum(math.prod(cube.shape) for cube in cubes) / PAGE_VALUES)))


def spectra(cubes: Sequence[ByRows], area: Mapping[str, int]) -> list[dict[str, list[float | None]]]:
    """Of each cube mean and standard deviation of the area's pixels (x0, y0, x1, y1), band by band.

    Only the area's rows are read, some at a time.
    """
    found = []
    for cube in cubes:
        mean, spread = _moments(cube, area)
        found.append(
            {
                name: [None if np.isnan(value) else float(value) for value in values]
                for name, values in (("mean", mean), ("spread", spread))
            }
        )
    return found


def _moments(cube: ByRows, area: Mapping[str, int]) -> tuple[Float[np.ndarray, " bands"], Float[np.ndarray, " bands"]]:
    """(mean, standard deviation) of the pixels that hold data; NaN for bands where none does."""
    bands, columns = cube.shape[2], slice(area["x0"], area["x1"])
    count, total, squares, middle = (np.zeros(bands) for _ in range(4))
    for start, stop in blocks((area["y1"] - area["y0"], *cube.shape[1:])):
        rows = np.asarray(cube.rows(area["y0"] + start, area["y0"] + stop))
        pixels = rows[:, columns].reshape(-1, bands).astype(np.float64)
        known = ~np.isnan(pixels)
        pixels = np.where(known, pixels, 0)
        if not start:  # sums of what differs from about the mean keep their digits
            middle = pixels.sum(axis=0) / known.sum(axis=0).clip(min=1)
        pixels = (pixels - middle) * known
        count, total, squares = count + known.sum(axis=0), total + pixels.sum(axis=0), squares + (pixels**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = total / count
        return middle + offset, np.sqrt((squares / count - offset**2).clip(min=0))


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


def _observer(cube: ByRows) -> Float[np.ndarray, "bands 3"] | None:
    """Weights of the bands for red, green and blue under D65; None where the wavelengths do not tell colours."""
    good = np.array(cube.facts.good_bands or [True] * cube.shape[2])
    if not cube.facts.wavelength_nm or not good.any():
        return None
    weights = np.zeros((cube.shape[2], 3))
    try:
        weights[good] = rendering_weights(np.array(cube.facts.wavelength_nm)[good].tolist())
    except BadDataError:
        return None
    return weights.round(8)


def _rgb(cube: ByRows) -> list[int]:
    """Bands for red, green and blue: those of such light, or three of all where the cube names no such light."""
    if cube.facts.wavelength_nm and cube.facts.wavelength_nm[0] <= 500 and cube.facts.wavelength_nm[-1] >= 600:
        return nearest_bands(cube.facts.wavelength_nm)
    return spread_bands(cube.shape[2])


def _gain(
    values: Float[np.ndarray, "h w bands"], observer: Float[np.ndarray, "bands 3"] | None, rgb: list[int]
) -> float:
    """1 for reflectances; for counts and radiances what brings the brightest colours near white."""
    sample = values[:: max(1, values.shape[0] // 128), :: max(1, values.shape[1] // 128)]
    linear = sample[..., rgb] if observer is None else sample @ observer.astype(np.float32)
    brightest = float(np.nanquantile(linear, _BRIGHT))
    return 1.0 if _REFLECTANCE[0] <= brightest <= _REFLECTANCE[1] or brightest <= 0 else 1 / brightest


def _figures(cube: ByRows, factor: int) -> list[tuple[str, str]]:
    height, width, bands = cube.shape
    figures = [("Size", f"{width} x {height} px"), ("Bands", str(bands))]
    if cube.facts.wavelength_nm:
        figures.append(("Wavelengths", f"{cube.facts.wavelength_nm[0]:g} to {cube.facts.wavelength_nm[-1]:g} nm"))
    sensor = next((cube.facts.tags[name] for name in ("sensor type", "sensor", "model") if name in cube.facts.tags), "")
    if sensor:
        figures.append(("Sensor", sensor))
    return figures + ([("Shown at", f"1/{factor} of its size")] if factor > 1 else [])
