"""Named arrays in a file: MATLAB .mat (level 5, and 7.3, which is HDF5) and NumPy .npz.

Nothing is read before its name, kind and declared size are checked, and nothing that lies outside the file.
"""

import zipfile
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.hdf5 import open_hdf5, read_dataset, require_own
from glmha_cli.io.cubes.mat5 import mat5_variables
from glmha_cli.io.cubes.npy_file import read_npy

Variables = Mapping[str, Callable[[], np.ndarray]]
"""Name -> function that reads this array, real numbers in MATLAB's order of axes."""


def open_variables(path: Path) -> Variables:
    """List the variables of a .mat or .npz file; call one to read it. To be used inside `guard.reading`.

    Raises:
        BadDataError: truncated, or (when a variable is read) text, cells, complex numbers or an absurd size.
    """
    if path.suffix.lower() == ".npz":
        return _npz_variables(path)
    import h5py

    return _hdf5_variables(path) if h5py.is_hdf5(path) else mat5_variables(path)


def pick(variables: Variables, known: Collection[str], key: str | None = None) -> str:
    """The name to read: `key` if given, else the one of `known` that is there; BadDataError lists all."""
    found = [name for name in ([key] if key else known) if name in variables]
    if len(found) == 1:
        return found[0]
    wanted = f"no variable '{key}'" if key else f"none of the variables {', '.join(known)}"
    problem = f"has several variables that fit: {', '.join(found)}" if found else f"has {wanted}"
    raise BadDataError(problem, f"its variables: {', '.join(sorted(variables)) or 'none'}")


# NPZ

_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of the others zipfile unpacks as much as there is at once


def _npz_variables(path: Path) -> Variables:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    return {name: partial(_read_npz, path, name) for name in names}


def _read_npz(path: Path, name: str) -> np.ndarray:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        if archive.getinfo(f"{name}.npy").compress_type not in _BOUNDED:
            raise BadDataError(f"variable '{name}' is packed in a way that NumPy does not write")
        return read_npy(member, path)


# MAT 7.3


def _hdf5_variables(path: Path) -> Variables:
    with open_hdf5(path) as file:
        return {name: partial(_read_hdf5, path, name) for name in file}


def _read_hdf5(path: Path, name: str) -> np.ndarray:
    """Read one dataset whose bytes lie in this file; HDF5 has MATLAB's axes in reverse."""
    import h5py

    with open_hdf5(path) as file:
        require_own(file, name)
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset) or dataset.attrs.get("MATLAB_class") == b"char":
            raise BadDataError(f"variable '{name}' is not an array of numbers")
        require_numbers(np.empty(0, dataset.dtype))
        return read_dataset(path, dataset).T


def require_numbers(array: np.ndarray) -> np.ndarray:
    """The array itself, if it holds real numbers or truth values."""
    if array.dtype.kind not in "fiub":
        raise BadDataError(f"holds {array.dtype}, not real numbers")
    return array
