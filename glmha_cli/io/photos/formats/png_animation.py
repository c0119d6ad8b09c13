"""Frames of an animated PNG as they are seen, each drawn on what the one before has left (third edition, 11.3.6).

Not by Pillow, which takes transparency twice where a frame is drawn over another.
"""

import struct
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Num, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_frame
from glmha_cli.io.photos.formats.pillow import SHORTEST_SECONDS
from glmha_cli.io.photos.formats.png_pixels import Chunks, Header, decoded
from glmha_cli.io.photos.metadata import Findings, Metadata

_CLEARED, _AS_BEFORE, _OVER = 1, 2, 1  # what disposes of a frame; how it is blended
_NUMBER_BYTES = 4  # of the sequence, before the data of a frame


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One frame as it is stored: a picture for a place of the canvas."""

    header: Header
    rows: slice
    columns: slice
    seconds: float
    dispose: int
    blend: int
    data: bytes


def frame_of(header: Header, chunks: Chunks, index: int, metadata: Metadata, findings: Findings) -> Stored:
    """A frame of an animation, in RGBA of 8 bit: all of an animation in the same. A PNG may hold a still picture before
    its frames, for readers that know no animation.
    """
    kinds = [kind for kind, _ in chunks]
    count = next(int.from_bytes(body[:4]) for kind, body in chunks if kind == b"acTL")
    parts = _parts(header, chunks)
    require_frame(index, count, "frames")
    if len(parts) < count:
        raise BadDataError(f"damaged: it declares {count} frames, and has {len(parts)}")
    if index == 0 and b"IDAT" in kinds[: kinds.index(b"fcTL")]:
        findings.notes.append("its still picture, which is no frame of the animation, was left out")
    if header.bit_depth > 8:
        findings.notes.append("an animated PNG of 16 bit is read as 8 bit")
    shared = [(kind, body) for kind, body in chunks if kind in (b"PLTE", b"tRNS")]
    canvas = np.zeros((header.height, header.width, 4), np.uint8)
    for part in parts[:index]:
        before = canvas.copy() if part.dispose == _AS_BEFORE else canvas
        _draw(canvas, part, shared, findings)
        if part.dispose == _CLEARED:
            canvas[part.rows, part.columns] = 0
        canvas = before
    _draw(canvas, parts[index], shared, findings)
    return Stored(samples=canvas, metadata=metadata, findings=findings, frames=count, seconds=parts[index].seconds)


def _parts(header: Header, chunks: Chunks) -> list[_Part]:
    found: list[tuple[bytes, list[bytes]]] = []
    for kind, body in chunks:
        if kind == b"fcTL":
            found.append((body, []))
        elif found and kind in (b"IDAT", b"fdAT"):
            found[-1][1].append(body[_NUMBER_BYTES if kind == b"fdAT" else 0 :])
    return [_part(header, control, b"".join(data)) for control, data in found]


def _part(header: Header, control: bytes, data: bytes) -> _Part:
    try:
        width, height, left, top, time, unit, dispose, blend = struct.unpack_from(">4I2H2B", control, _NUMBER_BYTES)
    except struct.error as error:
        raise BadDataError("damaged: a frame does not say where it belongs") from error
    if not (0 < width <= header.width - left and 0 < height <= header.height - top):
        raise BadDataError("damaged: a frame lies outside of its picture")
    return _Part(
        header=replace(header, width=width, height=height),
        rows=slice(top, top + height),
        columns=slice(left, left + width),
        seconds=max(time / (unit or 100), SHORTEST_SECONDS),
        dispose=dispose,
        blend=blend,
        data=data,
    )


def _draw(canvas: UInt8[np.ndarray, "h w 4"], part: _Part, shared: Chunks, findings: Findings) -> None:
    picture = _rgba(decoded(part.header, [*shared, (b"IDAT", part.data)], findings))
    place = canvas[part.rows, part.columns]
    place[...] = _over(picture, place) if part.blend == _OVER else picture


def _rgba(samples: Num[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 4"]:
    samples = (samples >> 8).astype(np.uint8) if samples.dtype == np.uint16 else samples
    has_alpha = samples.shape[2] in (2, 4)
    colours, alpha = np.split(samples, [samples.shape[2] - has_alpha], axis=2)
    alpha = alpha if has_alpha else np.full((*samples.shape[:2], 1), 255, np.uint8)
    return np.concatenate([np.repeat(colours, 3 // colours.shape[2], axis=2), alpha], axis=2)


def _over(front: UInt8[np.ndarray, "h w 4"], back: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "h w 4"]:
    """Section 13.16: each by its own coverage, the one behind by what the one before it lets through."""
    alphas = front[..., 3:] / np.float32(255), back[..., 3:] / np.float32(255)
    shown = alphas[0], alphas[1] * (1 - alphas[0])
    total = shown[0] + shown[1]
    mixed = front[..., :3] * shown[0] + back[..., :3] * shown[1]
    colours = np.divide(mixed, total, where=total > 0, out=back[..., :3].astype(np.float32))
    return np.rint(np.concatenate([colours, 255 * total], axis=2)).astype(np.uint8)
