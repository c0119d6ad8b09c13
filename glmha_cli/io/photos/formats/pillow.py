"""What the formats read and written by Pillow share: 8-bit samples, CMYK."""

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.metadata import Findings, Metadata

if TYPE_CHECKING:
    from PIL.Image import Image


def from_pillow(image: "Image", metadata: Metadata, findings: Findings) -> Stored:
    """Samples of an open 8-bit Pillow image (L, RGB, RGBA or CMYK)."""
    if image.mode == "CMYK":
        image, icc_profile = cmyk_to_srgb(image, metadata.icc_profile, findings)
        metadata = replace(metadata, icc_profile=icc_profile)
    return Stored(samples=np.atleast_3d(np.asarray(image)), metadata=metadata, findings=findings)


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
