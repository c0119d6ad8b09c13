"""Measured spectra of lights: text with two columns, as spectrometers export them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.io.guard import reading
from glmha_cli.io.text_file import decoded

SUFFIXES = (".csv", ".txt")
_MAX_BYTES, _FEWEST = 1 << 20, 16
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")


def read_spectrum(path: Path) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """(wavelengths in nm, rising; power per nm in any unit), of lines of two numbers; headings are left out.

    Raises NoInputError, or BadDataError for a file that is no such table.
    """
    with reading(path, "a table of wavelengths and powers"):
        if path.stat().st_size > _MAX_BYTES:
            raise BadDataError(f"has over {_MAX_BYTES} bytes")
        lines = decoded(path.read_bytes()).splitlines()
        numbers = np.array([pair for line in lines if (pair := _pair(line)) is not None])
        if len(numbers) < _FEWEST:
            raise BadDataError(f"has {len(numbers)} lines of two numbers", "two columns: nm, and power per nm")
        nm, power = numbers[np.argsort(numbers[:, 0], kind="stable")].T
        if not np.isfinite(numbers).all() or (np.diff(nm) <= 0).any() or (power < 0).any() or not power.any():
            raise BadDataError("has a wavelength twice, or powers that are none")
        return nm, power


def _pair(line: str) -> tuple[float, float] | None:
    """Two numbers at the start of a line; None for a heading or a remark.

    Commas are decimal marks where something else parts the numbers ("380;0,5"), or else they do.
    """
    with_points = _DECIMAL_COMMA.sub(".", line)
    return _numbers(re.split(r"[\s;]+", with_points.strip())) or _numbers(re.split(r"[\s,;]+", line.strip()))


def _numbers(fields: Sequence[str]) -> tuple[float, float] | None:
    try:
        return float(fields[0]), float(fields[1])
    except (ValueError, IndexError):
        return None
