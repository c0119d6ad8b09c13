"""Named arrays in a file: MATLAB .mat (level 5, and 7.3, which is HDF5) and NumPy .npz.

Nothing is read before its name, kind and declared size are checked, and nothing that lies outside the file.
"""

import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.hdf5 import arrays_in, on_disk, open_hdf5, read_dataset, require_own
from glmha_cli.io.cubes.mat5 import mat5_variables
from glmha_cli.io.cubes.npy_file import read_npy, read_npy_header
from glmha_cli.io.cubes.on_disk import OnDisk, Reversed
from glmha_cli.io.cubes.real import is_real, require_real
from glmha_cli.io.cubes.variable import Variable, texts_in

if TYPE_CHECKING:
    import h5py

Variables = Mapping[str, Variable]
"""Name -> array of real numbers (or text) in MATLAB's order of axes."""

_FEWEST_BANDS = 5
"""Of a cube that has other arrays beside it."""


def open_variables(path: Path) -> Variables:
    """List the variables of a .mat or .npz file; call one to read it. To be used inside `guard.reading`.

    Fields of structures are called `name.field`, items of cells `name{1}`.

    Raises:
        BadDataError: truncated, or (when a variable is read) objects, complex numbers or an absurd size.
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


def pick_array(
    variables: Variables,
    known: Collection[str],
    key: str | None,
    *,
    num_axes: Collection[int],
    advice: str = "--key {}",
) -> str:
    """The name to read: `key` if given, else the one of `known` that is there, else the one array of so many axes.

    BadDataError lists those where there are several, with `advice` (of the first one's name), or none.
    What has but one row or column is no array of two axes.
    """
    if key is not None:
        return pick(variables, known, key)
    found = [name for name in known if name in variables] or [
        name
        for name, each in variables.items()
        if each.is_numeric and len(each.shape) in num_axes and (len(each.shape) > 2 or min(each.shape) > 1)
    ]
    if len(found) > 1:  # previews, angles and the like beside a cube have fewer bands
        found = [name for name in found if min(variables[name].shape) >= _FEWEST_BANDS] or found
    if len(found) == 1:
        return found[0]
    if not found:
        axes = " or ".join(map(str, num_axes))
        sizes = _with_sizes(variables, sorted(variables))
        raise BadDataError(
            f"holds no array of real numbers with {axes} axes", f"its variables: {', '.join(sizes) or 'none'}"
        )
    sizes = _with_sizes(variables, found)
    raise BadDataError(f"has several variables that fit: {', '.join(sizes)}", advice.format(found[0]))


def _with_sizes(variables: Variables, names: Iterable[str]) -> list[str]:
    return [f"{name} ({' x '.join(map(str, variables[name].shape)) or 'one value'})" for name in names]


def require_numbers(array: np.ndarray) -> np.ndarray:
    """The array itself, if it holds real numbers or truth values, none of which is masked (numpy.ma)."""
    require_real(array.dtype)
    if np.ma.is_masked(array):
        raise BadDataError("holds masked values", "array.filled(0), with the value that they are to have")
    return array


# NPZ

_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of the others zipfile unpacks as much as there is at once


def _npz_variables(path: Path) -> Variables:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        return {name: _npz_variable(path, archive, name) for name in names}


def _npz_variable(path: Path, archive: zipfile.ZipFile, name: str) -> Variable:
    if archive.getinfo(f"{name}.npy").compress_type not in _BOUNDED:
        raise BadDataError(f"variable '{name}' is compressed by a method that NumPy does not write")
    with archive.open(f"{name}.npy") as member:
        shape, _, dtype = read_npy_header(member)
    is_numeric, is_text = is_real(dtype), dtype.kind in "US"
    return Variable(shape=shape, is_numeric=is_numeric, is_text=is_text, read=partial(_read_npz, path, name))


def _read_npz(path: Path, name: str) -> np.ndarray:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        return read_npy(member, path)


# MAT 7.3


def _hdf5_variables(path: Path) -> Variables:
    with open_hdf5(path) as file:
        return dict(_matlab_variables(path, file))


def _matlab_variables(path: Path, file: "h5py.File") -> Iterator[tuple[str, Variable]]:
    for place, dataset in arrays_in(file):
        name = place.replace("/", ".")
        if dataset is not None and dataset.attrs.get("MATLAB_class") == b"cell" and not _is_empty(dataset):
            for i, item in enumerate(np.asarray(read_dataset(path, dataset)).T.ravel(order="F")):
                inner = file[item]
                if hasattr(inner, "shape"):
                    yield f"{name}{{{i + 1}}}", _matlab_variable(path, inner.name, inner)
        else:
            yield name, _matlab_variable(path, place, dataset)


def _matlab_variable(path: Path, place: str, dataset: "h5py.Dataset | None") -> Variable:
    """None: a link, which is refused when it is read."""
    shape = () if dataset is None else (dataset.shape or ())[::-1]
    is_text = dataset is not None and dataset.attrs.get("MATLAB_class") == b"char"
    if dataset is not None and _is_empty(dataset):
        read = (lambda: np.array("")) if is_text else (lambda: np.empty(0))
        return Variable(shape=(0,), is_numeric=not is_text, is_text=is_text, read=read)
    is_numeric = dataset is not None and is_real(dataset.dtype) and not is_text
    by_other = dataset is not None and "MATLAB_class" not in dataset.attrs
    return Variable(
        shape=shape,
        is_numeric=is_numeric,
        is_text=is_text,
        reverses_axes=by_other,
        read=partial(_read_hdf5, path, place),
        open=partial(_open_hdf5, path, place),
    )


def _is_empty(dataset: "h5py.Dataset") -> bool:
    """Whether it holds nothing: MATLAB stores its lengths instead."""
    return bool(np.any(dataset.attrs.get("MATLAB_empty", 0)))


def _open_hdf5(path: Path, name: str) -> OnDisk:
    with open_hdf5(path) as file:
        require_own(file, name)
        return Reversed(on_disk(path, file[name]))


def _read_hdf5(path: Path, name: str) -> np.ndarray:
    """Read one dataset whose bytes lie in this file; HDF5 has MATLAB's axes in reverse."""
    with open_hdf5(path) as file:
        require_own(file, name)
        dataset = file[name]
        values = require_numbers(read_dataset(path, dataset)).T
        if dataset.attrs.get("MATLAB_class") == b"char":
            return texts_in("".join(map(chr, values.ravel(order="F"))), values.shape)
        return values
