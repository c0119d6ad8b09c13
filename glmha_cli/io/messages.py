"""Objects through pipes between processes: the number of parts, their sizes, a pickle, and apart from it the arrays
that belong to it, so that these are not copied.
"""

import pickle
import struct
from io import BufferedReader, BufferedWriter
from typing import Any

import numpy as np


def send(file: BufferedWriter, message: Any) -> None:
    """Any object that can be pickled."""
    arrays: list[pickle.PickleBuffer] = []
    text = memoryview(pickle.dumps(message, protocol=5, buffer_callback=arrays.append))
    parts = [text, *(each.raw() for each in arrays)]
    sizes = [part.nbytes for part in parts]
    file.write(struct.pack(f"<{1 + len(sizes)}Q", len(sizes), *sizes))
    for part in parts:
        file.write(part)
    file.flush()


def receive(file: BufferedReader) -> Any:
    """Raises EOFError where the other side has ended."""
    (count,) = struct.unpack("<Q", _exactly(file, 8))
    sizes = struct.unpack(f"<{count}Q", _exactly(file, 8 * count))
    message, *arrays = [_exactly(file, size) for size in sizes]
    return pickle.loads(message, buffers=arrays)


def _exactly(file: BufferedReader, size: int) -> memoryview:
    data = np.empty(size, np.uint8).data  # NumPy does not fill it first
    if file.readinto(data) != size:
        raise EOFError
    return data
