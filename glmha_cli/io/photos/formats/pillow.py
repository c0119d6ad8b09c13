"""What the formats read and written by Pillow share: 8-bit samples, metadata, CMYK."""

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glmha_cli.io.photos.exif import exif_with_provenance
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.metadata import Metadata, usable_dpi

if TYPE_CHECKING:
    from PIL.Image import Image


def from_pillow(image: "Image", notes: tuple[str, ...]) -> Stored:
    """Samples and metadata of an open 8-bit Pillow image (L, RGB, RGBA or CMYK)."""
    metadata = metadata_of(image)
    if image.mode == "CMYK":
        image, icc_profile, note = cmyk_to_srgb(image, metadata.icc_profile)
        metadata, notes = replace(metadata, icc_profile=icc_profile), (*notes, note)
    return Stored(samples=np.atleast_3d(np.asarray(image)), metadata=metadata, notes=notes)


def metadata_of(image: "Image") -> Metadata:
    """Of an open Pillow image, as its file has it."""
    info = image.info
    return Metadata(
        exif=info.get("exif", b"").removeprefix(b"Exif\0\0"),
        icc_profile=info.get("icc_profile") or b"",
        xmp=info.get("xmp", b""),
        dpi=usable_dpi(*info["dpi"]) if info.get("dpi") else None,
    )


def cmyk_to_srgb(image: "Image", icc_profile: bytes) -> tuple["Image", bytes, str]:
    """The image in RGB, its new ICC profile, and a note on how it was converted."""
    from PIL import ImageCms

    if not icc_profile:
        return image.convert("RGB"), b"", "CMYK without a profile became RGB: colours are approximate"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    converted = ImageCms.profileToProfile(image, io.BytesIO(icc_profile), srgb, outputMode="RGB")
    return converted, srgb.tobytes(), "CMYK became sRGB by its ICC profile"


def pillow_metadata(metadata: Metadata) -> dict[str, bytes]:
    """What `Image.save` takes for JPEG and WebP; provenance goes into the EXIF."""
    exif = exif_with_provenance(metadata)
    prefixed = b"Exif\0\0" + exif if exif else b""
    return {"exif": prefixed, "icc_profile": metadata.icc_profile, "xmp": metadata.xmp}
