"""Files of training data: found in folders or packs, and split into training and held out."""

import zipfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePath, PurePosixPath

from glmha_cli.errors import BadDataError, NoInputError, first_line
from glmha_cli.io.stores import is_store
from glmha_cli.training.data.holdout import HOLD_OUT_EVERY, Split, divided

PACK_SUFFIX = ".zip"

File = Path | zipfile.Path
"""On disk, or packed in a .zip."""


def find_files(places: Iterable[Path], suffixes: Collection[str], *, kind: str, packs: bool = False) -> Split[File]:
    """All files in the folders `places`, which with `packs` may also be packs (.zip); `kind` names them in errors.

    A tenth of each folder is held out (`divided`). Raises NoInputError where a place holds none, or too few.
    """
    training, held_out, place = [], [], None
    for place in places:
        packed = packs and is_pack(place)
        files = packed_files(place, suffixes) if packed else files_in(place, suffixes, kind=kind)
        if not files:
            raise NoInputError(f"no {kind} in {place}", f"it may hold {', '.join(sorted(suffixes))}")
        parts = divided(by_folder(files))
        training += parts.training
        held_out += parts.held_out
    if place and not training:
        raise NoInputError(
            f"too few {kind} in {place}", f"one in {HOLD_OUT_EVERY} is held out for validation: add more"
        )
    return Split(training, held_out)


def by_folder(files: Sequence[File]) -> Collection[list[File]]:
    folders: dict[str, list[File]] = {}
    for file in files:
        folders.setdefault(str(file.parent), []).append(file)
    return folders.values()


def is_shown(path: PurePath) -> bool:
    """Neither hidden nor in a hidden folder, nor what a Mac adds to archives."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def files_in(folder: Path, suffixes: Collection[str], *, kind: str) -> list[Path]:
    """Sorted, of the folder and all below it."""
    if not folder.is_dir():
        raise NoInputError(f"no folder {folder}", f"name a folder of {kind}")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and is_shown(path.relative_to(folder))
        and not any(map(is_store, path.relative_to(folder).parents))
    )


def is_pack(place: Path) -> bool:
    return place.suffix.lower() == PACK_SUFFIX and place.is_file()


def packed_files(pack: Path, suffixes: Collection[str]) -> list[zipfile.Path]:
    """In the order that its files would have in a folder. Raises BadDataError."""
    try:
        archive = zipfile.ZipFile(pack)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadDataError(
            f"cannot read '{pack}': {first_line(error)}", "tools/pack_photos.py makes such files"
        ) from error
    names = sorted(map(PurePosixPath, archive.namelist()))
    return [zipfile.Path(archive, str(name)) for name in names if name.suffix.lower() in suffixes and is_shown(name)]
