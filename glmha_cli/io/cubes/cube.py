"""Spectral cubes in files: multi-band TIFF, ENVI pair, MATLAB .mat, NumPy .npy and .npz.

A new format is a module with a `CubeFormat` and a line in `FORMATS`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.io.guard import reading
from glmha_cli.lookup import resolve

FORMATS: Mapping[str, str] = {
    ".tif": "glmha_cli.io.cubes.formats.tiff:TIFF",
    ".tiff": "glmha_cli.io.cubes.formats.tiff:TIFF",
    ".hdr": "glmha_cli.io.cubes.formats.envi:ENVI",
    ".img": "glmha_cli.io.cubes.formats.envi:ENVI",
    ".mat": "glmha_cli.io.cubes.formats.mat:MAT",
    ".mat 5": "glmha_cli.io.cubes.formats.mat:MAT_5",
    ".mat 7.3": "glmha_cli.io.cubes.formats.mat:MAT_7_3",
    ".npy": "glmha_cli.io.cubes.formats.npy:NPY",
    ".npz": "glmha_cli.io.cubes.formats.npy:NPZ",
}
SUFFIXES = tuple(name for name in FORMATS if " " not in name)
"""Of files; the other names are versions of a format."""


class Cube(np.ndarray):
    """A spectral cube: a float32 array (h, w, bands) that carries the wavelengths of its bands.

    values: finite; reflectance or intensity, by convention in [0, 1]. Not copied.
    wavelength_nm: the centre of each band; empty when the file does not say (.npy never does, MST's result
        files do not). Whoever knows what the cube should be supplies the grid; reading never guesses one.

    A copy is a cube too; what is cut out of a cube or computed from it is a plain array.
    """

    wavelength_nm: tuple[float, ...]

    def __new__(cls, *, values: Float[np.ndarray, "h w bands"], wavelength_nm: tuple[float, ...]) -> "Cube":
        assert values.ndim == 3 and values.dtype == np.float32, f"a cube of {values.dtype} {values.shape}"
        assert len(wavelength_nm) in (0, values.shape[2]), f"{len(wavelength_nm)} wavelengths for {values.shape}"
        cube = values.view(cls)
        cube.wavelength_nm = tuple(wavelength_nm)
        return cube

    @property
    def values(self) -> Float[np.ndarray, "h w bands"]:
        """The same as a plain array."""
        return self.view(np.ndarray)

    def __array_finalize__(self, source: np.ndarray | None) -> None:
        is_copy = isinstance(source, Cube) and source.shape == self.shape
        self.wavelength_nm = source.wavelength_nm if is_copy else ()

    def __array_wrap__(
        self, array: np.ndarray, context: object = None, return_scalar: bool = False
    ) -> np.ndarray | np.generic:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored_cube, (self.values, self.wavelength_nm)


def _restored_cube(values: Float[np.ndarray, "h w bands"], wavelength_nm: tuple[float, ...]) -> Cube:
    """For pickle."""
    return Cube(values=values, wavelength_nm=wavelength_nm)


@runtime_checkable
class WriteCube(Protocol):
    def __call__(self, path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class CubeFormat:
    """How one kind of file is read and written.

    title: for messages, with its article. read: may raise anything on damaged data. reads: the files it would open.
    write: atomic; provenance is one line of ASCII JSON (an object of texts), or empty.
    """

    title: str
    read: Callable[[Path], Cube]
    write: WriteCube
    reads: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)


def read_cube(path: Path) -> Cube:
    """Read a cube; the suffix says the format. Either file of an ENVI pair may be named.

    Integers need a scale stated in the file (or known by the variable's name, see `formats.mat`).

    Raises:
        UsageError: unknown suffix.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, truncated, foreign, not finite, of unknown scale, or declaring an absurd size.
    """
    cube_format = _format(path.suffix.lower())
    with reading(path, cube_format.title):
        return cube_format.read(path)


def write_cube(
    path: Path,
    cube: Cube,
    *,
    overwrite: bool = False,
    provenance: Mapping[str, str] | None = None,
    mat_version: Literal["5", "7.3"] | None = None,
) -> None:
    """Write a cube as float32; the suffix says the format. Either name of an ENVI pair writes both files.

    provenance: kept as JSON in every format but .npy, which holds the values alone and no wavelengths.
    mat_version: for .mat; by default 5 below 2 GB and 7.3 from there on.

    Raises:
        UsageError: unknown suffix, or `mat_version` for a suffix other than .mat.
        CannotCreateError, OutputError: see `atomic_output`.
    """
    name = f"{path.suffix.lower()} {mat_version or ''}".strip()
    text = "" if provenance is None else json.dumps(dict(provenance))
    _format(name).write(path, cube, overwrite=overwrite, provenance=text)


def files_of(path: Path) -> tuple[Path, ...]:
    """All files that are written for `path`: of an ENVI pair, of which either may be named, the header and the data."""
    in_capitals = path.suffix.isupper()
    if path.suffix.lower() == ".hdr":
        return path, path.with_suffix(".IMG" if in_capitals else ".img")
    if path.suffix.lower() == ".img":
        return path.with_suffix(".HDR" if in_capitals else ".hdr"), path
    return (path,)


def files_read(path: Path) -> tuple[Path, ...]:
    """All files that are read for `path`, a cube or anything else: of an ENVI pair both, under the names they have."""
    suffix = path.suffix.lower()
    return _format(suffix).reads(path) if suffix in FORMATS else (path,)


def _format(name: str) -> CubeFormat:
    return resolve(FORMATS, name, "cube format")


# For the formats


def checked_cube(
    values: np.ndarray,
    wavelength_nm: Sequence[float],
    *,
    scale: float | np.ndarray | None,
    offset: float | np.ndarray = 0.0,
) -> Cube:
    """Make a Cube of what a file holds: values * scale + offset as float32.

    scale: None where the file states none, which integers need.

    Raises:
        BadDataError: not three axes, empty, integers without scale, not finite, wavelengths that do not fit.
    """
    if values.ndim != 3 or 0 in values.shape:
        raise BadDataError(f"holds {' x '.join(map(str, values.shape))} values, not height x width x bands")
    if scale is None and values.dtype.kind != "f":
        raise BadDataError(f"holds {values.dtype} without a stated scale", "convert it to float32 in [0, 1]")
    if len(wavelength_nm) not in (0, values.shape[2]):
        raise BadDataError(f"names {len(wavelength_nm)} wavelengths for {values.shape[2]} bands")
    if not all(1 <= nm <= 1e6 for nm in wavelength_nm):
        raise BadDataError("names wavelengths that are not between 1 nm and 1 mm")
    if scale is not None:
        values = values * scale + offset
    values = np.array(values, np.float32, order="C")  # a copy: `values` may be mapped to a file
    if not np.isfinite(values).all():
        raise BadDataError("holds values that are not finite")
    return Cube(values=values, wavelength_nm=tuple(float(nm) for nm in wavelength_nm))


_NM_PER_UNIT = {"nanometers": 1, "nm": 1, "micrometers": 1000, "microns": 1000, "um": 1000}


def to_nanometres(wavelengths: Sequence[float], units: str) -> list[float]:
    """Wavelengths in nm; none where the unit is not one of length (ENVI's "Unknown" or "Index")."""
    factor = _NM_PER_UNIT.get(units.strip().lower())
    return [round(value * factor, 6) for value in wavelengths] if factor else []


def band_widths_nm(wavelength_nm: Sequence[float]) -> np.ndarray:
    """Width of the spectrum that each band stands for: half the distance between its neighbours, in nm."""
    return np.abs(np.gradient(wavelength_nm)) if len(wavelength_nm) > 1 else np.empty(0)
