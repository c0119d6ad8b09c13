"""`glmha preview CUBE PHOTO`: what an observer under D65 would see, or three bands as red, green and blue."""

from dataclasses import replace

from glmha_cli.batch.outputs import plan_file
from glmha_cli.batch.request import STDIO
from glmha_cli.batch.streams import file_for_stdout
from glmha_cli.cli.cube_colours import in_colours, observed, some_bands, three_bands
from glmha_cli.cli.cube_input import open_input
from glmha_cli.cli.nearby import nearby
from glmha_cli.cli.options import PreviewOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import output_format, write_photo


def preview(options: PreviewOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if str(options.output) != STDIO:
        return write_preview(options, output)
    if options.json:
        raise UsageError("--json cannot be used when the photo is written to stdout", "name an output file")
    with file_for_stdout(".png", output.names) as target:
        write_preview(replace(options, output=target), output)


def write_preview(options: PreviewOptions, output: Output) -> None:
    with nearby(options, output, reads=["input"], writes=["output"]) as options:
        (job,) = plan_file(options.input, options.output, suffix_for=lambda suffix: ".png", overwrite=options.overwrite)
        output_format(job.target)
        with open_input(job.source, options, output) as cube:
            bands = options.bands
            if bands is None and not cube.facts.wavelength_nm:
                bands = some_bands(cube.shape[2])
                output.remark(job.source, f"without wavelengths its colours are unknown; shown as by --bands {bands}")
            chosen = three_bands(cube.shape[2], bands) if bands else observed(cube.facts, cube.shape[2])
            pixels, missing = in_colours(cube, chosen, gain=options.gain)
        if missing:
            output.remark(job.source, f"{missing} pixels without data are shown black")
        losses = write_photo(job.target, pixels, like=Photo(colours=pixels, bit_depth=8), overwrite=options.overwrite)
    for loss in losses:
        output.remark(job.target, loss)
    output.note(f"{job.source} -> {job.target}")
    output.record({"input": str(job.source), "output": str(job.target), "status": "ok"})
