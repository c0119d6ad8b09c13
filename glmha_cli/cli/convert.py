"""`glmha convert CUBE CUBE`: the same values and wavelengths in another format."""

from glmha_cli.batch.outputs import plan_file
from glmha_cli.cli.options import ConvertOptions
from glmha_cli.cli.output import Output
from glmha_cli.io.cubes.cube import read_cube, write_cube


def convert(options: ConvertOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    (job,) = plan_file(options.input, options.output, suffix_for=str, overwrite=options.overwrite)
    cube = read_cube(job.source)
    write_cube(job.target, cube, overwrite=options.overwrite, mat_version=options.mat_version)
    if not cube.wavelength_nm:
        output.warning(f"{job.source}: the file names no wavelengths, so neither does the new one")
    elif job.target.suffix.lower() == ".npy":
        output.warning(f"{job.target}: .npy holds values alone; .npz keeps the wavelengths")
    height, width, bands = cube.values.shape
    output.note(f"{job.source} -> {job.target} ({height} x {width} x {bands})")
    output.record(
        {
            "input": str(job.source),
            "output": str(job.target),
            "status": "ok",
            "height": height,
            "width": width,
            "bands": bands,
            "wavelength_nm": list(cube.wavelength_nm),
        }
    )
