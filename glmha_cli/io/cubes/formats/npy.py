"""NumPy: .npy holds the values alone, .npz also `wavelength_nm` and `provenance`."""

from pathlib import Path

import numpy as np

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes import npy_file
from glmha_cli.io.cubes.cube import Cube, CubeFormat, checked_cube
from glmha_cli.io.cubes.formats.mat import cube_of
from glmha_cli.io.cubes.variables import open_variables


def write_npy(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> None:
    """Write the values; .npy has no place for wavelengths or provenance."""
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.save(file, cube.values)  # by name NumPy would add an extension to what it does not know, such as .NPY


def read_npy(path: Path) -> Cube:
    return checked_cube(load_npy(path), (), scale=None)


def load_npy(path: Path) -> np.ndarray:
    """An array of real numbers, whose declared shape must fit the file."""
    with path.open("rb") as file:
        return npy_file.read_npy(file, path)


def write_npz(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> None:
    """Write `cube`, `wavelength_nm` (where known) and `provenance` (JSON, where given)."""
    arrays = {"cube": cube.values}
    if cube.wavelength_nm:
        arrays["wavelength_nm"] = np.array(cube.wavelength_nm, np.float64)
    if provenance:
        arrays["provenance"] = np.array(provenance)
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_npz(path: Path) -> Cube:
    return cube_of(open_variables(path), wavelengths="wavelength_nm")


NPY = CubeFormat(title="a NumPy array file", read=read_npy, write=write_npy)
NPZ = CubeFormat(title="a NumPy archive", read=read_npz, write=write_npz)
