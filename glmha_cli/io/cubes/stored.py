"""From what a file holds to a cube: axes, no data, scale, order of the bands."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.axes import bands_last
from glmha_cli.io.cubes.model import Cube, CubeOptions, Factor, Facts, Stored, cube_with
from glmha_cli.io.cubes.scaling import as_asked, require_one_per_band, scaled, with_units, without_old_numbers
from glmha_cli.io.cubes.wavelengths import require_plausible_wavelengths, rising, to_nanometres, unit_of

_COUNTS_BANDS = "default bands"  # of ENVI: numbers of bands, which mean others after sorting
_PER_BAND = ("wavelength_nm", "fwhm_nm", "band_names", "good_bands")


def to_cube(stored: Stored, options: CubeOptions, *, is_part: bool = False) -> Cube:
    """The cube of `stored`: stored * scale + offset as float32, NaN where there is no data, bands by wavelength.

    is_part: `stored` is some of the rows, which may hold no data.

    Raises:
        BadDataError: not three axes, or in doubt which is which; integers without a scale; infinite values; nothing but
            missing data; wavelengths that do not fit. UsageError: options that the file contradicts.
    """
    stored, unit_notes = _with_unit(stored, options.unit)
    stored, units_notes = with_units(as_asked(stored, options.scale))
    values, axes_note = bands_last(stored, None if is_part else options.axes, bands=options.bands)
    require_one_per_band(stored, values.shape[2])
    missing = _missing(values, stored)
    values = scaled(values, stored, is_asked=options.scale is not None)
    stored = without_old_numbers(stored)
    if missing is not None:
        values[missing] = np.nan
    if np.isinf(values).any():
        raise BadDataError("holds infinite values", "write NaN there, which means no data")
    if not is_part and np.isnan(values).all():
        raise BadDataError("holds no data")
    per_band, notes = _per_band(stored, values.shape[2])
    facts = Facts(
        wavelength_nm=_wavelength_nm(stored, values.shape[2]),
        nodata=stored.nodata,
        georeference=stored.georeference,
        tags=stored.tags,
        notes=(*stored.notes, *unit_notes, *units_notes, *([axes_note] if axes_note else []), *notes),
        **per_band,
    )
    order, note = rising(facts.wavelength_nm)
    if order is not None:
        values, facts = np.ascontiguousarray(values[..., order]), in_band_order(facts, order.tolist())
    return cube_with(values, replace(facts, notes=(*facts.notes, note)) if note else facts)


def checked_cube(values: Num[np.ndarray, "h w bands"], wavelength_nm: Sequence[float]) -> Cube:
    """A cube of an array in memory; BadDataError as `to_cube`. There is no data where an array of floats is masked; of
    a cube all else that is known of it stays.
    """
    if np.ma.is_masked(values) and values.dtype.kind == "f":
        values = np.ma.filled(values, np.nan)
    known = values.facts if isinstance(values, Cube) else Facts()
    stored = Stored(
        values=np.asarray(values),
        axes="hwb",
        wavelengths=wavelength_nm,
        fwhm=known.fwhm_nm,
        band_names=known.band_names,
        good_bands=known.good_bands,
        georeference=known.georeference,
        tags=known.tags,
        band_tags=known.band_tags,
    )
    cube = to_cube(stored, CubeOptions())
    return cube_with(cube.values, replace(cube.facts, nodata=known.nodata))


def _with_unit(stored: Stored, unit: str | None) -> tuple[Stored, list[str]]:
    """With the user's unit where the file has none; without wavelengths, and a word on it, where nobody names one."""
    if not len(stored.wavelengths) or unit_of(stored.unit):
        return stored, []
    if unit is not None:
        return replace(stored, unit=unit), []
    named = f"in '{stored.unit}', which is no length" if stored.unit else "without a unit"
    note = f"names its wavelengths {named}: left out (--unit nm or --unit um says what they are)"
    return replace(stored, fwhm=(), unit=""), [note]


def _wavelength_nm(stored: Stored, bands: int) -> tuple[float, ...]:
    wavelength_nm = to_nanometres(stored.wavelengths, stored.unit)
    require_plausible_wavelengths(wavelength_nm, bands)
    return tuple(wavelength_nm)


def _missing(values: Num[np.ndarray, "h w bands"], stored: Stored) -> Bool[np.ndarray, "h w bands"] | None:
    """Where there is no data beside NaN: by numbers that stand for it or are not valid, and by the mask."""
    missing = None
    for found in _absent(values, stored):  # one at a time: each is as large as the cube
        missing = found if missing is None else missing | found
    return missing


def _absent(values: Num[np.ndarray, "h w bands"], stored: Stored) -> Iterator[Bool[np.ndarray, "h w bands"]]:
    for number in (stored.nodata, *stored.missing):
        if number is not None and not np.isnan(number):
            yield values == _of_kind(number, values.dtype)
    if stored.valid is not None:
        low, high = (_of_kind(each, values.dtype) for each in stored.valid)
        yield (values < low) | (values > high)
    if stored.mask is not None:
        yield np.broadcast_to(~stored.mask[..., None], values.shape)


def _of_kind(number: Factor, dtype: np.dtype) -> Factor:
    """No more precise than the floating-point values that it is compared with."""
    with np.errstate(over="ignore"):
        return np.asarray(number).astype(dtype) if dtype.kind == "f" else number


def _per_band(stored: Stored, bands: int) -> tuple[dict, list[str]]:
    """What is said of each band, and notes on what is left out because it does not fit the bands."""
    said = {
        "fwhm_nm": tuple(to_nanometres(stored.fwhm, stored.unit)),
        "band_names": tuple(map(str, stored.band_names)),
        "good_bands": tuple(map(bool, stored.good_bands)),
    }
    fitting = {name: items if len(items) == bands else () for name, items in said.items()}
    band_tags = {name: items for name, items in stored.band_tags.items() if len(items) == bands}
    wrong = [f"{len(items)} {name}" for name, items in said.items() if len(items) not in (0, bands)]
    return fitting | {"band_tags": band_tags}, [f"names {each} for {bands} bands: left out" for each in wrong]


def in_band_order(facts: Facts, order: Sequence[int]) -> Facts:
    """What is said of the bands `order` of a cube."""

    def picked(items: tuple) -> tuple:
        return tuple(items[i] for i in order) if items else ()

    kept: dict[str, Any] = {name: picked(getattr(facts, name)) for name in _PER_BAND}
    return replace(
        facts,
        tags={name: text for name, text in facts.tags.items() if name != _COUNTS_BANDS},
        band_tags={name: picked(items) for name, items in facts.band_tags.items()},
        **kept,
    )
