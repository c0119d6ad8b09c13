"""ICC profiles: a photo's colours as sRGB, where they have to mean something absolute."""

import io

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos import metadata as meta
from glmha_cli.io.photos.read import Photo


def srgb_colours(photo: Photo) -> tuple[Num[np.ndarray, "h w c"], tuple[str, ...]]:
    """(`photo.colours` in sRGB, notes for the user). Without a profile a photo is taken as sRGB.

    Conversion is by LittleCMS in 8 bits, all it offers from here. Profiles for gray only change the tone
    curve of a photo without colour; they are left alone, and said so.
    """
    profile = photo.metadata.icc_profile
    if meta.is_srgb(profile):
        return photo.colours, ()
    if meta.is_gray_profile(profile):
        return photo.colours, ("its gray ICC profile was not applied",)
    from PIL import Image, ImageCms

    image = Image.fromarray(np.rint(photo.pixels.clip(0, 1) * 255).astype(np.uint8))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError) as error:
        raise BadDataError(f"its ICC profile cannot be applied ({error})", "convert the photo to sRGB first") from error
    return np.asarray(converted), ("converted to sRGB by its ICC profile, in 8 bits",)
