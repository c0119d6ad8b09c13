"""ICC profiles: a photo's pixels as sRGB, where colours have to mean something absolute."""

import io

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.io import metadata as meta
from glmha_cli.io.images import Photo


def srgb_pixels(photo: Photo) -> tuple[Float[np.ndarray, "h w 3"], tuple[str, ...]]:
    """(pixels in sRGB, [0, 1], notes for the user). Without a profile a photo is taken as sRGB.

    Conversion is by LittleCMS in 8 bits, all it offers from here. Profiles for gray only change the tone
    curve of a photo without colour; they are left alone, and said so.
    """
    profile = photo.metadata.icc_profile
    if meta.is_srgb(profile):
        return photo.pixels, ()
    if meta.is_gray_profile(profile):
        return photo.pixels, ("its gray ICC profile was not applied",)
    from PIL import Image, ImageCms

    image = Image.fromarray(np.rint(photo.pixels.clip(0, 1) * 255).astype(np.uint8))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError) as error:
        raise BadDataError(f"its ICC profile cannot be applied ({error})", "convert the photo to sRGB first") from error
    return np.asarray(converted, np.float32) / 255, ("converted to sRGB by its ICC profile, in 8 bits",)
