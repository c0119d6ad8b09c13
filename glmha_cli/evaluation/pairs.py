"""Files of two folders that belong together: by stem, each with exactly one partner.

Accents may be spelt in two ways (NFC, NFD): a copy by way of a Mac has the other one.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from glmha_cli.errors import BadDataError, NoInputError, UsageError

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Pair:
    """source: an input or a result. target: what it is measured against."""

    source: Path
    target: Path

    @property
    def name(self) -> str:
        return self.target.stem


def set_name(folder: Path, taken: Collection[str]) -> str:
    """What a set is called in tables: its folder's name, or its path where the name is taken. UsageError where that is,
    too."""
    whole = folder.resolve()
    name = next((name for name in (whole.name, str(whole)) if name and name not in taken), None)
    if name is None:
        raise UsageError(f"the folder '{folder}' is given twice", "name each set once")
    return name


def match_by_stem(
    sources: Path, targets: Path, *, source_suffixes: Collection[str], target_suffixes: Collection[str]
) -> list[Pair]:
    """All pairs, sorted by stem.

    Raises:
        NoInputError: a folder is missing or holds no such files.
        BadDataError: a file without partner, or two files of one stem in a folder.
    """
    by_source, by_target = _by_stem(sources, source_suffixes), _by_stem(targets, target_suffixes)
    alone = sorted(by_source.keys() ^ by_target.keys())
    if alone:
        folder = sources if alone[0] in by_source else targets
        names = ", ".join(f"'{stem}'" for stem in alone[:SHOWN]) + (", …" if len(alone) > SHOWN else "")
        raise BadDataError(
            f"{len(alone)} files of '{sources}' and '{targets}' have no partner: {names}",
            f"'{folder / alone[0]}.*' needs one of the same stem in the other folder, or remove it",
        )
    return [Pair(source=by_source[stem], target=by_target[stem]) for stem in sorted(by_source)]


def files_to_pair(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Sorted, without hidden ones."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def _by_stem(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise NoInputError(f"no folder '{folder}'", "check the path; --pairs needs input/ and target/ inside")
    by_stem: dict[str, Path] = {}
    for path in files_to_pair(folder, suffixes):
        stem = unicodedata.normalize("NFC", path.stem)
        if stem in by_stem:
            raise BadDataError(f"'{by_stem[stem]}' and '{path}' have the same stem", "remove one of them")
        by_stem[stem] = path
    if not by_stem:
        raise NoInputError(f"no files in '{folder}'", f"looked for {', '.join(suffixes)}")
    return by_stem
