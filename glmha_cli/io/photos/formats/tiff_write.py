"""TIFF as it is written: by tifffile, photos and pages."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from glmha_cli.io.photos.exif_edit import exif_with_provenance
from glmha_cli.io.photos.formats import tiff_tags
from glmha_cli.io.photos.formats.base import Frame, squeezed_gray
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.tiff_file import CLASSIC_MAX_BYTES


def encode_pages(path: Path, frames: Iterable[Frame], count: int, quality: int) -> None:
    """The first page as a photo of its own; the others behind it, with their profile and resolution."""
    for index, frame in enumerate(frames):
        if index == 0:
            encode(path, frame.samples, frame.metadata, quality)
        else:
            _write_page(path, frame.samples, frame.metadata, append=True)


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    _write_page(path, samples, metadata)
    tiff_tags.add_metadata(path, metadata, exif_with_provenance(metadata))


def _write_page(path: Path, samples: np.ndarray, metadata: Metadata, *, append: bool = False) -> None:
    import tifffile

    channels = samples.shape[2]
    tifffile.imwrite(
        path,
        squeezed_gray(samples),
        bigtiff=samples.nbytes > CLASSIC_MAX_BYTES,
        byteorder=None if append else tiff_tags.byteorder(metadata),
        append=append,
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=True,
        iccprofile=metadata.icc_profile or None,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        software=False,
        metadata=None,
    )
