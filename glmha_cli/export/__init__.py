"""A checkpoint -> an ONNX file that says of itself what it is, written only if it computes the same."""

import importlib.util
from pathlib import Path
from typing import Any, Literal

from glmha_cli import __version__
from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.atomic import atomic_output
from glmha_cli.networks.config import built_from
from glmha_cli.shapes import next_multiple
from glmha_cli.weights.about import read_about

Precision = Literal["fp32", "fp16"]


def export_onnx(
    weights: Path,
    output: Path,
    *,
    sha256: str,
    tile_px: int = 256,
    precision: Precision = "fp32",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the checkpoint `weights` (safetensors) as ONNX; returns its metadata, with the error that was measured.

    Inputs `x` (batch, c, h, w) and, for sci, `mask` (batch, c, h, w_ext), output `y` (batch, c, h, w): float32 in both
    precisions, batch and sides free, the sides multiples of `size_multiple`. Metadata: key "glmha", JSON.

    Args:
        sha256: of the published file of these weights, for the metadata.
        tile_px: side at which the network is traced; also compared at others.
        precision: of arithmetic and weights. fp32 stores what float16 holds exactly as that.

    Raises:
        UsageError: an attention that ONNX cannot hold, an output that is not called .onnx, or onnx is not installed.
        GlmhaError: the result differs from the network; nothing is written then.
        NoInputError, BadDataError, CannotCreateError, OutputError: files.
    """
    _require_possible(output)
    from glmha_cli.export.check import relative_error
    from glmha_cli.export.graph import traced
    from glmha_cli.export.half import in_half
    from glmha_cli.export.storage import save_with_about, store_exactly_in_half
    from glmha_cli.fusion import fuse
    from glmha_cli.weights.checkpoint import load_network

    network = load_network(weights)
    fused = fuse(network)
    multiple = built_from(network).size_multiple
    tile_px = next_multiple(tile_px, multiple)
    with atomic_output(output, overwrite=overwrite) as temporary:
        model = traced(in_half(fused) if precision == "fp16" else fused, tile_px=tile_px)
        store_exactly_in_half(model)
        sizes = {"size_multiple": multiple, "width": built_from(network).width}
        about = {**read_about(weights), "sha256": sha256, "glmha": __version__, "precision": precision, **sizes}
        save_with_about(model, temporary, about)
        error = relative_error(network, temporary, precision, tile_px=tile_px)
    return {**about, "relative_error": error}


def _require_possible(output: Path) -> None:
    if output.suffix.lower() != ".onnx":
        raise UsageError(
            f"the output '{output}' does not end in .onnx", f"glmha export MODEL {output.with_suffix('.onnx')}"
        )
    if importlib.util.find_spec("onnx") is None:
        raise UsageError("exporting needs the package onnx", extra_command("export"))
