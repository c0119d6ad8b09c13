"""Spectral cubes in files: multi-band TIFF, ENVI pair, MATLAB .mat, NumPy .npy and .npz, HDF5, netCDF and Zarr.

A new format is a module with a `CubeFormat` and a line in `FORMATS`; its places stand in `kept.KEPT`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from glmha_cli.errors import UsageError
from glmha_cli.io.cubes.kept import losses
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored, cube_with
from glmha_cli.io.cubes.stored import to_cube
from glmha_cli.io.guard import reading
from glmha_cli.io.sidecars import without_sidecars
from glmha_cli.lookup import resolve

if TYPE_CHECKING:
    from glmha_cli.io.cubes.stream import CubeStream

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Cube",
    "CubeFormat",
    "CubeOptions",
    "files_of",
    "files_read",
    "read_cube",
    "write_cube",
    "write_stream",
]

FORMATS: Mapping[str, str] = {
    ".tif": "glmha_cli.io.cubes.formats.tiff:TIFF",
    ".tiff": "glmha_cli.io.cubes.formats.tiff:TIFF",
    ".tif tiled": "glmha_cli.io.cubes.formats.tiff_tiled:TILED",
    ".tiff tiled": "glmha_cli.io.cubes.formats.tiff_tiled:TILED",
    ".hdr": "glmha_cli.io.cubes.formats.envi:ENVI",
    ".img": "glmha_cli.io.cubes.formats.envi:ENVI",
    ".mat": "glmha_cli.io.cubes.formats.mat:MAT",
    ".mat 5": "glmha_cli.io.cubes.formats.mat:MAT_5",
    ".mat 7.3": "glmha_cli.io.cubes.formats.mat:MAT_7_3",
    ".npy": "glmha_cli.io.cubes.formats.npy:NPY",
    ".npz": "glmha_cli.io.cubes.formats.npy:NPZ",
    ".h5": "glmha_cli.io.cubes.formats.netcdf:HDF5",
    ".hdf5": "glmha_cli.io.cubes.formats.netcdf:HDF5",
    ".he5": "glmha_cli.io.cubes.formats.netcdf:HDF5",
    ".nc": "glmha_cli.io.cubes.formats.netcdf:NETCDF",
    ".nc4": "glmha_cli.io.cubes.formats.netcdf:NETCDF",
    ".zarr": "glmha_cli.io.cubes.formats.zarr:ZARR",
}
STREAMED_BYTES = 1 << 30
"""Cubes from this size on, as float32, are converted block by block."""
SUFFIXES = tuple(name for name in FORMATS if " " not in name)
"""Of files; the other names are versions of a format."""


@runtime_checkable
class WriteCube(Protocol):
    def __call__(self, path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class CubeFormat:
    """How one kind of file is read and written.

    name: in `kept.KEPT`. title: for messages, with its article. read: may raise anything on damaged data. reads: the
    files it would open. names_variables: whether a key picks one of several arrays.
    open: as `read`, but the values stay in the file (`on_disk`); None for a format that is read as a whole.
    write_rows: as `write`, of a `stream.CubeStream`; None for a format that is written as a whole.
    write: atomic; provenance is one line of ASCII JSON (an object of texts), or empty; returns notes on losses beyond
    those of `KEPT`.
    """

    name: str
    title: str
    read: Callable[[Path, CubeOptions], Stored]
    write: WriteCube
    open: Callable[[Path, CubeOptions], Stored] | None = None
    write_rows: Callable[..., tuple[str, ...]] | None = None
    reads: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)
    names_variables: bool = False


def read_cube(path: Path, options: CubeOptions | None = None) -> Cube:
    """Read a cube; the suffix says the format. Either file of an ENVI pair may be named, the data under any name.

    Integers need a scale stated in the file (or known by the variable's name, see `formats.mat`) or in `options`.

    Raises:
        UsageError: unknown suffix, or options that the file contradicts.
        NoInputError: missing or not to be opened.
        BadDataError: damaged, truncated, foreign, infinite, of unknown scale, in doubt about its axes or which of its
            arrays is the cube, or declaring an absurd size.
    """
    options = options or CubeOptions()
    cube_format = format_to_read(path, options)
    with reading(path, cube_format.title):
        return to_cube(cube_format.read(path, options), options)


def format_to_read(path: Path, options: CubeOptions) -> CubeFormat:
    """UsageError for an unknown suffix, or a key where nothing has a name."""
    cube_format = _format(_name_of(path))
    if options.key is not None and not cube_format.names_variables:
        raise UsageError(
            f"'{path}' has no variable '{options.key}': only .mat, .npz, .h5, .nc and .zarr files name theirs"
        )
    return cube_format


def write_cube(
    path: Path,
    cube: Cube,
    *,
    overwrite: bool = False,
    provenance: Mapping[str, str] | None = None,
    mat_version: Literal["5", "7.3"] | None = None,
    tiled: bool = False,
) -> tuple[str, ...]:
    """Write a cube as float32; the suffix says the format. Either name of an ENVI pair writes both files.

    provenance: kept as JSON in every format but .npy, which holds the values alone and no wavelengths.
    mat_version: for .mat; by default 5 below 2 GB and 7.3 from there on. tiled: for .tif, with overviews.
    Returns what the file cannot hold of the cube, as notes for the user.

    Raises:
        UsageError: unknown suffix, or `mat_version` or `tiled` for a suffix other than theirs.
        CannotCreateError, OutputError: see `atomic_output`.
    """
    cube_format = _format_to_write(path, mat_version or ("tiled" if tiled else ""))
    text = cube.facts.tags.get("provenance", "") if provenance is None else json.dumps(dict(provenance))
    with without_sidecars(files_of(path), overwrite=overwrite):
        notes = cube_format.write(path, cube, overwrite=overwrite, provenance=text)
    return losses(cube.facts, cube_format.name) + notes


def write_stream(
    path: Path,
    stream: "CubeStream",
    *,
    overwrite: bool = False,
    mat_version: Literal["5", "7.3"] | None = None,
    tiled: bool = False,
) -> tuple[str, ...]:
    """As `write_cube`, block by block where the cube is large and the format can; the provenance is the cube's own."""
    cube_format = _format_to_write(path, mat_version or ("tiled" if tiled else ""))
    if stream.outline.nbytes < STREAMED_BYTES or stream.outline.is_whole or cube_format.write_rows is None:
        cube = cube_with(stream.rows(0, stream.shape[0]).values, stream.facts)
        return write_cube(path, cube, overwrite=overwrite, mat_version=mat_version, tiled=tiled)
    text = stream.facts.tags.get("provenance", "")
    with without_sidecars(files_of(path), overwrite=overwrite):
        notes = cube_format.write_rows(path, stream, overwrite=overwrite, provenance=text)
    return losses(stream.facts, cube_format.name) + notes


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
    name = _name_of(path)
    return _format(name).reads(path) if name in FORMATS else (path,)


def _name_of(path: Path) -> str:
    """In FORMATS, to read: by the suffix; any other file that has an ENVI header beside it is one of a pair."""
    suffix = path.suffix.lower()
    has_header = suffix not in FORMATS and any(
        header.is_file()
        for header in (path.with_suffix(".hdr"), path.with_suffix(".HDR"), path.with_name(f"{path.name}.hdr"))
    )
    return ".hdr" if has_header else suffix


def _format_to_write(path: Path, version: str) -> CubeFormat:
    """Of a version, or the usual one where it is empty."""
    suffix = path.suffix.lower()
    if version and suffix in FORMATS and f"{suffix} {version}" not in FORMATS:
        raise UsageError(f"{suffix} has no version '{version}'", "MATLAB's are of .mat, tiles of .tif")
    return _format(f"{suffix} {version}".strip())


def _format(name: str) -> CubeFormat:
    if name not in FORMATS:
        raise UsageError(
            f"no cube format has the extension '{name}'",
            f"use {', '.join(SUFFIXES)}; of a photo glmha rgb2hsi makes a cube",
        )
    return resolve(FORMATS, name, "cube format")
