"""TIFF 6.0 and BigTIFF: libtiff decodes, tifffile reads the tags. Written by tiff_write.py."""

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from einops import rearrange
from jaxtyping import Float, Num, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.exif_entries import ORIENTATION
from glmha_cli.io.photos.formats import raw, tiff_tags
from glmha_cli.io.photos.formats.alpha import say_left_out, say_unnamed, straight
from glmha_cli.io.photos.formats.base import (
    PEAKS,
    Stored,
    full_range,
    require_frame,
    require_single,
    require_size,
)
from glmha_cli.io.photos.formats.tiff_checks import (
    CMYK,
    NUM_COLOURS,
    PALETTE,
    PREMULTIPLIED,
    WHITE_IS_ZERO,
    alpha_index,
    keeps_numbers,
    require_compression,
    require_photo,
    require_whole,
)
from glmha_cli.io.photos.formats.tiff_pillow import cmyk_as_rgb, is_odd_jpeg, of_jpeg, with_tag
from glmha_cli.io.photos.gdal import without_no_data
from glmha_cli.io.photos.metadata import Findings
from glmha_cli.io.tiff_file import decoded_stream, open_tiff, pages_of

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MASK = 4  # PhotometricInterpretation
_ROUNDING = 1e-3
_SUBFILE_TYPE, _REDUCED = 255, 2  # of TIFF 5.0


def decode(data: bytes, max_pixels: int, frame: int = 0) -> Stored:
    findings = Findings()
    with open_tiff(io.BytesIO(data)) as tif:
        if raw.is_raw(tif):
            return raw.decode(data, max_pixels)
        page, count = _page(tif, frame, findings)
        require_size(page.imagewidth, page.imagelength, max_pixels)
        require_size(page.tilewidth or 1, page.tilelength or 1, max_pixels)  # a tile is decoded whole
        require_compression(page)
        require_whole(page, len(data))
        require_photo(page)
        directories = tiff_tags.read_directories(data, page.offset, findings)
        if not keeps_numbers(page):
            directories = replace(directories, root=without_no_data(directories.root, findings))
        metadata = tiff_tags.metadata_of(directories, findings)
        data = with_tag(data, page, ORIENTATION, 1)
        if page.photometric == CMYK:
            return replace(cmyk_as_rgb(data, page, metadata, findings), frames=count)
        stored = Stored(samples=_samples(data, page, findings), metadata=metadata, findings=findings, frames=count)
        return _colours(page, stored)


def _page(tif: "TiffFile", index: int, findings: Findings) -> tuple["TiffPage", int]:
    """A page, of those that are neither a reduced copy nor a mask of another, and how many they are."""
    full_size = [page for page in pages_of(tif) if not page.is_reduced and page.tags.valueof(_SUBFILE_TYPE) != _REDUCED]
    masks = [page for page in full_size if page.is_mask or page.photometric == _MASK]
    pages = [page for page in full_size if page not in masks]
    if not pages:
        raise BadDataError("holds no full-size picture", "convert it to TIFF anew")
    listed_once = int((tif.imagej_metadata or {}).get("images", 1)) if tif.is_imagej else 1
    if listed_once > len(pages):  # ImageJ lists one page for many
        require_single(listed_once, "pages")
    require_frame(index, len(pages), "pages")
    if masks:
        findings.notes.append("its transparency mask was left out")
    return pages[index], len(pages)


def _samples(data: bytes, page: "TiffPage", findings: Findings) -> Num[np.ndarray, "h w c"]:
    """Decoded samples, of 8 or 16 bit or float32; palette indices stay as they are.

    By libtiff: a damaged LZW strip can crash the process in the decoder that tifffile uses.
    """
    import imagecodecs

    if all(page.databytecounts):
        if is_odd_jpeg(page):
            return of_jpeg(data, page)
        samples = imagecodecs.tiff_decode(data, index=page.index)
    else:
        samples = decoded_stream(page)
        findings.notes.append("parts of its picture were never written: read as zeros or as its number for no data")
    samples = rearrange(samples, "c h w -> h w c") if page.axes == "SYX" else np.atleast_3d(samples)
    if page.photometric == PALETTE:
        return samples.astype(np.uint8) if samples.dtype.kind == "b" else samples
    if samples.dtype.kind == "f":
        return _of_floats(samples, findings)
    bits = page.bitspersample
    if samples.dtype.kind not in "bu" or bits > 16:
        raise BadDataError(f"not a photo: samples are {samples.dtype}")
    return full_range(samples, bits)


def _of_floats(samples: Num[np.ndarray, "h w c"], findings: Findings) -> Float[np.ndarray, "h w c"]:
    """Clipped where they leave [0, 1] by no more than rounding; further out it is another scale."""
    if not np.isfinite(samples).all():
        raise BadDataError("it has infinite or NaN values", "replace them by numbers from 0 to 1")
    low, high = samples.min(), samples.max()
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise BadDataError(
            f"its values are {low:.3g} to {high:.3g}, not 0 to 1", "divide by the value of white, or clip to 0..1"
        )
    if low < 0 or high > 1:
        findings.notes.append("values just outside of 0 to 1 were clipped")
    return np.clip(samples, 0, 1).astype(np.float32)


def _colours(page: "TiffPage", stored: Stored) -> Stored:
    """Gray or RGB with straight alpha, from what the page says its samples mean."""
    samples = stored.samples
    num_colours = NUM_COLOURS[int(page.photometric)]
    colours, extra = np.split(samples, [num_colours], axis=2)
    if page.photometric == PALETTE:
        colours, extra = _of_palette(page, colours[..., 0]), _in_8_bit(extra, page.bitspersample)
    if page.photometric == WHITE_IS_ZERO:
        colours = PEAKS[samples.dtype] - colours
    findings, index = stored.findings, alpha_index(page)
    if extra.shape[2] == 1 and index is None:
        say_unnamed(findings)
        index = 0
    alpha = extra[..., :0] if index is None else extra[..., index : index + 1]
    say_left_out(page.samplesperpixel - num_colours - alpha.shape[2], findings)
    samples = np.concatenate([colours, alpha], axis=2)
    is_multiplied = index is not None and page.extrasamples[index : index + 1] == (PREMULTIPLIED,)
    if is_multiplied and page.photometric != PALETTE:  # whose colours are numbers, which nothing multiplies
        samples = straight(samples, findings)
    return replace(stored, samples=samples)


def _of_palette(page: "TiffPage", indices: Num[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    stored = np.asarray(page.colormap)
    palette = stored if stored.max() < 256 else stored >> 8  # some writers use 8 bit
    return rearrange(palette[:, indices].astype(np.uint8), "c h w -> h w c")


def _in_8_bit(samples: Num[np.ndarray, "h w c"], bits: int) -> UInt8[np.ndarray, "h w c"]:
    return np.rint(samples * (255 / (2**bits - 1))).astype(np.uint8)
