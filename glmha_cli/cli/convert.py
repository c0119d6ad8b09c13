"""`glmha convert CUBE CUBE`: the same values, wavelengths and all else that is known in another format."""

from glmha_cli.batch.outputs import plan_file
from glmha_cli.cli.cube_input import open_input
from glmha_cli.cli.nearby import nearby
from glmha_cli.cli.options import ConvertOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.io.cubes.cube import write_stream
from glmha_cli.io.cubes.stream import CubeStream


def convert(options: ConvertOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    with nearby(options, output, reads=["input"], writes=["output"]) as options:
        (job,) = plan_file(options.input, options.output, suffix_for=str, overwrite=options.overwrite)
        if options.tiled and job.target.suffix.lower() not in (".tif", ".tiff"):
            raise UsageError("--tiled is for TIFF", f"'{job.target.with_suffix('.tif')}'")
        with open_input(job.source, options, output) as cube:
            losses = write_stream(
                job.target,
                CubeStream(cube.outline, cube.rows),
                overwrite=options.overwrite,
                mat_version=options.mat_version,
                tiled=options.tiled,
            )
    wavelength_nm = cube.facts.wavelength_nm
    if not wavelength_nm:
        output.remark(job.source, "has no wavelengths, so the new file has none either")
    for loss in losses:
        output.remark(job.target, loss)
    height, width, bands = cube.shape
    output.note(f"{job.source} -> {job.target} ({height} x {width} x {bands})")
    output.record(
        {
            "input": str(job.source),
            "output": str(job.target),
            "status": "ok",
            "height": height,
            "width": width,
            "bands": bands,
            "wavelength_nm": list(wavelength_nm),
        }
    )
