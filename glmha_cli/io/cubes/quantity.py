"""What the values of a cube are, as far as its file says it."""

import json

from glmha_cli.io.cubes.model import Facts

_OF_TASK = {"rgb2hsi": "reflectance", "sci": "relative intensity"}
_NAMES = ("quantity", "data units", "units", "z plot titles")


def quantity_of(facts: Facts) -> str:
    """For the axis of a plot: of our own cubes what their task makes; else what a tag says; else "value"."""
    try:
        task = json.loads(facts.tags.get("provenance", "{}")).get("task", "")
    except (ValueError, AttributeError):
        task = ""
    tags = {name.lower(): text.strip("{} ") for name, text in facts.tags.items()}
    said = next((tags[name] for name in _NAMES if tags.get(name)), "value")
    return _OF_TASK.get(task, said)
