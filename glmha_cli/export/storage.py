"""ONNX files: what they say of themselves, and weights in half the space, where that loses nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from glmha_cli.weights.about import KEY

SMALLEST = 256  # numbers; below, an operator more costs more than the bytes are worth


def store_exactly_in_half(model: onnx.ModelProto) -> None:
    """Keep as float16 what float16 holds exactly, such as our checkpoints' weights, with a Cast back to float32.

    A runtime works the casts out when it loads the model: the arithmetic is the same.
    """
    casts, graph = [], model.graph
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size >= SMALLEST and np.array_equal(half.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def save_with_about(model: onnx.ModelProto, path: Path, about: Mapping[str, Any]) -> None:
    """Write the model with `about` in its metadata, as JSON under the key "glmha"."""
    helper.set_model_props(model, {KEY: json.dumps(about, sort_keys=True)})
    onnx.save(model, path)
