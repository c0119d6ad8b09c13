"""Datasets of HDF5 files (MATLAB 7.3, netCDF 4, plain ones), unpacked here instead of by HDF5's filters.

Those believe a chunk whatever it unpacks to (8 kB become gigabytes) and crash on a damaged checksum. A chunk is read as
it is stored and never unpacked into more than its declared size. Source: HDF5 File Format Specification, version 3.0.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.on_disk import Read
from glmha_cli.io.cubes.real import is_real, require_real
from glmha_cli.io.guard import MAX_BYTES, require_plausible

if TYPE_CHECKING:
    import h5py

_OF_MATLAB = ("#refs#", "#subsystem#")
_CHUNK_GROWTH, _SMALL_CHUNK_BYTES = 4, 16 << 20
"""A chunk of a growing dataset may be so much larger than the dataset, or so large in any case."""


@contextmanager
def open_hdf5(path: Path) -> Iterator["h5py.File"]:
    """The file, to read; one that another program has open is read all the same, as long as it is whole."""
    import h5py

    with h5py.File(path, "r", locking=False) as file:
        yield file


def require_own(file: "h5py.Group", name: str) -> None:
    """BadDataError for a link to another place or file: what lies outside the file is not opened."""
    import h5py

    for part in name.strip("/").split("/"):  # a group on the way may be a link, too
        if not isinstance(file.get(part, getlink=True), h5py.HardLink):
            raise BadDataError(f"'{name}' is a link to another place or file, which is not followed")
        file = file[part]


def arrays_in(file: "h5py.File") -> Iterator[tuple[str, "h5py.Dataset | None"]]:
    """(name with its groups, dataset) of all that the file holds itself; None for a link, which is not followed."""
    import h5py

    groups, seen = [("", file)], set()
    while groups:
        prefix, group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                yield f"{prefix}{name}", None
            elif isinstance(each := group[name], h5py.Dataset):
                yield f"{prefix}{name}", each
            elif isinstance(each, h5py.Group) and name not in _OF_MATLAB:
                address = h5py.h5o.get_info(each.id).addr
                if address not in seen:  # groups may hold each other
                    seen.add(address)
                    groups.append((f"{prefix}{name}/", each))


def read_dataset(path: Path, dataset: "h5py.Dataset") -> np.ndarray:
    """All numbers of a dataset in the file's own order of axes; those never written have the fill value.

    Raises:
        BadDataError: kept in other files, larger than its file can hold, never written, damaged, or packed by a filter
            other than deflate, shuffle, fletcher32 and LZF.
    """
    _require_values(path, dataset, most_bytes=MAX_BYTES)
    if not is_real(dataset.dtype):  # text and references lie elsewhere in the file, which HDF5 alone knows
        return np.asarray(dataset[()])
    return _read_chunks(path, dataset) if dataset.chunks else np.asarray(dataset[()])


def on_disk(path: Path, dataset: "h5py.Dataset") -> Read:
    """A dataset of real numbers that is read by windows; raises as `read_dataset`, but for its size."""
    require_real(dataset.dtype)
    _require_values(path, dataset, most_bytes=math.inf)
    name = str(dataset.name)

    def read(window: Sequence[slice]) -> np.ndarray:
        with open_hdf5(path) as file:
            found = file[name]
            return _read_chunks(path, found, window) if found.chunks else np.asarray(found[tuple(window)])

    return Read(dataset.shape, dataset.dtype, read)


def _require_values(path: Path, dataset: "h5py.Dataset", *, most_bytes: float) -> None:
    """BadDataError for a dataset that is kept in other files, or too large, and for numbers that were never written."""
    if dataset.is_virtual or dataset.external:
        raise BadDataError(f"'{dataset.name}' refers to data in other files, which are not opened")
    require_plausible(path, dataset.shape or (), dataset.dtype.itemsize, most_bytes=most_bytes)
    if is_real(dataset.dtype) and dataset.size and not dataset.id.get_storage_size():
        raise BadDataError(f"'{dataset.name}' is declared, but has no values")


def _read_chunks(path: Path, dataset: "h5py.Dataset", window: Sequence[slice] | None = None) -> np.ndarray:
    """The chunks that the window touches (all, without one), at their places."""
    chunk_bytes, size_bytes = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize, path.stat().st_size
    if chunk_bytes > max(_CHUNK_GROWTH * dataset.nbytes, _SMALL_CHUNK_BYTES):
        raise BadDataError(f"'{dataset.name}' has chunks of {chunk_bytes} bytes for {dataset.nbytes} bytes of numbers")
    filters = _filters(dataset)
    window = window if window is not None else [slice(0, side) for side in dataset.shape]
    values = np.full([each.stop - each.start for each in window], dataset.fillvalue, dataset.dtype)
    chunks: list[tuple[tuple[int, ...], int]] = []
    dataset.id.chunk_iter(lambda info: chunks.append((info.chunk_offset, info.size)))
    for at, stored_bytes in chunks:
        starts = [max(start, each.start) for start, each in zip(at, window, strict=True)]
        ends = [min(start + side, each.stop) for start, side, each in zip(at, dataset.chunks, window, strict=True)]
        if any(start >= end for start, end in zip(starts, ends, strict=True)):
            continue
        if stored_bytes > size_bytes:
            raise BadDataError(f"'{dataset.name}' is damaged: a chunk of {stored_bytes} bytes")
        left_out, data = dataset.id.read_direct_chunk(at)
        for i, unpack in reversed(list(enumerate(filters))):
            data = data if left_out >> i & 1 else unpack(data, chunk_bytes)
        block = np.frombuffer(data, dataset.dtype, count=int(np.prod(dataset.chunks))).reshape(dataset.chunks)
        into, out_of = (
            tuple(slice(start - zero, end - zero) for start, end, zero in zip(starts, ends, zeros, strict=True))
            for zeros in ([each.start for each in window], at)
        )
        values[into] = block[out_of]
    return values


# Filters: (stored bytes, size of the chunk) -> bytes before the filter


def _filters(dataset: "h5py.Dataset") -> list[Callable[[bytes, int], bytes]]:
    """What unpacks each filter of the dataset, in the order in which they packed."""
    settings = dataset.id.get_create_plist()
    found = [settings.get_filter(i) for i in range(settings.get_nfilters())]
    for code, _, _, name in found:
        if code not in _UNPACK:
            raise BadDataError(
                f"'{dataset.name}' is compressed by {name.decode(errors='replace') or f'filter {code}'}",
                "h5repack -f GZIP=4 in.h5 out.h5",
            )
    return [_UNPACK[code](dataset.dtype.itemsize) for code, *_ in found]


def _inflated(data: bytes, chunk_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    unpacked = stream.decompress(data, chunk_bytes + 4)  # room for a checksum that was added before
    if not stream.eof and stream.decompress(stream.unconsumed_tail, 1):
        raise BadDataError("holds a chunk that unpacks to more than its size")
    return unpacked


def _lzf_unpacked(data: bytes, chunk_bytes: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.lzf_decode(data, out=chunk_bytes + 4))


def _unshuffled(itemsize: int) -> Callable[[bytes, int], bytes]:
    """Back from all first bytes, then all second bytes…; what does not fill an item stays behind them."""

    def unshuffle(data: bytes, chunk_bytes: int) -> bytes:
        items = len(data) // itemsize
        planes = np.frombuffer(data, np.uint8, count=items * itemsize).reshape(itemsize, items)
        return planes.T.tobytes() + data[items * itemsize :]

    return unshuffle


def _checked(data: bytes, chunk_bytes: int) -> bytes:
    """Without the Fletcher-32 checksum at the end, which must fit; two sums of big-endian words, modulo 65535."""
    if len(data) < 4:
        raise BadDataError("holds a chunk that is too short for its checksum")
    data, stored = data[:-4], int.from_bytes(data[-4:], "little")
    words = np.frombuffer(data.ljust(len(data) + len(data) % 2, b"\0"), ">u2").astype(np.uint64)
    weights = np.arange(words.size, 0, -1, dtype=np.uint64) % 65535
    sums = int(words.sum()), int((words * weights % 65535).sum())
    if any((found - wanted) % 65535 for found, wanted in zip(sums, (stored & 0xFFFF, stored >> 16), strict=True)):
        raise BadDataError("holds a chunk whose checksum does not fit")
    return data


_UNPACK: dict[int, Callable[[int], Callable[[bytes, int], bytes]]] = {
    1: lambda itemsize: _inflated,
    2: _unshuffled,
    3: lambda itemsize: _checked,
    32000: lambda itemsize: _lzf_unpacked,
}
"""Number of a registered filter -> what unpacks it, given the size of an item."""
