"""`glmha sci --check MEASUREMENT MASK`: whether the two fit, and how the mask has to be laid."""

from pathlib import Path

from rich.table import Table

from glmha_cli.cli.options.restoring import FromMeasurement
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import reader_of
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.measurements.fit import check_fit
from glmha_cli.physics.cassi_fit import LEAST_FIT, Fit, fits
from glmha_cli.tasks.sci import BANDS

BEST_SHOWN = 5


def check(options: FromMeasurement, output: Output) -> int:
    """0 where they fit as they are; BadDataError with what to do where they do not."""
    if len(options.inputs) != 1:
        raise UsageError("--check takes a measurement and a mask", "glmha sci --check measurement.mat mask.mat")
    source, mask_path = Path(options.inputs[0]), options.mask or Path(options.output)
    with reader_of(output) as reader:
        measurement = reader.read(
            "glmha_cli.io.measurements.read:read_measurement", source, key=options.key, normalise=options.normalise
        )
        mask = reader.read("glmha_cli.io.measurements.read:read_mask", mask_path)
    for path, read in ((source, measurement), (mask_path, mask)):
        for note in read.notes:
            output.remark(path, note)
    found = fits(measurement.values, mask.values, step=options.step, bands=BANDS)
    if not found:
        check_fit(measurement, mask, step=options.step, bands=BANDS)
    table = Table("mask", "correlation", box=None, pad_edge=False)
    for fit in found[:BEST_SHOWN]:
        table.add_row(fit.mask, f"{fit.correlation:.3f}")
        output.record({"mask": fit.mask, "correlation": fit.correlation})
    if not options.json:
        output.table(table)
    _require_as_it_is(found[0], mask_path)
    output.note(f"{source} fits {mask_path}")
    return 0


def _require_as_it_is(best: Fit, mask: Path) -> None:
    if best.correlation < LEAST_FIT:
        raise BadDataError(
            f"'{mask}' does not fit in any orientation: correlation {best.correlation:.2f} at best",
            "is it this camera's mask?",
        )
    if best.mask != "as it is":
        raise BadDataError(f"'{mask}' does not fit as it is, but {best.mask}", "save it in that orientation")
