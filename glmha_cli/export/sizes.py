"""Every size that a traced graph works out, written by the sizes of its input: far fewer operators to load and run.

A trace holds the arithmetic of every single reshape. Here all whole numbers in a graph are read off at three sizes of
the input: what stayed is a constant, what grew with batch, height, width or their product is a fraction of that, and
equal ones are one. What is neither stays as it was traced. The check after writing would show a wrong guess.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PROBES = ((2, 6, 10), (3, 14, 22), (5, 10, 34))
"""Batch, and rows and columns in multiples of the network's own: what is the same share of a size at all three is one.
At two, a width and a constant more may look like a batch."""
AXES = {"batch": 0, "height": 2, "width": 3}
Entry = int | tuple[str, Fraction]
"""A constant, or a share of one of the input's sizes: "batch", "height", "width" or "pixels"."""


def sizes_by_input(graph: onnx.ModelProto, config: Any) -> None:
    """Rewrite the whole numbers of `graph`, in place. config: of the network, for inputs that it takes."""
    names = _whole_numbers(graph)
    if not names:
        return
    writer = Writer(graph.graph.input[0].name)
    sizes = [_sizes(batch, *(side * config.size_multiple for side in sides)) for batch, *sides in PROBES]
    written = {}
    for name, *values in zip(names, *_measured(graph, config, names), strict=True):
        if len({value.shape for value in values}) == 1:
            found = [_entry(numbers, sizes) for numbers in zip(*map(np.ravel, values), strict=True)]
            entries = [entry for entry in found if entry is not None]
            if len(entries) == len(found):
                written[name] = writer.tensor(tuple(entries), is_scalar=values[0].ndim == 0)
    for node in graph.graph.node:
        for i, name in enumerate(node.input):
            if new := written.get(name):
                node.input[i] = new
    nodes = _needed([*writer.nodes, *graph.graph.node], {output.name for output in graph.graph.output})
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    graph.graph.initializer.extend(writer.constants)


def _needed(nodes: Sequence[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Those that some output comes from, in their order."""
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _whole_numbers(graph: onnx.ModelProto) -> list[str]:
    """Names of all int64 scalars and vectors that nodes make."""
    inferred = onnx.shape_inference.infer_shapes(graph).graph.value_info
    kinds = {value.name: value.type.tensor_type for value in inferred}
    made = [name for node in graph.graph.node for name in node.output]
    return [
        name
        for name in made
        if name in kinds
        and kinds[name].elem_type == TensorProto.INT64
        and kinds[name].HasField("shape")
        and len(kinds[name].shape.dim) <= 1
    ]


def _measured(graph: onnx.ModelProto, config: Any, names: Sequence[str]) -> list[list[np.ndarray]]:
    """The values of the tensors `names`, at each of the probes."""
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    measured = []
    for batch, *sides in PROBES:
        shapes = config.input_shapes(*(side * config.size_multiple for side in sides))
        feed = {
            each.name: np.zeros((batch, *shape[1:]), np.float32)
            for each, shape in zip(session.get_inputs(), shapes, strict=True)
        }
        measured.append(session.run(list(names), feed))
    return measured


def _sizes(batch: int, height: int, width: int) -> dict[str, int]:
    return {"batch": batch, "height": height, "width": width, "pixels": height * width}


def _entry(values: Sequence[int], sizes: Sequence[Mapping[str, int]]) -> Entry | None:
    """What a number is that has these values at the probes; None if it is no share of a size."""
    if len(set(values)) == 1:
        return int(values[0])
    shares = {
        name: [Fraction(int(value), at[name]) for value, at in zip(values, sizes, strict=True)] for name in sizes[0]
    }
    return next(((name, share) for name, (share, *others) in shares.items() if {share} == {share, *others}), None)


class Writer:
    """Makes the nodes and constants that give sizes, each only once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.names: dict[Any, str] = {}

    def tensor(self, entries: tuple[Entry, ...], *, is_scalar: bool) -> str:
        """The name of a vector of these entries, or of the scalar that is the only one."""
        numbers = tuple(entry for entry in entries if isinstance(entry, int))
        if len(numbers) == len(entries):
            return self.constant(numbers[0] if is_scalar else numbers)
        if is_scalar:
            return self.node("Squeeze", self.entry(entries[0]))
        parts = [self.entry(entry) for entry in entries]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def entry(self, entry: Entry) -> str:
        """The name of a vector of one."""
        if isinstance(entry, int):
            return self.constant((entry,))
        name, share = entry
        size = self.node("Mul", self.size("height"), self.size("width")) if name == "pixels" else self.size(name)
        if share.numerator != 1:
            size = self.node("Mul", size, self.constant((share.numerator,)))
        return size if share.denominator == 1 else self.node("Div", size, self.constant((share.denominator,)))

    def size(self, name: str) -> str:
        return self.node("Shape", self.source, start=AXES[name], end=AXES[name] + 1)

    def constant(self, value: int | tuple[int, ...]) -> str:
        if value not in self.names:
            self.names[value] = f"size_{len(self.names)}"
            self.constants.append(numpy_helper.from_array(np.array(value, np.int64), self.names[value]))
        return self.names[value]

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        key = (kind, inputs, *attributes.items())
        if key not in self.names:
            self.names[key] = f"size_{len(self.names)}"
            self.nodes.append(helper.make_node(kind, inputs, [self.names[key]], **attributes))
        return self.names[key]
