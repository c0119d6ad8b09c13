"""MATLAB .mat: level 5 below 2 GB, 7.3 (HDF5) above or on request; both are read.

31 bands are written in the NTIRE layout (`cube`, `bands`, `norm_factor`), all others in the one of MST's
results (`pred`), with the wavelengths as `bands`.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import Cube, CubeFormat, checked_cube
from glmha_cli.io.cubes.variables import Variables, open_variables, pick

V5_LIMIT_BYTES = 2**31
NTIRE_BANDS = 31

SCALES: Mapping[str, float | None] = {
    "cube": None, "pred": None, "res": None, "truth": None, "img": None, "HSI": None,
    "img_expand": 1 / 65536, "data_slice": 1 / 65535,
}  # fmt: skip
"""Variables that hold a cube (NTIRE; MST and TSA-Net; CAVE; KAIST) and what brings them to [0, 1]."""


def read(path: Path) -> Cube:
    """Read the one variable of SCALES that the file has, and its wavelengths where `bands` names them."""
    return cube_of(open_variables(path), wavelengths="bands")


def cube_of(variables: Variables, *, wavelengths: str) -> Cube:
    """The cube among `variables`; the variable called `wavelengths` holds them in nm, if it is there."""
    name = pick(variables, SCALES)
    wavelength_nm = variables[wavelengths]().ravel().tolist() if wavelengths in variables else ()
    return checked_cube(variables[name](), wavelength_nm, scale=SCALES[name])


def write(
    path: Path,
    cube: Cube,
    *,
    overwrite: bool,
    provenance: str,
    version: Literal["5", "7.3"] | None = None,
) -> None:
    """Write a cube; `version` None chooses by size."""
    if version is None:
        version = "5" if cube.values.nbytes < V5_LIMIT_BYTES else "7.3"
    variables = _layout(cube, provenance)
    with atomic_output(path, overwrite=overwrite) as temporary:
        if version == "5":
            from scipy.io import savemat

            savemat(temporary, variables)
            _write_title(temporary, b"MATLAB 5.0 MAT-file, written by glmha")
        else:
            _save_v7_3(temporary, variables)


def _layout(cube: Cube, provenance: str) -> dict[str, np.ndarray | str]:
    is_ntire = cube.values.shape[2] == NTIRE_BANDS
    variables: dict[str, np.ndarray | str] = {"cube" if is_ntire else "pred": cube.values}
    if cube.wavelength_nm:
        variables["bands"] = np.array([cube.wavelength_nm], np.float64)
    if is_ntire:
        variables["norm_factor"] = np.ones((1, 1))
    if provenance:
        variables["provenance"] = provenance
    return variables


_USER_BLOCK_BYTES = 512
_TITLE_BYTES = 116
_MATLAB_CLASSES = {np.dtype(np.float32): "single", np.dtype(np.float64): "double"}


def _save_v7_3(path: Path, variables: Mapping[str, np.ndarray | str]) -> None:
    """HDF5 as MATLAB has it: its header in a user block, reversed axes, a class attribute per variable."""
    try:
        _save_hdf5(path, variables)
    except RuntimeError as error:  # what h5py raises when closing a file on a full disk
        raise OSError(f"HDF5: {error}") from error
    _write_title(path, b"MATLAB 7.3 MAT-file, written by glmha")
    with path.open("r+b") as file:
        file.seek(_TITLE_BYTES)
        file.write(bytes(8) + b"\x00\x02IM")


def _save_hdf5(path: Path, variables: Mapping[str, np.ndarray | str]) -> None:
    import h5py

    with h5py.File(path, "w", userblock_size=_USER_BLOCK_BYTES) as file:
        for name, value in variables.items():
            if isinstance(value, str):
                characters = np.frombuffer(value.encode("utf-16-le"), "<u2")[None]
                dataset = file.create_dataset(name, data=characters.T)
                dataset.attrs["MATLAB_class"] = np.bytes_("char")
                dataset.attrs["MATLAB_int_decode"] = np.int32(2)
            else:
                dataset = file.create_dataset(name, data=value.T)
                dataset.attrs["MATLAB_class"] = np.bytes_(_MATLAB_CLASSES[value.dtype])


def _write_title(path: Path, title: bytes) -> None:
    """Instead of scipy's, which tells the time: the same cube shall give the same bytes."""
    with path.open("r+b") as file:
        file.write(title.ljust(_TITLE_BYTES))


MAT = CubeFormat(title="a MAT file with a cube", read=read, write=write)
MAT_5 = CubeFormat(title=MAT.title, read=read, write=partial(write, version="5"))
MAT_7_3 = CubeFormat(title=MAT.title, read=read, write=partial(write, version="7.3"))
