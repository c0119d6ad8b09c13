"""The text header of an ENVI file: fields as `name = value` or `name = {value, which may go on over lines}`."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.georeference.envi import ENVI_FIELDS
from glmha_cli.io.text_file import decoded

_HEADER_MAX_BYTES = 16 << 20
_CORRECT = "correct the header, a text file"
_BRACE_BELOW = re.compile(r"=[^\S\r\n]*[\r\n]\s*\{")
STRUCTURE = (
    "samples", "lines", "bands", "header offset", "file type", "data type", "interleave", "byte order", "description",
    "wavelength", "wavelength units", "fwhm", "band names", "bbl", "data ignore value", "data gain values",
    "data offset values", "data reflectance gain values", "data reflectance offset values", "reflectance scale factor",
    "file compression", "major frame offsets", "minor frame offsets", *ENVI_FIELDS,
)  # fmt: skip
"""Fields that a cube holds in its own way; all others are tags."""


def read_header(header: Path) -> dict[str, str]:
    """Lower-case name -> text, with its braces if it has any."""
    if header.stat().st_size > _HEADER_MAX_BYTES:
        raise BadDataError("is too large for an ENVI header")
    text = decoded(header.read_bytes())
    if not text.startswith("ENVI"):
        raise BadDataError("has no ENVI header")
    if text.startswith(("ENVI META", "ENVI VIRTUAL")):
        raise BadDataError("refers to other files, which are not opened")
    fields, lines = {}, iter(_BRACE_BELOW.sub("= {", text).splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or name.lstrip().startswith(";"):
            continue
        if value.lstrip().startswith("{"):
            value = "\n".join(_braced(value, lines))
        fields[" ".join(name.split()).lower()] = value.strip()
    return fields


def _braced(first: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a value up to the one with its closing brace."""
    line: str | None = first
    while line is not None:
        yield line.partition("}")[0] + ("}" if "}" in line else "")
        if "}" in line:
            return
        line = next(lines, None)
    raise BadDataError("its header is cut off")


def items_of(value: str) -> list[str]:
    """Of a list by commas, of which one may end it."""
    items = [item.strip() for item in value.strip("{}").split(",")]
    return items if items[-1] else items[:-1]


def numbers_of(fields: Mapping[str, str], name: str) -> list[float]:
    """Of a list by commas, spaces or tabs; what follows a semicolon in a line is a comment."""
    items = re.sub(r";.*|[{},]", " ", fields.get(name, "")).split()
    try:
        return [float(item) for item in items]
    except ValueError as error:
        raise BadDataError(f"its field '{name}' holds no numbers", _CORRECT) from error


def number_of(fields: Mapping[str, str], name: str) -> float | None:
    """The only number of a field, in braces or not; None where there is no such field."""
    numbers = numbers_of(fields, name)
    if len(numbers) > 1:
        raise BadDataError(f"its field '{name}' holds {len(numbers)} numbers, not one", _CORRECT)
    return numbers[0] if numbers else None


def count_of(fields: Mapping[str, str], name: str, default: int | None = None) -> int:
    """The whole number of a field; BadDataError where there is none, unless there is a default."""
    number = number_of(fields, name) if name in fields else default
    if number is None or number % 1 or number < 0:
        what = "is missing" if name not in fields else f"holds '{fields[name]}', no whole number"
        raise BadDataError(f"its field '{name}' {what}", _CORRECT)
    return int(number)


def choice_of(fields: Mapping[str, str], name: str, choices: Collection[str]) -> str:
    """Which of some words a field holds, in lower case; BadDataError for another."""
    word = fields.get(name, "").partition(";")[0].strip("{} \t").lower()
    if word not in choices:
        what = f"holds '{fields[name]}'" if name in fields else "is missing"
        raise BadDataError(f"its field '{name}' {what}: one of {', '.join(choices)}", _CORRECT)
    return word


def listed(items: Iterable[object]) -> str:
    """As `items_of` reads it: behind an empty last item a comma ends the list."""
    texts = [str(item) for item in items]
    return f"{{{', '.join(texts if not texts or texts[-1] else [*texts, ''])}}}"


def header_text(fields: Mapping[str, object]) -> str:
    return "ENVI\n" + "".join(f"{name} = {value}\n" for name, value in fields.items())


def as_name(text: str) -> str:
    """A name of a field: one line without what would end it."""
    return " ".join(text.replace("=", " ").replace(";", " ").lower().split())


def as_value(text: str) -> str:
    """A text as a field's value: whole in braces where it has several lines, and no braces inside."""
    inside = text.strip()
    if inside.startswith("{") and inside.endswith("}"):
        inside = inside[1:-1]
    inside = inside.replace("{", "(").replace("}", ")")
    is_list = text.strip().startswith("{")
    return f"{{{inside}}}" if is_list or len(inside.splitlines()) > 1 else inside


def as_item(text: str) -> str:
    """A text as one item of a list."""
    return " ".join(text.translate({ord("{"): "(", ord("}"): ")", ord(","): ";"}).split())
