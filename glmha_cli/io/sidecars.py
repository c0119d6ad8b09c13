"""What GDAL and QGIS leave beside a picture, `x.tif.aux.xml` and `x.tif.ovr`: it would outlive one that is replaced."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glmha_cli.errors import CannotCreateError

_SUFFIXES = (".aux.xml", ".ovr")
"""Of statistics and metadata, which go before the file's own, and of smaller copies, which are shown instead of it."""


@contextmanager
def without_sidecars(files: Iterable[Path], *, overwrite: bool) -> Iterator[None]:
    """Inside, the files are written; those of old ones are removed then. CannotCreateError for some, unasked."""
    beside = [path.with_name(f"{path.name}{suffix}") for path in files for suffix in _SUFFIXES]
    found = [path for path in beside if os.path.isfile(path)]
    if found and not overwrite:
        of = found[0].name.removesuffix(".ovr").removesuffix(".aux.xml")
        raise CannotCreateError(f"'{found[0]}' exists and would override '{of}'", "--overwrite")
    yield
    for path in found:
        path.unlink(missing_ok=True)
