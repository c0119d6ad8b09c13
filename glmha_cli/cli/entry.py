"""What a table of verbs says of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Verb:
    """run: "module:function" of the options, imported when the verb is used. verbs: below it, as `models pull`."""

    run: str
    options: type
    summary: str
    examples: tuple[str, ...]
    panel: str = "Models"
    verbs: Mapping[str, "Verb"] = field(default_factory=dict)
