"""Whether a file is the one that was published: size and sha256, on every load."""

import hashlib
import os
from pathlib import Path

from glmha_cli.errors import WeightsUnavailableError
from glmha_cli.io.stores import files_in
from glmha_cli.weights.manifest import FileEntry


def sha256_of(path: Path) -> str:
    """Of a file; of a store that of a list of its files and theirs, as `sha256sum` prints it."""
    if os.path.isdir(path):
        lines = (f"{sha256_of(path / name)}  {name}\n" for name, _ in files_in(path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_of(path: Path) -> FileEntry:
    """The file as it is, for a manifest or a record."""
    return FileEntry(name=path.name, size_bytes=path.stat().st_size, sha256=sha256_of(path))


def difference(path: Path, file: FileEntry) -> str:
    """How `path` differs from what the manifest says, with both hashes; empty if it does not."""
    size_bytes, sha256 = path.stat().st_size, sha256_of(path)
    if (size_bytes, sha256) == (file.size_bytes, file.sha256):
        return ""
    return f"expected sha256 {file.sha256} ({file.size_bytes} bytes), found {sha256} ({size_bytes} bytes)"


def verified(path: Path, file: FileEntry, *, hint: str) -> Path:
    """`path`, if its size and sha256 are those of the manifest; else WeightsUnavailableError."""
    if problem := difference(path, file):
        raise WeightsUnavailableError(f"'{path}' is not the published file: {problem}", hint)
    return path
