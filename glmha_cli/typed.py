"""Plain data (TOML, JSON) -> frozen dataclasses, checked by their type hints before anything is built of it.

An unknown or missing key, a value of another type and a number out of its range are BadDataErrors that name the key.
These are our own few lines, as a library (msgspec, pydantic) would need adapters for configs whose type a table gives.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.lookup import closest

T = TypeVar("T")
WORDS = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false", NoneType: "nothing"}


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both included: `Annotated[int, Range(1, 64)]`."""

    least: float = -math.inf
    most: float = math.inf

    def __contains__(self, number: float) -> bool:
        return self.least <= number <= self.most


def from_mapping(cls: type[T], data: Any, where: str) -> T:
    """`cls(**data)` for a dataclass, what is nested in it too; a list becomes a tuple, so that configs hash.

    BadDataError says what is wrong in `where`, also where the dataclass itself refuses its values.
    """
    if not isinstance(data, Mapping):
        raise BadDataError(f"{where} is {shown(data)}, not a table", "key = value")
    known, hints = {field.name: field for field in fields(cls)}, hints_of(cls)  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            matches = closest(str(key), known) or list(known)
            raise BadDataError(f"{where}: unknown key {shown(key)}", f"did you mean {' or '.join(matches)}?")
    for name, field in known.items():
        if name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise BadDataError(f"{where}: '{name}' is missing", f"add {name} = …")
    values = {key: converted(value, hints[key], f"{where}: {key}") for key, value in data.items()}
    try:
        return cls(**values)
    except UsageError as error:
        raise BadDataError(f"{where}: {error.message}", error.hint) from error


@cache
def hints_of(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls, include_extras=True)


def converted(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type hint wants it; BadDataError where it is something else.

    Known are Any, numbers, texts, bool, None, Literal, unions, tuples, mappings, dataclasses, Annotated with a Range.
    Instances of other classes pass.
    """
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind is Any:
        return frozen(value)
    if kind is Annotated:
        value = converted(value, arguments[0], where)
        if all(value in each for each in arguments[1:] if isinstance(each, Range)):
            return value
    elif kind in (Union, UnionType):
        return of_union(value, arguments, where)
    elif kind is Literal:
        if any(value == each and type(value) is type(each) for each in arguments):
            return value
    elif kind is tuple:
        if isinstance(value, list | tuple):
            wanted = arguments[:1] * len(value) if arguments[-1] is ... else arguments
            if len(wanted) == len(value):
                return tuple(converted(each, one, where) for each, one in zip(value, wanted, strict=True))
    elif kind is Mapping:
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {key: converted(each, arguments[1], f"{where}, {key}") for key, each in value.items()}
    elif is_dataclass(kind):
        return value if isinstance(value, kind) else from_mapping(kind, value, where)  # type: ignore[arg-type]
    elif kind is float:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    elif kind not in WORDS or type(value) is kind:
        return value
    raise BadDataError(f"{where} is {shown(value)}, not {expected(hint)}", "write " + expected(hint))


def of_union(value: Any, options: tuple[Any, ...], where: str) -> Any:
    """As the first of the types that takes it; the last, which is most likely None, is not blamed."""
    problems = []
    for option in options:
        try:
            return converted(value, option, where)
        except BadDataError as error:
            problems.append(error)
    raise problems[0]


def expected(hint: Any) -> str:
    """A type hint in words."""
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind is Annotated:
        bounds = next(each for each in arguments if isinstance(each, Range))
        return f"{expected(arguments[0])} from {bounds.least:g} to {bounds.most:g}"
    if kind is Literal:
        return " or ".join(map(repr, arguments))
    if kind is tuple:
        number = "" if arguments[-1] is ... else f"{len(arguments)} times "
        return f"a list of {number}{expected(arguments[0])}"
    return WORDS.get(kind, "a table")


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def frozen(value: Any) -> Any:
    """Lists become tuples, so that configs compare and hash."""
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value
