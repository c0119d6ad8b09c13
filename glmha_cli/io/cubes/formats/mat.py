"""MATLAB .mat: level 5 below 2 GB, 7.3 (HDF5) above or on request; both are read.

31 bands are written in the NTIRE layout (`cube`, `bands`, `norm_factor`), all others in the one of MST's
results (`pred`), with the wavelengths as `bands`.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats.named import open_cube, read, variables_of
from glmha_cli.io.cubes.model import Cube
from glmha_cli.io.cubes.stream import CubeStream

V5_LIMIT_BYTES = 2**31
NTIRE_BANDS = 31


def write(
    path: Path,
    cube: Cube,
    *,
    overwrite: bool,
    provenance: str,
    version: Literal["5", "7.3"] | None = None,
) -> tuple[str, ...]:
    """Write a cube, NaN where it has no data; `version` None chooses by size."""
    if version is None:
        version = "5" if cube.values.nbytes < V5_LIMIT_BYTES else "7.3"
    beside, notes = variables_of(cube, "mat", provenance)
    is_ntire = cube.values.shape[2] == NTIRE_BANDS
    variables = {"cube" if is_ntire else "pred": cube.values} | beside
    if is_ntire:
        variables["norm_factor"] = np.ones((1, 1))
    with atomic_output(path, overwrite=overwrite) as temporary:
        if version == "5":
            from scipy.io import savemat

            savemat(temporary, variables)
            _write_title(temporary, b"MATLAB 5.0 MAT-file, written by glmha")
        else:
            _save_v7_3(temporary, variables)
    return notes


def write_rows(path: Path, cube: CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """The same as 7.3, block by block."""
    beside, notes = variables_of(cube, "mat", provenance)
    is_ntire = cube.shape[2] == NTIRE_BANDS
    variables = beside | ({"norm_factor": np.ones((1, 1))} if is_ntire else {})
    with atomic_output(path, overwrite=overwrite) as temporary:
        _save_v7_3(temporary, variables, {"cube" if is_ntire else "pred": cube})
    return notes


_USER_BLOCK_BYTES = 512
_TITLE_BYTES = 116
_MATLAB_CLASSES = {np.dtype(np.float32): "single", np.dtype(np.float64): "double"}


def _save_v7_3(
    path: Path, variables: Mapping[str, np.ndarray | str], streams: Mapping[str, CubeStream] = MappingProxyType({})
) -> None:
    """HDF5 as MATLAB has it: its header in a user block, reversed axes, a class attribute per variable."""
    try:
        _save_hdf5(path, variables, streams)
    except RuntimeError as error:  # what h5py raises when closing a file on a full disk
        raise OSError(f"HDF5: {error}") from error
    _write_title(path, b"MATLAB 7.3 MAT-file, written by glmha")
    with path.open("r+b") as file:
        file.seek(_TITLE_BYTES)
        file.write(bytes(8) + b"\x00\x02IM")


def _save_hdf5(path: Path, variables: Mapping[str, np.ndarray | str], streams: Mapping[str, CubeStream]) -> None:
    import h5py

    with h5py.File(path, "w", userblock_size=_USER_BLOCK_BYTES) as file:
        for name, stream in streams.items():
            dataset = file.create_dataset(name, shape=stream.shape[::-1], dtype=np.float32)
            for start, values in stream.blocks():
                dataset[:, :, start : start + len(values)] = values.T
            dataset.attrs["MATLAB_class"] = np.bytes_("single")
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


def _format(version: Literal["5", "7.3"] | None = None) -> CubeFormat:
    return CubeFormat(
        name="mat",
        title="a MAT file with a cube",
        read=read,
        open=open_cube,
        write_rows=None if version == "5" else write_rows,
        write=write if version is None else partial(write, version=version),
        names_variables=True,
    )


MAT, MAT_5, MAT_7_3 = _format(), _format("5"), _format("7.3")
