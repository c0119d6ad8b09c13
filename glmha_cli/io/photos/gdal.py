"""GDAL's tags of an orthophoto: what of them is true of the restored photo."""

import re

import numpy as np
from jaxtyping import Num

from glmha_cli.io.photos.exif import load_exif
from glmha_cli.io.photos.exif_entries import Directory
from glmha_cli.io.photos.metadata import Findings, Kind, Metadata
from glmha_cli.io.tiff_file import GDAL_METADATA, GDAL_NODATA

_TEXT_MAX = 64
_ITEM = re.compile(rb"<Item\b([^<>]*+)>[^<]*+</Item>")
_STATISTICS = re.compile(rb"""\sname=["']STATISTICS_""")


def without_statistics(root: Directory) -> Directory:
    """The tags without minimum, mean and the like of values that are no longer there."""
    if GDAL_METADATA not in root:
        return root
    kind, xml = root[GDAL_METADATA]
    return {**root, GDAL_METADATA: (kind, _ITEM.sub(lambda item: b"" if _STATISTICS.search(item[1]) else item[0], xml))}


def without_no_data(root: Directory, findings: Findings) -> Directory:
    """The tags without the number for no data: that of indices, or of samples that were stretched, is no colour."""
    if GDAL_NODATA in root:
        findings.notes.append("its number for no data is not of colours as they are read: left out")
    return {tag: entry for tag, entry in root.items() if tag != GDAL_NODATA}


def with_no_data(
    samples: Num[np.ndarray, "h w c"], stored: Num[np.ndarray, "h w c"], metadata: Metadata
) -> Num[np.ndarray, "h w c"]:
    """The samples with the number for no data put back wherever all channels of the photo as it was stored have it."""
    number = _no_data(metadata)
    if number is None or stored.shape != samples.shape or stored.dtype != samples.dtype:
        return samples
    is_empty = (stored == number).all(axis=2, keepdims=True)
    return np.where(is_empty, stored, samples) if is_empty.any() else samples


def _no_data(metadata: Metadata) -> float | None:
    for extra in metadata.of(Kind.GEO):
        try:
            return float(load_exif(extra.body).root[GDAL_NODATA][1][:_TEXT_MAX].strip(b"\0 "))
        except (KeyError, ValueError):
            continue
    return None
