"""EnMAP's products: `…-SPECTRAL_IMAGE.TIF`, whose bands are explained in `…-METADATA.XML` beside it.

Source: EnMAP HSI Level 1 and 2 Product Specification (element `bandCharacterisation`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.guard import require_partner

_IMAGE, _METADATA, _METADATA_MAX_BYTES = "SPECTRAL_IMAGE", "METADATA.XML", 64 << 20
_BANDS = "specific/bandCharacterisation/bandID"
_KEYS = {
    "wavelengths": "wavelengthCenterOfBand",
    "fwhm": "FWHMOfBand",
    "scale": "GainOfBand",
    "offset": "OffsetOfBand",
}


def metadata_of(image: Path) -> Path | None:
    """The file that explains a spectral image; None for any other file, or where it is missing."""
    stem, separator, rest = image.name.upper().rpartition(_IMAGE)
    if not separator or not rest.startswith((".", "_")):
        return None
    for name in (_METADATA, _METADATA.lower()):
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
    elements = ElementTree.fromstring(text).findall(_BANDS)
    found: dict[str, Any] = {}
    for key, name in _KEYS.items():
        numbers = [float(each) for element in elements if (each := element.findtext(name)) is not None]
        if len(numbers) == bands:
            found[key] = np.array(numbers) if key in ("scale", "offset") else numbers
    return found
