"""Whether a measurement and a mask belong together, and what would make them fit."""

from glmha_cli.errors import BadDataError
from glmha_cli.io.measurements.model import BANDS, LARGEST_TRANSMISSION, Mask, Measurement
from glmha_cli.shapes import size_text

_OTHER_BANDS = "train a network for your camera: glmha train sci-unfolding --masks MASK --start-from sci-unfolding"


def check_fit(measurement: Measurement, mask: Mask, *, step: int = 2, bands: int = BANDS) -> None:
    """BadDataError, with the sizes that fit, unless w_ext = w + |step| * (bands - 1) and all else agrees.

    So must be the scale: Y of a cube in [0, 1] is at most the number of bands.
    """
    h, w_ext = measurement.values.shape
    w = w_ext - abs(step) * (bands - 1)
    largest = float(measurement.values.max(initial=0))
    if measurement.kind == "simulated" and largest > LARGEST_TRANSMISSION * bands:
        raise BadDataError(
            f"the measurement holds values up to {largest:.4g}, but Y of {bands} bands is at most {bands}: counts?",
            "--normalise",
        )
    expected = (h, w_ext, bands) if mask.is_shifted else (h, w)
    if mask.values.shape == expected:
        return
    if mask.is_shifted and mask.values.shape[2] != bands:
        raise BadDataError(
            f"the mask has {mask.values.shape[2]} bands, and the network reconstructs {bands}", _OTHER_BANDS
        )
    setting = f"with {bands} bands at step {step}"
    fits = f"this mask needs a measurement of {_measurement_for(mask, step=step, bands=bands)}"
    fits += _what_would_fit(measurement, mask, step=step, bands=bands)
    if w < 1:
        raise BadDataError(f"{w_ext} columns are too few for a measurement: {setting} it has over {w_ext - w}", fits)
    raise BadDataError(
        f"a measurement of {h} x {w_ext} does not fit a mask of {size_text(mask.values.shape)}",
        f"{setting} this measurement needs a mask of {h} x {w}, or shifted {h} x {w_ext} x {bands}; {fits}",
    )


def _what_would_fit(measurement: Measurement, mask: Mask, *, step: int, bands: int) -> str:
    """What makes the two fit, where it is one of the usual: a transpose, another step, another number of bands."""
    (h, w_ext), (mask_h, mask_w) = measurement.values.shape, mask.values.shape[:2]
    if mask.is_shifted:
        return ""
    if (mask_w, mask_h) == (h, w_ext - abs(step) * (bands - 1)):
        return "; it would fit transposed"
    if (w_ext, h) == (mask_h, mask_w + abs(step) * (bands - 1)):
        return "; the measurement would fit transposed: light is dispersed along its rows"
    more = w_ext - mask_w
    if h == mask_h and more > 0 and more % (bands - 1) == 0:
        return f"; they fit at --step {more // (bands - 1)} (or -{more // (bands - 1)})"
    if h == mask_h and step and more > 0 and more % abs(step) == 0:
        return f"; they fit for {more // abs(step) + 1} bands: {_OTHER_BANDS}"
    return ""


def _measurement_for(mask: Mask, *, step: int, bands: int) -> str:
    h, w = mask.values.shape[:2]
    return f"{h} x {w if mask.is_shifted else w + abs(step) * (bands - 1)}"
