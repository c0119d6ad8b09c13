"""Tables from a name to "module:attribute": read without importing, resolved when needed."""

import difflib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from glmha_cli.errors import UsageError


def closest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that look most like `name`, best first, at most three."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that no table has: offers the closest, else lists all."""
    names = sorted(known)
    matches = closest(name, names)
    hint = f"did you mean {' or '.join(matches)}?" if matches else f"known: {', '.join(names)}"
    return UsageError(f"unknown {kind} '{name}'", hint)


def resolve(table: Mapping[str, str], name: str, kind: str) -> Any:
    """Import what `table[name]` ("module:attribute") points to; UsageError for a name that is unknown, or none."""
    if not isinstance(name, str) or name not in table:
        raise unknown(kind, str(name), table)
    return import_target(table[name])


def import_target(target: str) -> Any:
    """What "module:attribute" points to."""
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)
