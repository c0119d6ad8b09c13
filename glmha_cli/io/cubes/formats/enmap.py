"""EnMAP's and DESIS's products: `…-SPECTRAL_IMAGE.TIF`, whose bands are explained in `…-METADATA.XML` beside it.

Source: EnMAP HSI Level 1 and 2 Product Specification (element `bandCharacterisation`); DESIS calls bands and their
numbers otherwise: `band`, `wavelengthWidthOfBand`, `gainOfBand`, `offsetOfBand`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.companions import PRODUCT_IMAGE, PRODUCT_METADATA
from glmha_cli.io.guard import require_partner

_METADATA_MAX_BYTES = 64 << 20
_BANDS = ("specific/bandCharacterisation/bandID", "specific/bandCharacterisation/band")
_KEYS = {
    "wavelengths": ("wavelengthCenterOfBand",),
    "fwhm": ("FWHMOfBand", "wavelengthWidthOfBand"),
    "scale": ("GainOfBand", "gainOfBand"),
    "offset": ("OffsetOfBand", "offsetOfBand"),
}


def metadata_of(image: Path) -> Path | None:
    """The file that explains a spectral image; None for any other file, or where it is missing."""
    stem, separator, rest = image.name.upper().rpartition(PRODUCT_IMAGE)
    if not separator or not rest.startswith((".", "_")):
        return None
    for name in (PRODUCT_METADATA, PRODUCT_METADATA.lower(), PRODUCT_METADATA.replace("XML", "xml")):
        if (path := image.with_name(image.name[: len(stem)] + name)).is_file():
            return path
    return None


def said_of_bands(image: Path, bands: int) -> Mapping[str, Any]:
    """What `Stored` has of wavelengths and scales, as far as the file beside the image says it of all bands."""
    path = metadata_of(image)
    if path is None:
        return {}
    text = require_partner(image, path).read_bytes()[: _METADATA_MAX_BYTES + 1]
    if len(text) > _METADATA_MAX_BYTES or b"<!ENTITY" in text:
        raise BadDataError(f"'{path.name}' beside it is no metadata of EnMAP")
    root = ElementTree.fromstring(text)
    elements = [element for place in _BANDS for element in root.findall(place)]
    found: dict[str, Any] = {}
    for key, names in _KEYS.items():
        texts = [element.findtext(name) for element in elements for name in names]
        numbers = [float(each) for each in texts if each is not None]
        if len(numbers) == bands:
            found[key] = np.array(numbers) if key in ("scale", "offset") else numbers
    return found
