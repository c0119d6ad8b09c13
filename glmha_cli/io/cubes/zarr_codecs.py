"""Codecs of Zarr that unpack a chunk into no more than its declared size; the library's own unpack whatever there is.

Registered under the names of those of the format's version 3; in force where a store is read.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import imagecodecs
import numpy as np
import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.registry import register_codec

from glmha_cli.errors import BadDataError

_SPARE_BYTES = 64
"""For checksums, which come after the numbers, and headers of what was packed twice."""
_BLOSC_HEADER_BYTES = 16


def _inflated(data: bytes, most_bytes: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    unpacked = stream.decompress(data, most_bytes)
    if not stream.eof and stream.decompress(stream.unconsumed_tail, 1):
        raise BadDataError("holds a chunk that unpacks to more than its size")
    return unpacked


def _zstd_unpacked(data: bytes, most_bytes: int) -> bytes:
    return bytes(imagecodecs.zstd_decode(data, out=most_bytes))


def _blosc_unpacked(data: bytes, most_bytes: int) -> bytes:
    """By the size that its header declares, which Blosc does not go beyond."""
    if len(data) < _BLOSC_HEADER_BYTES or int.from_bytes(data[4:8], "little") > most_bytes:
        raise BadDataError("holds a chunk that unpacks to more than its size")
    return bytes(imagecodecs.blosc_decode(data))


def _bounded(codec: type[BytesBytesCodec], unpack: Callable[[bytes, int], bytes]) -> type[BytesBytesCodec]:
    """The codec with another way to unpack: (stored bytes, the most that they may become)."""

    class Bounded(codec):  # type: ignore[valid-type, misc]
        def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            numbers_bytes = int(np.prod(chunk_spec.shape, dtype=object)) * chunk_spec.dtype.to_native_dtype().itemsize
            data = unpack(chunk_bytes.to_bytes(), numbers_bytes + numbers_bytes // 100 + _SPARE_BYTES)
            return chunk_spec.prototype.buffer.from_bytes(data)

        async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    return Bounded


_BOUNDED: Mapping[str, type[BytesBytesCodec]] = {
    "gzip": _bounded(GzipCodec, _inflated),
    "zstd": _bounded(ZstdCodec, _zstd_unpacked),
    "blosc": _bounded(BloscCodec, _blosc_unpacked),
}
KNOWN = ("bytes", "transpose", "crc32c", "sharding_indexed", *_BOUNDED)
"""Names of codecs that are read: those of the specification, none of which unpacks without a bound."""
for _name, _codec in _BOUNDED.items():
    register_codec(_name, _codec, qualname=f"{__name__}.{_name}")


@contextmanager
def bounded_codecs() -> Iterator[None]:
    """Inside, arrays are opened with codecs that are bounded."""
    with zarr.config.set({f"codecs.{name}": f"{__name__}.{name}" for name in _BOUNDED}):
        yield
