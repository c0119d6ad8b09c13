"""PGM and PPM with binary samples (netpbm's P5 and P6), of 8 or 16 bit: Pillow reads 16-bit PPM as 8 bit."""

import re

import numpy as np
from einops import rearrange

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.metadata import Findings, Metadata

_NUMBER = rb"(?:\s|#[^\n\r]*[\n\r])+(\d{1,9})"
_HEADER = re.compile(rb"P([56])" + 3 * _NUMBER + rb"(?:#[^\n\r]*)?\s")  # width, height, peak


def decode(data: bytes, max_pixels: int) -> Stored:
    header = _HEADER.match(data)
    if header is None:
        raise BadDataError("damaged: its header is not that of a PGM or PPM")
    width, height, peak = (int(header[index]) for index in (2, 3, 4))
    require_size(width, height, max_pixels)
    if not 1 <= peak <= 65535:
        raise BadDataError(f"damaged: declares samples of up to {peak}")
    channels, form = 3 if header[1] == b"6" else 1, ">u1" if peak < 256 else ">u2"
    count = width * height * channels
    if len(data) - header.end() < count * np.dtype(form).itemsize:
        raise BadDataError("truncated: parts of its picture are missing")
    stored = rearrange(np.frombuffer(data, form, count, header.end()), "(h w c) -> h w c", h=height, w=width)
    full = 255 if peak < 256 else 65535
    samples = stored if peak == full else np.rint(np.minimum(stored, peak) * (full / peak))
    samples = samples.astype(np.uint8 if full == 255 else np.uint16)
    findings = Findings()
    if data[header.end() + stored.nbytes :].strip():
        findings.notes.append("further pictures or data behind the picture were left out")
    if b"#" in header[0]:
        findings.notes.append("comments in its header were left out")
    return Stored(samples=samples, metadata=Metadata(), findings=findings)
