"""What an image may be given as, and how a result becomes the same again: NumPy, PyTorch, Pillow, or our Photo.

A library that is not loaded cannot have made the image, so none is imported here that the caller does not use.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange
from jaxtyping import Num, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.inference.blend import area_of
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.read import Photo

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

ACCEPTED = (
    "give a NumPy array (h, w) or (h, w, c), a PyTorch tensor (c, h, w) or (b, c, h, w), a Pillow image, or what "
    "read_photo returns, with 1 channel (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha), as uint8, uint16 or "
    "floats from 0 to 1"
)
DTYPES = ("uint8", "uint16", "float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class ImageKind:
    """photos(image): the photos in it, floats as float32. Raises BadDataError for what `ACCEPTED` does not name.

    like(photos, image): those photos, restored, in the type, shape, dtype and device of `image`, with its alpha.
    """

    photos: Callable[[Any], list[Photo]]
    like: Callable[[list[Photo], Any], Any]


def kind_of(image: Any) -> ImageKind:
    """Raises BadDataError for an object that is no image."""
    for library, name, kind in KINDS:
        module = sys.modules.get(library)
        if module is not None and isinstance(image, getattr(module, name)):
            return kind
    hint = "glmha_cli.read_photo(path) reads a file" if isinstance(image, str | bytes) else ACCEPTED
    raise BadDataError(f"not an image: {type(image).__name__}", hint)


def array_of(numbers: Any) -> np.ndarray:
    """Of a tensor too, on any device and with gradients or not; bfloat16, which NumPy lacks, as float32."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(numbers, torch.Tensor):
        return np.asanyarray(numbers)
    tensor = numbers.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def area_shown(mask: Any) -> UInt8[np.ndarray, "h w"]:
    """The area that a mask shows, given as any image, or as an array or a tensor of bool."""
    if str(getattr(mask, "dtype", "")) in ("bool", "torch.bool"):
        mask = mask.astype(np.float32) if isinstance(mask, np.ndarray) else mask.float()
    photos = kind_of(mask).photos(mask)
    if len(photos) != 1:
        raise BadDataError(f"a batch of {len(photos)} masks; one is for all images", "only=mask")
    return area_of(photos[0])


# NumPy


def photo_of_array(image: Num[np.ndarray, "..."]) -> Photo:
    if image.ndim not in (2, 3) or 0 in image.shape or not (image.ndim == 2 or image.shape[2] <= 4):
        channels_first = image.ndim == 3 and image.shape[0] <= 4
        raise BadDataError(
            f"not an image: an array of shape {image.shape}",
            "np.moveaxis(image, 0, 2) puts the channels last" if channels_first else ACCEPTED,
        )
    if image.dtype.name not in DTYPES:
        raise BadDataError(f"not an image: an array of {image.dtype}", ACCEPTED)
    if np.ma.is_masked(image):
        raise BadDataError("an image with masked values", "image.filled(0), with the value that they are to have")
    samples = np.atleast_3d(np.asarray(image))  # of a subclass (np.matrix) rows are something else
    num_colours = 1 if samples.shape[2] < 3 else 3
    colours = samples[..., :num_colours].astype(_dtype_inside(image.dtype), copy=False)
    _require_range(colours)
    return Photo(
        colours=colours,
        bit_depth=8 * colours.dtype.itemsize,
        grayscale=num_colours == 1,
        alpha=samples[..., -1].astype(colours.dtype, copy=False) if samples.shape[2] in (2, 4) else None,
    )


def _dtype_inside(dtype: np.dtype) -> np.dtype:
    """float32 for floats, and the machine's byte order."""
    return np.dtype(np.float32) if dtype.kind == "f" else dtype.newbyteorder("=")


def _require_range(colours: Num[np.ndarray, "h w c"]) -> None:
    if colours.dtype.kind != "f":
        return
    low, high = colours.min(), colours.max()
    if not np.isfinite([low, high]).all():
        raise BadDataError("an image with infinite or NaN values", "replace them, for example by np.nan_to_num")
    if low < 0 or high > 1:
        raise BadDataError(
            f"an image with values from {low:.8g} to {high:.8g}; floats have to lie between 0 and 1",
            "image / 255 for 8-bit values, image.clip(0, 1) for values that overshoot a little",
        )


def array_like(photo: Photo, image: Num[np.ndarray, "..."]) -> Num[np.ndarray, "..."]:
    colours = photo.colours.astype(image.dtype, copy=False)
    if image.ndim == 2:
        return colours[..., 0]
    return np.concatenate([colours, np.asarray(image)[..., colours.shape[2] :]], axis=2, dtype=image.dtype)


# PyTorch


def _arrays_of(tensor: "Tensor") -> list[Num[np.ndarray, "h w c"]]:
    """Views where the tensor is in main memory."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.ndim not in (3, 4) or 0 in tensor.shape or tensor.shape[-3] > 4:
        raise BadDataError(f"not an image: a tensor of shape {tuple(tensor.shape)}", ACCEPTED)
    if dtype not in DTYPES:
        raise BadDataError(f"not an image: a tensor of {dtype}", ACCEPTED)
    return list(rearrange(array_of(tensor if tensor.ndim == 4 else tensor[None]), "b c h w -> b h w c"))


def tensor_like(photos: list[Photo], tensor: "Tensor") -> "Tensor":
    import torch

    arrays = [array_like(photo, array) for photo, array in zip(photos, _arrays_of(tensor), strict=True)]
    batch = rearrange(torch.from_numpy(np.stack(arrays)), "b h w c -> b c h w").contiguous()
    return (batch if tensor.ndim == 4 else batch[0]).to(tensor.device, tensor.dtype)


# Pillow

_MODES = {
    **{mode: mode for mode in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "I;16N", "F")},
    **{"1": "L", "La": "LA", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "YCbCr": "RGB", "HSV": "RGB"},
}
"""Mode of a Pillow image -> the mode that it is restored in. Others mean colours by a profile, or have no range."""
_OF_NO_RANGE = {"I": "image.convert('I;16') where no value is above 65535"}
"""What to do with an image of a mode that RGB would cut off."""


def _plain(image: "Image") -> "Image":
    """In a mode whose samples are gray or RGB; a colour that stands for transparency becomes alpha, as in a file."""
    if image.mode not in _MODES:
        hint = _OF_NO_RANGE.get(image.mode, "image.convert('RGB') first")
        raise BadDataError(f"not an image: a Pillow image of mode {image.mode}", hint)
    try:
        image.load()
    except (OSError, ValueError) as error:  # of a file that is damaged, or was closed
        raise BadDataError(f"a Pillow image that cannot be read: {error}", "open its file again") from error
    mode = _MODES[image.mode]
    return image.convert(mode + "A" if mode in ("L", "RGB") and image.has_transparency_data else mode)


def photo_of_pillow(image: "Image") -> Photo:
    """Not turned as its EXIF says: the result keeps the EXIF, and with it the orientation."""
    photo = photo_of_array(np.asarray(_plain(image)))
    return replace(photo, metadata=Metadata(icc_profile=image.info.get("icc_profile") or b""))


def pillow_like(photo: Photo, image: "Image") -> "Image":
    from PIL import Image

    plain = _plain(image)
    result = Image.fromarray(array_like(photo, np.asarray(plain)))
    result.info = dict(plain.info)
    return result


def _single(photo_of: Callable[[Any], Photo], like: Callable[[Photo, Any], Any]) -> ImageKind:
    return ImageKind(lambda image: [photo_of(image)], lambda photos, image: like(photos[0], image))


KINDS = (
    ("glmha_cli.io.photos.read", "Photo", _single(lambda photo: photo, lambda restored, photo: restored)),
    ("numpy", "ndarray", _single(photo_of_array, array_like)),
    ("torch", "Tensor", ImageKind(lambda tensor: [photo_of_array(array) for array in _arrays_of(tensor)], tensor_like)),
    ("PIL.Image", "Image", _single(photo_of_pillow, pillow_like)),
)
"""A module, its class of images, and how they are taken and given back."""
