"""Arrays in a store of Zarr, version 3: a folder, of which nothing is taken on trust.

What its metadata declare is checked here before the library `zarr` (an optional extra) reads by them: sizes, chunks and
codecs. No link is followed, in the store or out of it. Source: Zarr core specification, version 3.1.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.on_disk import Read
from glmha_cli.io.guard import FREE_BYTES, MAX_BYTES
from glmha_cli.io.stores import METADATA, files_in
from glmha_cli.shapes import size_text

_METADATA_MAX_BYTES, _MOST_CHUNKS = 16 << 20, 1 << 22
_CHUNK_GROWTH, _SMALL_CHUNK_BYTES = 4, 16 << 20
"""A chunk of a growing array may be so much larger than the array, or so large in any case."""
_SPARSE = 64
"""An array may be so many times larger than the chunks that are there."""
_NUMBERS = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))} | {
    f"float{bits}" for bits in (16, 32, 64)
}


@dataclass(frozen=True)
class ZarrArray:
    """One array of a store. name: with its groups, "" at the root. metadata: of its `zarr.json`."""

    root: Path
    name: str
    metadata: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(int, self.metadata["shape"]))

    @property
    def dtype(self) -> np.dtype:
        """Of what are no real numbers, which are not read, that of objects."""
        kind = self.metadata["data_type"]
        return np.dtype(kind if isinstance(kind, str) and kind in _NUMBERS else object)

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self.metadata.get("attributes", {})

    @property
    def dimensions(self) -> list[str]:
        """In lower case; "" where one has no name."""
        names = self.metadata.get("dimension_names") or [None] * len(self.shape)
        return [str(name or "").lower() for name in names]

    def on_disk(self) -> tuple[Read, str]:
        """(the array, read by windows; a note where some of it is not in the store).

        Raises BadDataError where the metadata declare what cannot be, or what is not read.
        """
        chunk = _chunk_of(self.metadata)
        _require_codecs(self.metadata["codecs"])
        _require_chunks(self, chunk)
        return Read(self.shape, self.dtype, self._window), _require_stored(self, chunk)

    def read(self) -> np.ndarray:
        array, _ = self.on_disk()
        if math.prod(self.shape) * self.dtype.itemsize > MAX_BYTES:
            raise BadDataError(f"declares {size_text(self.shape)} values, which do not fit into memory")
        return self._window([slice(0, side) for side in array.shape])

    def _window(self, window: Sequence[slice]) -> np.ndarray:
        import zarr

        from glmha_cli.io.cubes.zarr_codecs import bounded_codecs

        store = zarr.storage.LocalStore(self.root, read_only=True)
        with bounded_codecs():
            array = zarr.open_array(store, path=self.name, mode="r", zarr_format=3)
            return np.asarray(array[tuple(window)])


def arrays_in(root: Path) -> Iterator[tuple[str, ZarrArray | None]]:
    """(name with its groups, array) of all that the store holds; None for a link. BadDataError for no such store."""
    if not (root / METADATA).is_file():
        raise _no_store(root)
    folders = [root]
    while folders:
        folder = folders.pop()
        name = "" if folder == root else folder.relative_to(root).as_posix()
        metadata = metadata_of(folder)
        if metadata.get("node_type") == "array":
            yield name, ZarrArray(root, name, metadata)
            continue
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_symlink():
                    yield f"{name}/{entry.name}".lstrip("/"), None
                elif entry.is_dir() and os.path.lexists(os.path.join(entry.path, METADATA)):
                    folders.append(Path(entry.path))


def metadata_of(folder: Path) -> dict[str, Any]:
    """What a node says of itself."""
    path = folder / METADATA
    if path.is_symlink() or not path.is_file():
        raise BadDataError(f"'{path}' is a link or a device, which is not followed")
    with path.open("rb") as file:
        text = file.read(_METADATA_MAX_BYTES + 1)
    if len(text) > _METADATA_MAX_BYTES:
        raise BadDataError(f"'{path}' has over {_METADATA_MAX_BYTES} bytes")
    found = json.loads(text)
    if found.get("zarr_format") != 3 or found.get("node_type") not in ("array", "group"):
        raise BadDataError(f"'{path}' is not of Zarr, version 3")
    return found


def _no_store(root: Path) -> BadDataError:
    if any((root / name).exists() for name in (".zarray", ".zgroup", ".zmetadata")):
        return BadDataError("is a store of Zarr, version 2", f"zarr migrate v3 {root}  (pip install 'zarr[cli]')")
    return BadDataError(f"is no store of Zarr: it has no {METADATA}")


def _chunk_of(metadata: Mapping[str, Any]) -> tuple[int, ...]:
    grid = metadata["chunk_grid"]
    if grid["name"] != "regular":
        raise BadDataError(f"has chunks on a grid of the kind '{grid['name']}'", "rewrite it with a regular grid")
    chunk = tuple(map(int, grid["configuration"]["chunk_shape"]))
    if len(chunk) != len(metadata["shape"]) or min((*chunk, *metadata["shape"]), default=1) < 1:
        raise BadDataError(f"has chunks of {size_text(chunk)} for {size_text(metadata['shape'])} values")
    return chunk


def _require_codecs(codecs: Sequence[Mapping[str, Any]]) -> None:
    from glmha_cli.io.cubes.zarr_codecs import KNOWN

    for codec in codecs:
        if (name := codec["name"]) not in KNOWN:
            raise BadDataError(f"is packed by '{name}'", "rewrite it with zstd, gzip or blosc")
        inner = codec.get("configuration") or {}
        _require_codecs([*inner.get("codecs", ()), *inner.get("index_codecs", ())])


def _require_chunks(array: ZarrArray, chunk: tuple[int, ...]) -> None:
    """BadDataError for chunks far larger than the array, or so small that there are millions of them."""
    itemsize, shape, inner = array.dtype.itemsize, array.shape, chunk
    codecs = list(array.metadata["codecs"])
    while codecs:  # shards hold smaller chunks, or shards again
        if (codec := codecs.pop())["name"] == "sharding_indexed":
            inner = tuple(map(int, codec["configuration"]["chunk_shape"]))
            codecs = list(codec["configuration"]["codecs"])
    chunk_bytes, nbytes = math.prod(chunk) * itemsize, math.prod(shape) * itemsize
    if chunk_bytes > max(_CHUNK_GROWTH * nbytes, _SMALL_CHUNK_BYTES):
        raise BadDataError(f"has chunks of {chunk_bytes} bytes for {nbytes} bytes of numbers")
    if len(inner) != len(shape) or min(inner, default=1) < 1 or _count(shape, inner) > _MOST_CHUNKS:
        raise BadDataError(
            f"has chunks of {size_text(inner)} for {size_text(shape)} values", "rewrite it with larger ones"
        )


def _count(shape: Sequence[int], chunk: Sequence[int]) -> int:
    return math.prod(-(-side // length) for side, length in zip(shape, chunk, strict=True))


def _require_stored(array: ZarrArray, chunk: tuple[int, ...]) -> str:
    """What to say of chunks that are not there, which hold the fill value.

    BadDataError where there are none, or far fewer than the array has: a few bytes can declare 10 TB.
    """
    there = sum(name != METADATA for name, _ in files_in(array.root / array.name))
    count, itemsize = _count(array.shape, chunk), array.dtype.itemsize
    declared_bytes = math.prod(array.shape) * itemsize
    if not there:
        raise BadDataError(f"'{array.name}' is declared, but has no values")
    if declared_bytes > max(FREE_BYTES, _SPARSE * there * math.prod(chunk) * itemsize):
        raise BadDataError(f"declares {size_text(array.shape)} values, {declared_bytes} bytes, but has {there} chunks")
    if there >= count:
        return ""
    fill = array.metadata.get("fill_value")
    return f"{count - there} of its {count} chunks are not in the store, and hold its fill value, {fill}"
