"""What an ONNX file says of itself, read from its bytes: with neither onnx nor a runtime, and before one opens it.

ONNX is protobuf: a message is a list of (field number, value), a value a number or bytes, which may be a message
again. Only the few messages of onnx.proto that can hold a tensor are known here. Readers differ in what they make of
numbers that are longer than need be or have more bits than their field, so such are refused: no writer makes them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from glmha_cli.errors import BadDataError

METADATA, KEY, VALUE = 14, 1, 2  # of ModelProto; of StringStringEntryProto
EXTERNAL_DATA, DATA_LOCATION, INSIDE_THE_FILE = 13, 14, 0  # of TensorProto

# The messages inside a message, by field number.
INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
VARINT, EIGHT_BYTES, LENGTH_GIVEN, FOUR_BYTES = 0, 1, 2, 5
MAX_DEPTH = 64


def read_onnx_metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file whose tensors are all inside it.

    Raises BadDataError for a file that is not ONNX, and for `external_data`: paths in a model may lead anywhere.
    """
    try:
        data = memoryview(path.read_bytes())
        fields = list(_fields(data))
        if not any(number == 7 for number, _ in fields):
            raise ValueError("it has no graph")
        outside = any(_has_external(data, "model", MAX_DEPTH))
        entries = [dict(_fields(_message(value))) for number, value in fields if number == METADATA]
        metadata = {bytes(entry[KEY]).decode(): bytes(entry[VALUE]).decode() for entry in entries}
    except (ValueError, IndexError, KeyError, TypeError, OSError) as error:
        raise BadDataError(f"'{path}' is not an ONNX file, or is damaged", "glmha export MODEL out.onnx") from error
    if outside:
        raise BadDataError(
            f"'{path}' refers to tensors in other files (external_data), which are not opened",
            "glmha export MODEL out.onnx",
        )
    return metadata


def _has_external(data: memoryview, kind: str, depth: int) -> Iterator[bool]:
    """True for every tensor that lies elsewhere."""
    if not depth:
        raise ValueError("graphs are nested too deep")
    for number, value in _fields(data):
        if kind == "tensor":
            yield number == EXTERNAL_DATA or (number == DATA_LOCATION and value != INSIDE_THE_FILE)
        elif number in INSIDE[kind]:
            yield from _has_external(_message(value), INSIDE[kind][number], depth - 1)


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should be")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message; ValueError or IndexError where that is not one."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag >= 2**32:
            raise ValueError("a field's number of more than 32 bits")
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == LENGTH_GIVEN:
            length, position = _varint(data, position)
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + length > len(data):
            raise ValueError("it ends early")
        yield number, data[position : position + length]
        position += length


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number, seven bits a byte, the lowest first; and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte and shift:
                raise ValueError("a number longer than it need be")
            return value, position
    raise ValueError("a number of more than 64 bits")
