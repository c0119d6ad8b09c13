"""The papers' ways to measure, by name: what is rounded, cropped and averaged before a metric is taken.

A new protocol is a function, its `Protocol` and a line in `PROTOCOLS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.evaluation.metrics import derain_psnr_db, luma, mrae, psnr_db, rgb_psnr_db, rmse, sam_deg, ssim
from glmha_cli.shapes import size_text

ARAD_CROP_PX = 128
KAIST_SCALE = 256


@dataclass(frozen=True, kw_only=True)
class Score:
    """metrics: name -> value. facts: what was done to measure them, as whole numbers (px cropped, values left out)."""

    metrics: Mapping[str, float]
    facts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """kind: of what it measures. rule: in a sentence, for people. measure(result, target): both of one shape, as at
    all edges: a photo (h, w, 3) or a cube (h, w, bands), float in [0, 1].
    """

    name: str
    kind: Literal["photo", "cube"]
    rule: str
    measure: Callable[[np.ndarray, np.ndarray], Score]

    def score(self, result: Float[np.ndarray, "h w c"], target: Float[np.ndarray, "h w c"]) -> Score:
        """Raises BadDataError for two sizes or numbers of bands, and for what a metric is not defined on."""
        if result.shape != target.shape:
            sizes = " and ".join(size_text(array.shape) for array in (result, target))
            raise BadDataError(
                f"result and target differ in size: {sizes}",
                "both images of a pair need the same size; crop or leave it out",
            )
        return self.measure(result, target)


def eight_bit(photo: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return np.rint(photo.clip(0, 1) * 255).astype(np.uint8)


def _derain(result: Float[np.ndarray, "h w 3"], target: Float[np.ndarray, "h w 3"]) -> Score:
    result, target = eight_bit(result), eight_bit(target)
    return Score(
        metrics={"psnr_db": derain_psnr_db(result, target), "ssim": ssim(luma(result), luma(target), peak=255)}
    )


def _gopro(result: Float[np.ndarray, "h w 3"], target: Float[np.ndarray, "h w 3"]) -> Score:
    result, target = eight_bit(result), eight_bit(target)
    return Score(metrics={"psnr_db": rgb_psnr_db(result, target), "ssim": ssim(result, target, peak=255)})


def _arad(result: Float[np.ndarray, "h w bands"], target: Float[np.ndarray, "h w bands"]) -> Score:
    crop = ARAD_CROP_PX if min(target.shape[:2]) > 2 * ARAD_CROP_PX else 0
    if crop:
        result, target = (cube[crop:-crop, crop:-crop] for cube in (result, target))
    metrics = {
        "mrae": mrae(result, target),
        "rmse": rmse(result, target),
        "sam_deg": sam_deg(result, target),
        "psnr_db": psnr_db(result.clip(0, 1), target.clip(0, 1), peak=1),
    }
    return Score(metrics=metrics, facts={"crop_px": crop, "zero_references": int(np.sum(target == 0))})


def _kaist(result: Float[np.ndarray, "h w bands"], target: Float[np.ndarray, "h w bands"]) -> Score:
    result, target = (np.rint(cube.astype(np.float64) * KAIST_SCALE) for cube in (result, target))
    bands = range(target.shape[2])
    psnr = [psnr_db(result[..., band], target[..., band], peak=255) for band in bands]
    return Score(metrics={"psnr_db": float(np.mean(psnr)), "ssim": ssim(result, target, peak=255)})


_DERAIN = Protocol(
    name="derain",
    kind="photo",
    measure=_derain,
    rule="8 bit, Y of MATLAB's rgb2ycbcr (16-235, rounded), no crop; PSNR with peak 255, SSIM 11x11",
)
_GOPRO = Protocol(
    name="gopro",
    kind="photo",
    measure=_gopro,
    rule="8 bit RGB, no crop; PSNR over all values with peak 255, SSIM 11x11, mean of the channels",
)
_ARAD = Protocol(
    name="arad",
    kind="cube",
    measure=_arad,
    rule=(
        "128 px cropped off each side of cubes over 256 px both ways, else none; MRAE without the values "
        "whose target is "
        "zero, RMSE, PSNR of all values with peak 1, SAM in degrees"
    ),
)
_KAIST = Protocol(
    name="kaist",
    kind="cube",
    measure=_kaist,
    rule="values x 256, rounded; PSNR with peak 255 and SSIM 11x11, each per band, then averaged",
)

PROTOCOLS = {protocol.name: protocol for protocol in (_DERAIN, _GOPRO, _ARAD, _KAIST)}
