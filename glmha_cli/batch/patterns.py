"""Names with wildcards, of files on this machine and in stores."""

import os
from pathlib import Path, PurePath

_WILDCARDS = "*?["


def has_wildcards(text: str) -> bool:
    return any(sign in text for sign in _WILDCARDS)


def is_pattern(text: str) -> bool:
    """Whether `text` names no file but has wildcards: a file named `a[1].png` is meant as it is."""
    return has_wildcards(text) and not os.path.lexists(text)


def parted(pattern: PurePath) -> tuple[Path, tuple[str, ...]]:
    """(the folder before any part with a wildcard, the parts from there on, none where there is no such part)."""
    parts = pattern.parts
    first = next((i for i, part in enumerate(parts) if has_wildcards(part)), len(parts))
    return Path(*parts[:first]), parts[first:]


def is_shown(name: str) -> bool:
    """Whether a file or a folder with this name is none that shells hide."""
    return not name.startswith(".")
