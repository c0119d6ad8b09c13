"""Channels beside the colours: alpha that was multiplied into them, and those that are none."""

import numpy as np
from jaxtyping import Num

from glmha_cli.io.photos.formats.base import PEAKS
from glmha_cli.io.photos.metadata import Findings


def straight(samples: Num[np.ndarray, "h w c"], findings: Findings) -> Num[np.ndarray, "h w c"]:
    """Colours divided by their coverage, the last channel, and black where that is zero."""
    colours, alpha = np.split(samples, [samples.shape[2] - 1], axis=2)
    peak = PEAKS[samples.dtype]
    divided = np.divide(colours * float(peak), alpha, where=alpha > 0, out=np.zeros(colours.shape))
    divided = np.minimum(divided, peak)
    findings.notes.append("premultiplied alpha was made straight")
    return np.concatenate([divided if peak == 1 else np.rint(divided), alpha], axis=2).astype(samples.dtype)


def say_unnamed(findings: Findings) -> None:
    """Of a single further channel."""
    findings.notes.append("its extra channel does not say what it is: kept as alpha")


def say_left_out(count: int, findings: Findings) -> None:
    if count:
        findings.notes.append(f"its further channels ({count}) were left out")
