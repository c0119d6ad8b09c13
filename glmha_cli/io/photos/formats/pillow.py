"""What the formats read and written by Pillow share: 8-bit samples, CMYK."""

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glmha_cli.io.photos.formats.base import Stored, require_frame
from glmha_cli.io.photos.metadata import Findings, Metadata

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SHORTEST_SECONDS = 0.01
"""Of a frame: a time of 0 would make a page of it."""


def from_pillow(image: "Image", metadata: Metadata, findings: Findings) -> Stored:
    """Samples of an open 8-bit Pillow image (L, RGB, RGBA or CMYK)."""
    if image.mode == "CMYK":
        image, icc_profile = cmyk_to_srgb(image, metadata.icc_profile, findings)
        metadata = replace(metadata, icc_profile=icc_profile)
    return Stored(samples=np.atleast_3d(np.asarray(image)), metadata=metadata, findings=findings)


def one_frame(image: "ImageFile", frame: int, metadata: Metadata, findings: Findings) -> Stored:
    """A frame of an open animation, or its only one, in RGB or RGBA: all of an animation in the same."""
    count = getattr(image, "n_frames", 1)
    require_frame(frame, count, "frames")
    image.seek(frame)
    image.load()
    has_alpha = count > 1 or "A" in image.mode or "transparency" in image.info
    samples = np.asarray(image.convert("RGBA" if has_alpha else "RGB"))
    seconds = max(image.info.get("duration", 0) / 1000, SHORTEST_SECONDS) if count > 1 else 0.0
    return Stored(samples=samples, metadata=metadata, findings=findings, frames=count, seconds=seconds)


def cmyk_to_srgb(image: "Image", icc_profile: bytes, findings: Findings) -> tuple["Image", bytes]:
    """The image in RGB and its new ICC profile."""
    from PIL import ImageCms

    if icc_profile:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        try:
            converted = ImageCms.profileToProfile(image, io.BytesIO(icc_profile), srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            findings.damage.append("ICC profile")
        else:
            assert converted is not None  # None is for a conversion in place
            findings.notes.append("CMYK became sRGB by its ICC profile")
            return converted, srgb.tobytes()
    findings.notes.append("CMYK without a profile became RGB: colours are approximate")
    return image.convert("RGB"), b""
