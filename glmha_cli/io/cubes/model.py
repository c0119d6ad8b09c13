"""What a cube is: values, wavelengths, and what else its file knew. Every format reads into it and writes from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.knowing import Knowing
from glmha_cli.io.cubes.on_disk import OnDisk

Transform = tuple[float, float, float, float, float, float]
GeoTag = tuple[int, int, int, bytes]
Factor = float | np.ndarray
"""One number, or one per band."""
UNITS = "units"
"""The tag that names the units of the values."""


def as_transform(numbers: Sequence[float]) -> Transform | None:
    """Six numbers in GDAL's order; None for any other count."""
    if len(numbers) != 6:
        return None
    x, dx, rx, y, ry, dy = numbers
    return x, dx, rx, y, ry, dy


@dataclass(frozen=True, kw_only=True)
class Georeference:
    """Where the pixels lie on the ground.

    crs: "EPSG:32631" or WKT; empty where unknown. untold: a system that is named and cannot be told so.
    transform: (x, dx per column, dx per row, y, dy per column, dy per row) of the top left corner, GDAL's order; None
        where unknown.
    geotiff: tags of a TIFF as stored: (code, TIFF type, count, little-endian bytes). envi: fields of an ENVI header as
        written. Either is what the file itself had, and goes back into such a file unchanged.
    """

    crs: str = ""
    untold: str = ""
    transform: Transform | None = None
    geotiff: tuple[GeoTag, ...] = ()
    envi: Mapping[str, str] = field(default_factory=dict)

    def lost_elsewhere(self) -> tuple[str, ...]:
        """What a file that holds `crs` and `transform` alone cannot say of the place, as notes."""
        untold = (f"its coordinate system, {self.untold}, is left out",) if self.untold else ()
        no_grid = f"its georeference is no plain grid: {'all but its CRS is ' if self.crs else ''}left out"
        return untold if self.transform is not None else (no_grid, *untold)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a cube beside its values.

    wavelength_nm: the centre of each band, not falling; empty when the file does not say (.npy never does, MST's result
        files do not). Whoever knows what the cube should be supplies the grid; reading never guesses one.
    fwhm_nm: full width at half maximum of each band, as a file stated it. band_names: likewise.
    good_bands: False for a band that its maker marked as bad. Each of these is empty where the file does not say.
    nodata: the number that stands for "no data" in files; None where none was stated.
    tags: what the file says of the cube as a whole (acquisition, sensor, provenance): name -> text.
    band_tags: further texts, one for each band.
    notes: what reading left out or changed, for the user.
    """

    wavelength_nm: tuple[float, ...] = ()
    fwhm_nm: tuple[float, ...] = ()
    band_names: tuple[str, ...] = ()
    good_bands: tuple[bool, ...] = ()
    nodata: float | None = None
    georeference: Georeference | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    band_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Cube(Knowing):
    """A spectral cube: a float32 array (h, w, bands) that carries what is known of it.

    values: reflectance or intensity, by convention in [0, 1]; NaN where the file holds no data. Not copied.
    wavelength_nm, others: see `Facts`. BadDataError for values of another kind, and for other counts than of bands.

    A copy is a cube too; what is cut out of a cube or computed from it is a plain array, and of what has its bands or
    pixels in another order nothing is known.
    """

    facts: Facts = Facts()

    def __new__(
        cls, *, values: Float[np.ndarray, "h w bands"], wavelength_nm: Sequence[float], **others: Any
    ) -> "Cube":
        if values.ndim != 3 or values.dtype != np.float32:
            raise BadDataError(f"a cube of {values.dtype} {values.shape}, not of float32 (h, w, bands)")
        cube = values.view(cls)
        cube.facts = Facts(wavelength_nm=tuple(wavelength_nm), **others)
        for name in ("wavelength_nm", "fwhm_nm", "band_names", "good_bands"):
            if (count := len(getattr(cube.facts, name))) not in (0, values.shape[2]):
                raise BadDataError(f"{count} {name} for {values.shape[2]} bands")
        return cube

    @property
    def values(self) -> Float[np.ndarray, "h w bands"]:
        """The same as a plain array."""
        return self.view(np.ndarray)

    @property
    def wavelength_nm(self) -> tuple[float, ...]:
        return self.facts.wavelength_nm

    def rows(self, start: int, stop: int) -> Float[np.ndarray, "rows w bands"]:
        """Some rows, as `windows.CubeRows` reads them from a file."""
        return self.values[start:stop]

    @property
    def missing(self) -> Bool[np.ndarray, "h w bands"]:
        """Where there is no data."""
        return np.isnan(self.values)

    def whole(self) -> "Cube":
        """The cube itself; BadDataError where data are missing, for what cannot do with gaps."""
        if self.missing.any():
            raise BadDataError(f"{self.missing.any(axis=2).sum()} pixels of a cube have no data", "crop the cube")
        return self

    @np.errstate(over="ignore")
    def stored(self) -> tuple[Float[np.ndarray, "h w bands"], float | None]:
        """(values as a file holds them, the number there that means no data; None where nothing has to be said).

        The number is `nodata`; NaN where none is stated, float32 lacks it, or a measured value happens to be the same.
        """
        values, missing, nodata = self.values, self.missing, self.facts.nodata
        if nodata is None or np.isinf(np.float32(nodata)) or (values == np.float32(nodata)).any():
            return values, float("nan") if missing.any() else None
        return (np.where(missing, np.float32(nodata), values) if missing.any() else values), nodata

    def __reduce__(self) -> tuple[Any, ...]:
        return cube_with, (self.values, self.facts)


def cube_with(values: Float[np.ndarray, "h w bands"], facts: Facts) -> Cube:
    """The values as a cube of which all this is known."""
    return Cube(values=values, **{each.name: getattr(facts, each.name) for each in fields(facts)})


@dataclass(frozen=True, kw_only=True)
class CubeOptions:
    """What a user may say of a file that does not say it.

    key: name of the variable or data set. axes: order of height, width and bands in the file, such as "bhw".
    scale: what the stored numbers are multiplied by, instead of what the file says.
    unit: of wavelengths that come without one, such as "nm". bands: how many a cube without wavelengths has.
    """

    key: str | None = None
    axes: str | None = None
    scale: float | None = None
    unit: str | None = None
    bands: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """What a file holds, before anything is computed of it; see `Facts` for what is called the same there.

    value_units: of the values. axes: their order, as "hwb"; or what it is by custom, where `states_axes` is False.
    reverses_axes: the order was turned around when it was read, as MATLAB's is in HDF5.
    wavelengths, fwhm: in `unit`. scale, offset: values are stored * scale + offset.
    missing, valid: as stored, further numbers that mean no data, and the least and the largest one that does not.
    mask: False where there is no data.
    """

    values: Num[np.ndarray, "a b c"] | OnDisk
    axes: str
    states_axes: bool = True
    reverses_axes: bool = False
    wavelengths: Sequence[float] = ()
    fwhm: Sequence[float] = ()
    unit: str = "nm"
    value_units: str = ""
    scale: Factor | None = None
    offset: Factor | None = None
    band_names: Sequence[str] = ()
    good_bands: Sequence[bool] = ()
    nodata: float | None = None
    missing: Sequence[float] = ()
    valid: tuple[Factor, Factor] | None = None
    mask: Bool[np.ndarray, "h w"] | None = None
    georeference: Georeference | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    band_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
