"""NumPy: .npy holds the values alone, .npz all that `kept.KEPT` names, and `provenance`."""

from pathlib import Path
from typing import Any

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes import npy_file
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats.named import read as read_npz
from glmha_cli.io.cubes.formats.named import variables_of
from glmha_cli.io.cubes.model import Cube, CubeOptions, Stored
from glmha_cli.io.cubes.on_disk import RawArray, Reversed, size_bytes
from glmha_cli.io.cubes.real import is_real
from glmha_cli.io.cubes.stream import CubeStream
from glmha_cli.io.cubes.variables import require_numbers
from glmha_cli.shapes import size_text


def write_npy(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write the values, NaN where there is no data; .npy has no place for anything else."""
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.save(file, cube.values)  # by name NumPy would add an extension to what it does not know, such as .NPY
    return ()


def write_npy_rows(path: Path, cube: CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """The same, block by block."""
    header = {"descr": "<f4", "fortran_order": False, "shape": cube.shape}
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _, values in cube.blocks():
            file.write(np.ascontiguousarray(values, "<f4").data)
    return ()


def read_npy(path: Path, options: CubeOptions) -> Stored:
    return Stored(values=load_npy(path), axes="hwb", states_axes=False)


def open_npy(path: Path, options: CubeOptions) -> Stored:
    """The same with the values still in the file."""
    with path.open("rb") as file:
        shape, is_fortran, dtype = npy_file.read_npy_header(file)
        offset = file.tell()
    if not is_real(dtype) or len(shape) != 3:
        return read_npy(path, options)  # which says what is wrong
    first, second, third = shape[::-1] if is_fortran else shape
    array = RawArray(path, offset, (first, second, third), dtype)
    if offset + size_bytes(array) > path.stat().st_size:
        raise BadDataError(f"truncated: it declares {size_text(shape)} values")
    return Stored(values=Reversed(array) if is_fortran else array, axes="hwb", states_axes=False)


def load_npy(path: Path) -> np.ndarray:
    """An array of real numbers, whose declared shape must fit the file."""
    with path.open("rb") as file:
        return require_numbers(npy_file.read_npy(file, path))


def write_npz(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write `cube`, NaN where there is no data, and all else that is known of it under its own name."""
    variables, notes = variables_of(cube, "npz", provenance)
    arrays: dict[str, Any] = {"cube": cube.values} | {
        name: np.squeeze(np.array(each)) for name, each in variables.items()
    }
    for name in ("wavelength_nm", "fwhm_nm", "good_bands", "transform"):
        if name in arrays:
            arrays[name] = np.atleast_1d(arrays[name])
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return notes


NPY = CubeFormat(
    name="npy",
    title="a NumPy array file",
    read=read_npy,
    open=open_npy,
    write=write_npy,
    write_rows=write_npy_rows,
)
NPZ = CubeFormat(name="npz", title="a NumPy archive", read=read_npz, write=write_npz, names_variables=True)
