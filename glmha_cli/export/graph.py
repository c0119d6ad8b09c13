"""A network -> an ONNX graph of standard operators, for any number of images of any height and width.

By torch's TorchScript exporter: the newer one reasons about free sizes with symbolic algebra, takes 25 times as long
(a paper-size Restormer: minutes) and gives a graph that runs no faster. Whatever a trace may fix by mistake shows in
the check at other sizes (`export.check`).
"""

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import onnx
import onnxruntime
import torch
from torch import nn
from torch.onnx import register_custom_op_symbolic, symbolic_helper, unregister_custom_op_symbolic

from glmha_cli.errors import GlmhaError
from glmha_cli.export.sizes import sizes_by_input
from glmha_cli.networks.config import built_from

OPSET = 20  # the first with Gelu
NAMES, OUTPUT = ("x", "mask"), "y"
SIZES = {0: "batch", 2: "height", 3: "width"}


def traced(network: nn.Module, *, tile_px: int) -> onnx.ModelProto:
    """The graph of a network of ours, traced on two images of `tile_px`; batch, height and width stay free.

    Raises what the network raises, such as UsageError for an attention that no graph can hold, and GlmhaError for an
    operator that the exporter does not know.
    """
    shapes = built_from(network).input_shapes(tile_px, tile_px)
    examples = tuple(torch.rand(2, *shape[1:]) for shape in shapes)
    names, graph = list(NAMES[: len(examples)]), io.BytesIO()
    with operators(), warnings.catch_warnings(action="ignore"), torch.no_grad():
        try:
            torch.onnx.export(
                network,
                examples,
                cast(Any, graph),  # a file object is taken, too
                dynamo=False,
                opset_version=OPSET,
                input_names=names,
                output_names=[OUTPUT],
                dynamic_axes=_free_sizes(names),
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).strip().split("\n")[0]
            raise GlmhaError(f"PyTorch cannot write this network as ONNX ({reason})", "glmha info MODEL") from error
    model = simplified(onnx.load_from_string(graph.getvalue()))
    sizes_by_input(model, built_from(network))
    return simplified(model)


def _free_sizes(names: Sequence[str]) -> dict[str, dict[int, str]]:
    """A mask is wider than its image, so its width has a name of its own."""
    return {name: SIZES | ({3: "width_ext"} if name == "mask" else {}) for name in (*names, OUTPUT)}


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """Constants folded and duplicates joined by ONNX Runtime, at the level that keeps to standard operators."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "graph.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result = onnx.load(options.optimized_model_filepath)
    del result.opset_import[1:]  # the runtime lists all that it knows; the first is the standard's
    return result


def _transposed(g: Any, x: Any) -> Any:
    rank = symbolic_helper._get_tensor_rank(x)
    assert rank is not None
    return g.op("Transpose", x, perm_i=[*range(rank - 2), rank - 1, rank - 2])


@symbolic_helper.parse_args("v", "is")
def _adaptive_max_pool(g: Any, x: Any, output_size: Sequence[int]) -> tuple[Any, Any]:
    """Row i is the maximum over rows i h // n : ((i+1) h + n-1) // n, columns likewise; without the indices."""
    for axis, num in zip((2, 3), output_size, strict=True):
        x = _window_maxima(g, x, axis, num)
    return x, x


def _window_maxima(g: Any, x: Any, axis: int, num: int) -> Any:
    """Windows are gathered at the length of the longest; a shorter one repeats its last, which no maximum minds."""

    def constant(value: Any) -> Any:
        return g.op("Constant", value_t=torch.tensor(value))

    size = g.op("Shape", x, start_i=axis, end_i=axis + 1)
    index, count, one = constant([[i] for i in range(num)]), constant([num]), constant([1])
    start = g.op("Div", g.op("Mul", index, size), count)
    last = g.op("Div", g.op("Sub", g.op("Mul", g.op("Add", index, one), size), one), count)
    longest = g.op("Squeeze", g.op("Add", g.op("Div", size, count), constant([2])))
    offsets = g.op("Range", constant(0), longest, constant(1))
    windows = g.op("Gather", x, g.op("Min", g.op("Add", start, offsets), last), axis_i=axis)
    return g.op("ReduceMax", windows, constant([axis + 1]), keepdims_i=0)


OPERATORS: dict[str, Callable] = {"aten::mT": _transposed, "aten::adaptive_max_pool2d": _adaptive_max_pool}


@contextmanager
def operators() -> Iterator[None]:
    """Operators of torch that its exporter does not know, for the time of an export."""
    for name, symbolic in OPERATORS.items():
        register_custom_op_symbolic(name, symbolic, OPSET)
    try:
        yield
    finally:
        for name in OPERATORS:
            unregister_custom_op_symbolic(name, OPSET)
