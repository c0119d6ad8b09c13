"""`glmha preview CUBE PHOTO`: what an observer under D65 would see, or three bands as red, green and blue."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from glmha_cli.batch.outputs import plan_file
from glmha_cli.batch.request import STDIO
from glmha_cli.batch.streams import file_for_stdout
from glmha_cli.cli.cube_input import open_input
from glmha_cli.cli.options import PreviewOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.model import Facts
from glmha_cli.io.cubes.windows import blocks
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import in_depth, output_format, write_photo
from glmha_cli.physics.colour import linear_to_srgb, rendering_weights


def preview(options: PreviewOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if str(options.output) != STDIO:
        return write_preview(options, output)
    if options.json:
        raise UsageError("--json cannot be used when the photo is written to stdout", "name an output file")
    with file_for_stdout(".png", output.names) as target:
        write_preview(replace(options, output=target), output)


def write_preview(options: PreviewOptions, output: Output) -> None:
    (job,) = plan_file(options.input, options.output, suffix_for=lambda suffix: ".png", overwrite=options.overwrite)
    output_format(job.target)
    with open_input(job.source, options, output) as cube:
        bands = options.bands
        if bands is None and not cube.facts.wavelength_nm:
            bands = some_bands(cube.shape[2])
            output.remark(job.source, f"without wavelengths its colours are unknown; shown as by --bands {bands}")
        chosen, weights = three_bands(cube.shape[2], bands) if bands else observed(cube.facts, cube.shape[2])
        pixels, missing = np.empty((*cube.shape[:2], 3), np.uint8), 0
        for start, stop in blocks(cube.shape):
            linear = cube.rows(start, stop)[..., chosen] @ weights
            missing += int(np.isnan(linear).any(axis=2).sum())
            colours = linear_to_srgb((np.nan_to_num(linear) * options.gain).clip(0, 1))
            pixels[start:stop] = in_depth(colours, 8, grayscale=False)
    if missing == pixels.shape[0] * pixels.shape[1]:
        raise BadDataError(f"'{job.source}': holds no data")
    if missing:
        output.remark(job.source, f"{missing} pixels without data are shown black")
    losses = write_photo(job.target, pixels, like=Photo(colours=pixels, bit_depth=8), overwrite=options.overwrite)
    for loss in losses:
        output.remark(job.target, loss)
    output.note(f"{job.source} -> {job.target}")
    output.record({"input": str(job.source), "output": str(job.target), "status": "ok"})


Chosen = tuple[list[int], Float[np.ndarray, "bands 3"]]
"""Bands, and their weights for linear red, green and blue."""


def observed(facts: Facts, count: int) -> Chosen:
    """Of a cube as reflectance under D65, by the bands that are not marked as bad."""
    shown = np.flatnonzero(facts.good_bands) if any(facts.good_bands) else np.arange(count)
    try:
        weights = rendering_weights([facts.wavelength_nm[band] for band in shown])
    except BadDataError as error:
        raise BadDataError(error.message, f"choose bands: --bands {some_bands(count)}") from error
    seen = weights.any(axis=1)  # a gap outside the visible range is none here
    return shown[seen].tolist(), weights[seen].astype(np.float32)


def some_bands(count: int) -> str:
    """Three of so many, from long to short waves in most cubes."""
    return f"{5 * count // 6},{count // 2},{count // 6}"


def three_bands(count: int, bands: str) -> Chosen:
    """Of bands "r,g,b", counted from 0."""
    parts = bands.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) < count for part in parts):
        raise UsageError(
            f"--bands takes three of the bands 0..{count - 1}, not '{bands}'", f"--bands {some_bands(count)}"
        )
    return [int(part) for part in parts], np.eye(3, dtype=np.float32)
