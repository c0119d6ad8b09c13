"""Named arrays with attributes, as HDF5, netCDF and Zarr have them, and their attributes as texts and numbers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Num

from glmha_cli.io.cubes.real import is_real
from glmha_cli.io.cubes.variable import Variable
from glmha_cli.io.text_file import decoded


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An array with what its file says of it.

    read: all its values, of a kind that may be text. unwritten: the number that stands where nothing was written.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    attributes: Mapping[str, Any]
    read: Callable[[], np.ndarray]
    unwritten: float | None = None


BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable"
Arrays = Mapping[str, Labelled | None]
"""By their names with those of their groups; None: a link, which is not followed."""


def variable_of(array: Labelled | None) -> Variable:
    """To choose among arrays by; None is a link."""
    is_numeric = array is not None and is_real(array.dtype)
    return Variable(shape=() if array is None else array.shape, is_numeric=is_numeric, read=lambda: np.empty(0))


def is_bare(array: Labelled) -> bool:
    """Whether it only gives a dimension of netCDF its length, and holds no numbers."""
    return text_of(array.attributes.get("NAME", "")).startswith(BARE_DIMENSION)


def is_text(value: object) -> bool:
    """Whether an attribute is one text."""
    return isinstance(value, str | bytes) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "SU" and value.size == 1
    )


def text_of(value: object) -> str:
    """An attribute, or the one item of an array or a list, as text; whoever wrote it may not have meant UTF-8, of
    which h5py leaves surrogates.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    value = value.ravel()[0] if isinstance(value, np.ndarray) and value.size == 1 else value
    return decoded(value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape"))


def texts_of(value: object) -> list[str]:
    """The items of a list of several texts; none where it is something else."""
    items = np.asarray(value, object).ravel().tolist() if isinstance(value, list | tuple | np.ndarray) else []
    return [text_of(item) for item in items] if all(isinstance(item, str | bytes) for item in items) else []


def numbers_of(value: object) -> Num[np.ndarray, " n"]:
    """All numbers of an attribute, in its own kind, or of a text or texts that hold numbers and nothing else; else, and
    of None, none.
    """
    if value is None:
        return np.empty(0)
    texts = [text_of(value)] if is_text(value) else texts_of(value)
    try:
        array = np.array(_numbers_in(texts)) if texts else np.asarray(value).ravel()
    except ValueError:  # another text, or lists of several lengths, as JSON may have them
        return np.empty(0)
    return array if array.dtype.kind in "fiu" else np.empty(0)


def _numbers_in(texts: Sequence[str]) -> list[float]:
    """Of texts with one number or several, in brackets or not. ValueError for anything else."""
    return [float(each) for text in texts for each in re.split(r"[\s,;]+", text.strip("[]{}(),; \t\r\n"))]


def attribute(attributes: Mapping[str, Any], *names: str) -> Any:
    """The first attribute with one of the names, in lower case or not; None where there is none."""
    return next((each for name, each in attributes.items() if name.lower() in names), None)


def text_attribute(attributes: Mapping[str, Any], *names: str) -> str:
    """The first such attribute as text; empty where there is none, or it is a list of several."""
    found = attribute(attributes, *names)
    return "" if found is None or len(texts_of(found)) > 1 else text_of(found)
