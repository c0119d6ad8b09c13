"""What cubes, measurements and wavelengths are made of: real numbers, or truth values."""

import numpy as np

from glmha_cli.errors import BadDataError

REAL = "fiub"
"""Kinds of NumPy's."""


def is_real(dtype: np.dtype) -> bool:
    return dtype.kind in REAL


def require_real(dtype: np.dtype) -> None:
    """BadDataError for numbers of any other kind, texts, and references."""
    if not is_real(dtype):
        raise BadDataError(f"holds {dtype}, not real numbers")
