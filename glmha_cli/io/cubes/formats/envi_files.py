"""Which files are an ENVI pair."""

import os
from itertools import chain
from pathlib import Path

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.io.companions import ENVI_DATA
from glmha_cli.io.cubes.cube import FORMATS

_NO_DATA_SUFFIXES = {*FORMATS, ".xml", ".txt", ".enp", ".sta", ".png", ".jpg", ".jpeg", ".csv", ".json", ".log"}
"""Of other files that may share a header's name."""


def reads(path: Path) -> tuple[Path, ...]:
    """Header and data, as far as they are there."""
    header = header_of(path)
    try:
        return header, data_of(path)
    except (NoInputError, BadDataError):
        return (header,)


def header_of(data: Path) -> Path:
    """Itself, or of `x.img` `x.hdr`, or where there is none `x.img.hdr` (GDAL reads both), in capitals or not."""
    if data.suffix.lower() == ".hdr":
        return data
    names = [data.with_suffix(".hdr"), data.with_suffix(".HDR"), data.with_name(data.name + ".hdr")]
    return next((name for name in names if os.path.isfile(name)), names[0])


def data_of(header: Path) -> Path:
    """Itself, or the file beside a header that has its name: with a suffix of data, or else the only one there is."""
    if header.suffix.lower() != ".hdr":
        return header
    for suffix in chain(*((each, each.upper()) for each in ENVI_DATA)):
        if os.path.isfile(data := header.with_suffix(suffix)):
            return data
    others = [
        each
        for each in sorted(header.parent.iterdir())
        if each.stem == header.stem and each.suffix.lower() not in _NO_DATA_SUFFIXES and each.is_file()
    ]
    if len(others) > 1:
        raise BadDataError(
            f"is the header of several files: {', '.join(each.name for each in others)}",
            f"name the data: '{others[0]}'",
        )
    if others:
        return others[0]
    raise NoInputError(f"'{header}' has no data file beside it", f"'{header.with_suffix('.img').name}' is missing")
