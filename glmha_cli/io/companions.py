"""Which files are read together, by their names alone: ENVI's pairs, and products with their metadata beside them."""

from pathlib import PurePosixPath

ENVI_DATA = (".img", "", ".dat", ".raw", ".bsq", ".bil", ".bip")
"""Suffixes of an ENVI pair's data, the usual one first."""
PRODUCT_IMAGE, PRODUCT_METADATA = "SPECTRAL_IMAGE", "METADATA.XML"
"""In names of EnMAP's and DESIS's products, in capitals."""


def may_have_companions(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (".hdr", *ENVI_DATA) or PRODUCT_IMAGE in name.upper()


def are_companions(name: str, other: str) -> bool:
    """Whether they have one stem, or one is the other's name and more, or `other` explains a product's image."""
    product, found, _ = name.upper().rpartition(PRODUCT_IMAGE)
    is_pair = PurePosixPath(other).stem in (name, PurePosixPath(name).stem) or PurePosixPath(name).stem == other
    return is_pair or (bool(found) and other.upper() == product + PRODUCT_METADATA)
