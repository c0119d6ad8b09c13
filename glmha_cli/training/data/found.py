"""The files of a run: every folder is scanned once, and divided into what is trained on and what validates."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import realpath
from pathlib import Path
from typing import cast

from glmha_cli.errors import UsageError
from glmha_cli.io.cubes.cube import SUFFIXES
from glmha_cli.tasks.base import Task
from glmha_cli.training.data.files import File, find_files
from glmha_cli.training.data.holdout import Split
from glmha_cli.training.data.pairs import PhotoPair, pairs_by_set, split_pairs
from glmha_cli.training.data.photos import find_photos

CUBE_SUFFIXES = set(SUFFIXES) - {".img"}
HELD_OUT_PAIRS = "pairs"
"""Name of the validation set of held-out pairs."""


@dataclass(frozen=True, kw_only=True)
class DataPaths:
    """Where the data of a run lies.

    images: folders or packs (.zip) of clean photos. cubes: folders. spectra: files of measured reflectances, which make
    cubes of photos. pairs: folders of degraded and clean photos (`pairs.LAYOUTS`) to train on. validate_pairs:
    such folders to validate on. Of all but the last, a tenth is held out.
    """

    images: Sequence[Path] = ()
    cubes: Sequence[Path] = ()
    spectra: Sequence[Path] = ()
    pairs: Sequence[Path] = ()
    validate_pairs: Sequence[Path] = ()


@dataclass(frozen=True, kw_only=True)
class FoundData:
    """What lies in `DataPaths`. validation_pairs: by the name of their set."""

    photos: Split[File]
    cubes: Split[Path]
    spectra: Sequence[Path]
    pairs: Split[PhotoPair]
    validation_pairs: Mapping[str, Sequence[PhotoPair]]


def find_data(task: Task, paths: DataPaths, *, taken: Collection[str] = ()) -> FoundData:
    """Scan `paths`; taken: names of validation sets that folders cannot have.

    Raises UsageError for what `task` has no use for or lacks, and for pairs to validate on that are trained on;
    NoInputError and BadDataError for folders, and for pairs whose headers do not match.
    """
    require_suitable(task, paths)
    found = FoundData(
        photos=find_photos(paths.images),
        cubes=cast("Split[Path]", find_files(paths.cubes, CUBE_SUFFIXES, kind="cubes")),  # no packs
        spectra=paths.spectra,
        pairs=split_pairs(paths.pairs),
        validation_pairs=pairs_by_set(paths.validate_pairs, taken={HELD_OUT_PAIRS, *taken}),
    )
    require_unseen(found)
    return found


def require_suitable(task: Task, paths: DataPaths) -> None:
    if task.restores_photos and (paths.cubes or paths.spectra):
        raise UsageError(f"{task.name} is trained on photos only", "leave out --cubes and --spectra")
    if not task.restores_photos and (paths.pairs or paths.validate_pairs):
        raise UsageError(
            f"{task.name} does not restore photos, so it cannot use pairs of them",
            "leave out --pairs and --validate-pairs",
        )
    if not (paths.images or paths.cubes or paths.pairs):
        raise UsageError(
            "no training data is given",
            "--images FOLDER" if task.restores_photos else "--images FOLDER --spectra FILE.npz, or --cubes FOLDER",
        )
    if paths.images and not task.restores_photos and not paths.spectra:
        raise UsageError(
            f"{task.name} needs measured spectra to make cubes of photos",
            "--spectra FILE.npz with `reflectance` and `wavelength_nm`, or --cubes FOLDER alone",
        )


def require_unseen(found: FoundData) -> None:
    """UsageError if a photo of the pairs to validate on is trained on, by whatever name or link."""
    photos = real_paths(file for file in found.photos.training if isinstance(file, Path))
    learnt = photos | files_of(found.pairs.training)
    compared = {f"pairs of '{name}'": (pairs, learnt) for name, pairs in found.validation_pairs.items()}
    for name, (pairs, trained_on) in ({"held-out pairs": (found.pairs.held_out, photos)} | compared).items():
        if files_of(pairs) & trained_on:
            raise UsageError(
                f"{name} are also used for training, so they cannot be used for validation",
                "--pairs and --images without them",
            )


def files_of(pairs: Iterable[PhotoPair]) -> set[str]:
    return real_paths(path for pair in pairs for path in (pair.degraded, pair.clean))


def real_paths(files: Iterable[Path]) -> set[str]:
    return {realpath(file) for file in files}
