"""A photo's colours as sRGB, where they have to mean something absolute."""

import numpy as np
from einops import repeat
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.colours import colours_of
from glmha_cli.io.photos.icc import is_gray_profile
from glmha_cli.io.photos.read import Photo


def srgb_colours(photo: Photo, *, strict: bool = False) -> tuple[Num[np.ndarray, "h w c"], tuple[str, ...]]:
    """(`photo.colours` in sRGB, in their own depth; notes for the user).

    Conversion is by LittleCMS, with the photo's ICC profile or one made of what else describes its colours. Where none
    can be made the photo is taken as sRGB, and so it is with a profile for gray; both are said.

    Raises BadDataError for a damaged profile if `strict`.
    """
    import imagecodecs

    metadata, colours = photo.metadata, colours_of(photo.metadata)
    if colours.is_srgb:
        return photo.colours, ()
    has_icc_profile = colours.source == "ICC profile"
    if has_icc_profile and is_gray_profile(metadata.icc_profile):
        return photo.colours, ("its gray ICC profile was not applied",)
    profile = metadata.icc_profile if has_icc_profile else colours.profile()
    if not profile:
        return photo.colours, (f"its colours by {colours.source} cannot be converted: taken as sRGB",)
    rgb = repeat(photo.colours, "h w 1 -> h w 3") if photo.grayscale else photo.colours
    try:
        converted = imagecodecs.cms_transform(
            np.ascontiguousarray(rgb),
            profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="rgb",
            outcolorspace="rgb",
        )
    except RuntimeError as error:  # imagecodecs.CmsError
        if strict:
            raise BadDataError("its ICC profile cannot be applied", "leave out --strict") from error
        return photo.colours, ("its ICC profile is damaged: taken as sRGB",)
    return np.clip(converted, 0, 1) if converted.dtype.kind == "f" else converted, (
        f"converted to sRGB by its {colours.source}",
    )
