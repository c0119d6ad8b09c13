"""Plain data (TOML, JSON) -> frozen dataclasses: an unknown or missing key is an error with the closest match."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from glmha_cli.errors import BadDataError
from glmha_cli.lookup import closest

T = TypeVar("T")


def frozen(value: Any) -> Any:
    """Lists become tuples, so that configs compare and hash."""
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def from_mapping(cls: type[T], data: Mapping[str, Any], where: str) -> T:
    """`cls(**data)` for a dataclass; BadDataError names the key that is unknown or missing in `where`."""
    known = {field.name: field for field in fields(cls)}
    for key in data:
        if key not in known:
            matches = closest(key, known) or list(known)
            raise BadDataError(f"{where}: unknown key '{key}'", f"did you mean {' or '.join(matches)}?")
    for name, field in known.items():
        if name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise BadDataError(f"{where}: '{name}' is missing", f"add {name} = …")
    return cls(**{key: frozen(value) for key, value in data.items()})
