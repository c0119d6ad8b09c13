"""`glmha export MODEL out.onnx`: a checkpoint as ONNX, for any runtime and for starts without PyTorch."""

from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import ExportOptions
from glmha_cli.cli.output import Output
from glmha_cli.export import export_onnx
from glmha_cli.weights.store import find_weights


def export(options: ExportOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    weights = find_weights(options.model, task=None, access=access_of(options, output))
    about = export_onnx(
        weights.path,
        options.output,
        sha256=weights.sha256,
        tile_px=options.tile,
        precision=options.precision,
        overwrite=options.overwrite,
    )
    output.note(
        f"{weights.id} -> {options.output}: {options.output.stat().st_size / 1e6:.1f} MB, {about['precision']}, "
        f"relative error {about['relative_error']:.1e}"
    )
    output.record({"output": str(options.output), **about})
