"""What tifffile's `imwrite(…, metadata=…)` writes of an array: JSON as the description of its first page."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glmha_cli.io.cubes.formats.cf_bands import said_of_bands
from glmha_cli.io.cubes.formats.cf_facts import tags_of
from glmha_cli.io.cubes.formats.labelled import Labelled

if TYPE_CHECKING:
    from tifffile import TiffPage

_OF_STRUCTURE = ("shape", "axes", "truncated")
_AXES = {"Y": "h", "X": "w"}


def said_by_tifffile(page: "TiffPage") -> Mapping[str, Any]:
    """The object of JSON, which comes behind a description of the user's own; empty where there is none."""
    text = next((text for text in (page.description, page.description1) if is_of_tifffile(text)), "{}")
    try:
        found: Mapping[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return found


def is_of_tifffile(description: str) -> bool:
    """Whether it is such JSON, or what older versions wrote."""
    return description.startswith(('{"shape":', "shape="))


def axes_said(said: Mapping[str, Any], shape: Sequence[int]) -> str | None:
    """The order of axes of an array of this shape, of which one that is neither Y nor X is of the bands; or None."""
    letters = str(said.get("axes", ""))
    axes = "".join(_AXES.get(letter, "b") for letter in letters)
    return axes if sorted(axes) == ["b", "h", "w"] and said.get("shape") == list(shape) else None


def facts_said(said: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """What `Stored` has of bands, as far as lists are as long as a side, and the texts and numbers as tags."""
    array = Labelled(shape=tuple(shape), dtype=np.dtype("f4"), attributes={}, read=lambda: np.empty(0))
    others = {name: each for name, each in said.items() if name not in _OF_STRUCTURE}
    return {**said_of_bands("", {"": array}, "", others), "tags": tags_of(others)}
