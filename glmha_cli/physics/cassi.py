"""Single-disperser CASSI: how a coded camera turns a cube into one image, and back.

A mask codes the scene, a prism shifts band i right by `step * i` pixels, the detector adds the bands up:
`Y[:, step*i : step*i + w] += mask * x_i`, w_ext = w + step * (bands - 1).

Every `mask` here is either the plain mask (h, w) or a measured shifted mask (h, w_ext, bands). A measured one
is not the zero-padded shift of the plain one: at its borders the real aperture shows. Light there is no light
of the cube, so of its band i only the window `step*i : step*i + w` acts on the cube.

All arrays of one call share one dtype, float32 or float64, and results have it too. Source: Wagadarikar et
al., "Single disperser design for coded aperture snapshot spectral imaging" (2008); scales as in MST.
"""

import numpy as np
from jaxtyping import Float

DARK_SHARE, DARK_PX = 0.25, 16
"""The dark level is read in this share of the image: its darkest blocks, of so many pixels a side."""
SMALLEST_GRAM = 1e-10
"""A detector pixel whose squared mask values sum to less saw no light: nothing is inferred from it."""


def shift(cube: Float[np.ndarray, "h w bands"], *, step: int) -> Float[np.ndarray, "h w_ext bands"]:
    """Move band i right by `step * i` pixels on a zero canvas of width w + step * (bands - 1)."""
    h, w, bands = cube.shape
    shifted = np.zeros((h, w + step * (bands - 1), bands), cube.dtype)
    for i in range(bands):
        shifted[:, step * i : step * i + w, i] = cube[..., i]
    return shifted


def shift_back(
    measurement: Float[np.ndarray, "h w_ext"] | Float[np.ndarray, "h w_ext bands"], *, bands: int, step: int
) -> Float[np.ndarray, "h w bands"]:
    """Cut band i's window `step*i : step*i + w` out of a measurement, or out of band i of a shifted cube."""
    h, w_ext = measurement.shape[:2]
    w = w_ext - step * (bands - 1)
    assert w > 0, f"{w_ext} columns are too few for {bands} bands at step {step}"
    cube = np.empty((h, w, bands), measurement.dtype)
    for i in range(bands):
        band = measurement if measurement.ndim == 2 else measurement[..., i]
        cube[..., i] = band[:, step * i : step * i + w]
    return cube


def shifted_mask(mask: Float[np.ndarray, "h w"], *, bands: int, step: int) -> Float[np.ndarray, "h w_ext bands"]:
    """Phi: the mask as each band's shifted copy on the detector, zero outside; the networks' second input."""
    return shift(_mask_per_band(mask, bands=bands, step=step), step=step)


def forward(
    cube: Float[np.ndarray, "h w bands"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    step: int,
) -> Float[np.ndarray, "h w_ext"]:
    """Phi x: what the detector sees of a cube. A cube in [0, 1] gives values in [0, bands]."""
    h, w, bands = cube.shape
    per_band = _mask_per_band(mask, bands=bands, step=step)
    measurement = np.zeros((h, w + step * (bands - 1)), cube.dtype)
    for i in range(bands):
        measurement[:, step * i : step * i + w] += per_band[..., i] * cube[..., i]
    return measurement


def adjoint(
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    bands: int,
    step: int,
) -> Float[np.ndarray, "h w bands"]:
    """Phi^T y: every pixel of the measurement handed back to each voxel that fed it, times the mask."""
    return shift_back(measurement, bands=bands, step=step) * _mask_per_band(mask, bands=bands, step=step)


def network_input(
    measurement: Float[np.ndarray, "h w_ext"], *, bands: int, step: int
) -> Float[np.ndarray, "h w bands"]:
    """H = shift-back(Y * 2 / bands): the first input of MST-S/M/L.

    2 / bands brings Y near a cube's own scale: about half of the mask is open.
    """
    return shift_back(measurement * (2 / bands), bands=bands, step=step)


def project(
    cube: Float[np.ndarray, "h w bands"],
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    step: int,
) -> Float[np.ndarray, "h w bands"]:
    """The cube nearest to `cube` that gives the measurement: x + Phi^T (Phi Phi^T)^-1 (y - Phi x).

    Closed form, as Phi Phi^T is diagonal: each voxel meets one detector pixel. Pixels that the mask leaves
    dark in every band (see SMALLEST_GRAM) change nothing. The result may leave [0, 1]
    where noise asks for it.
    """
    bands = cube.shape[2]
    residual = measurement - forward(cube, mask, step=step)
    gram = forward(_mask_per_band(mask, bands=bands, step=step), mask, step=step)
    weight = np.divide(residual, gram, out=np.zeros_like(residual), where=gram > SMALLEST_GRAM)
    return cube + adjoint(weight, mask, bands=bands, step=step)


def dark_level(
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    bands: int,
    step: int,
) -> float:
    """What the detector shows where no light comes through the mask, at most the brightness of the darkest parts.

    There light is as bright as the mask lets through of all bands, and the dark level is the same everywhere: of the
    line through the pixels, brightness over transmission, it is the value at 0. 0 where nothing speaks for one.
    """
    through = forward(_ones(measurement, bands=bands, step=step), mask, step=step)
    inner = [_inner(image, bands=bands, step=step) for image in (measurement, through)]
    side = min(DARK_PX, *inner[0].shape)
    blocks = np.stack([_blocks(image, side) for image in inner])
    means = blocks[0].mean(axis=1)
    brightness, transmission = blocks[:, means <= np.quantile(means, DARK_SHARE)].reshape(2, -1).astype(np.float64)
    spread = transmission.var()
    slope = np.cov(brightness, transmission)[0, 1] / spread if spread > SMALLEST_GRAM else np.inf
    return float(np.clip(brightness.mean() - slope * transmission.mean(), 0, brightness.mean()))


def with_dark_level_as_light(
    measurement: Float[np.ndarray, "h w_ext"],
    mask: Float[np.ndarray, "h w"] | Float[np.ndarray, "h w_ext bands"],
    *,
    bands: int,
    step: int,
) -> Float[np.ndarray, "h w_ext"]:
    """The measurement with its dark level as the light of an even scene, coded by the mask as all other light is.

    A network takes a level that is not coded for a scene that darkens where the mask is open, and a flat background
    becomes as uneven as the mask.
    """
    level = dark_level(measurement, mask, bands=bands, step=step)
    through = forward(_ones(measurement, bands=bands, step=step), mask, step=step)
    mean = _inner(through, bands=bands, step=step).mean()
    return measurement + measurement.dtype.type(level) * (through / max(mean, SMALLEST_GRAM) - 1)


def _ones(measurement: Float[np.ndarray, "h w_ext"], *, bands: int, step: int) -> Float[np.ndarray, "h w bands"]:
    h, w_ext = measurement.shape
    return np.ones((h, w_ext - step * (bands - 1), bands), measurement.dtype)


def _inner(image: Float[np.ndarray, "h w_ext"], *, bands: int, step: int) -> Float[np.ndarray, "h w_inner"]:
    """The columns that all bands reach; all columns where there are none."""
    margin = step * (bands - 1)
    return image[:, margin:-margin] if 0 < 2 * margin < image.shape[1] else image


def _blocks(image: Float[np.ndarray, "h w"], side: int) -> Float[np.ndarray, "n pixels"]:
    """The pixels of the whole blocks of `side` x `side`."""
    h, w = (length // side for length in image.shape)
    return image[: h * side, : w * side].reshape(h, side, w, side).swapaxes(1, 2).reshape(h * w, side * side)


def _mask_per_band(mask: np.ndarray, *, bands: int, step: int) -> Float[np.ndarray, "h w bands"]:
    """The mask as each band meets it, in the cube's own columns; a plain mask repeats without a copy."""
    if mask.ndim == 3:
        return shift_back(mask, bands=bands, step=step)
    return np.broadcast_to(mask[..., None], (*mask.shape, bands))
