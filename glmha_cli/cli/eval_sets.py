"""Which pairs `glmha eval` measures, and at which sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glmha_cli.batch.kinds import input_kind, output_kind
from glmha_cli.cli.options import EvalOptions
from glmha_cli.cli.reading import TaskFiles
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.evaluation.pairs import Pair, match_by_stem, set_name
from glmha_cli.inference.scales import LARGEST_FACTOR
from glmha_cli.tasks.base import Task

_SAME_NM = 1.0
"""Wavelengths are rounded, in files and in papers."""


@dataclass(frozen=True, kw_only=True)
class PairSet:
    """times: how much its photos are enlarged before they are restored and measured."""

    name: str
    pairs: list[Pair]
    times: int = 1


def sets_of(task: Task, options: EvalOptions) -> list[PairSet]:
    """The sets that the options name, each at every size that is asked for; a set's name says which, but for 1x."""
    times = enlargements(task, options)
    return [
        replace(each, name=f"{each.name} {by}x" if by > 1 else each.name, times=by)
        for each in _sets(task, options)
        for by in times
    ]


def _sets(task: Task, options: EvalOptions) -> Iterator[PairSet]:
    """The sets that the options name: of --pairs, or the one of --results and --targets.

    By the folder's name, or its path where the name is taken: means are told apart by it.
    """
    targets = output_kind(task).readable
    if bool(options.pairs) == bool(options.results) or bool(options.results) != bool(options.targets):
        raise UsageError(
            "give either --pairs DIR, or --results DIR and --targets DIR", f"glmha eval {task.name} --pairs DIR"
        )
    if options.results and options.targets:
        pairs = match_by_stem(options.results, options.targets, source_suffixes=targets, target_suffixes=targets)
        yield PairSet(name=options.results.name, pairs=pairs)
    taken: set[str] = set()
    for folder in options.pairs:
        name = set_name(folder, taken)
        taken.add(name)
        pairs = match_by_stem(
            folder / "input", folder / "target", source_suffixes=input_kind(task).readable, target_suffixes=targets
        )
        yield PairSet(name=name, pairs=pairs)


def enlargements(task: Task, options: EvalOptions) -> tuple[int, ...]:
    """How many times pairs are enlarged; UsageError where that says nothing."""
    if options.enlarge is None:
        return (1,)
    if not task.any_scale or options.results:
        raise UsageError(
            "--enlarge restores photos of several sizes, so it takes derain or deblur, and --pairs",
            "glmha eval derain --pairs DIR --enlarge 1,2,3,4",
        )
    parts = [part.strip() for part in options.enlarge.split(",")]
    if not all(part.isascii() and part.isdecimal() and 1 <= int(part) <= LARGEST_FACTOR for part in parts):
        raise UsageError(
            f"--enlarge takes whole numbers from 1 to {LARGEST_FACTOR}, not '{options.enlarge}'", "--enlarge 1,2,3,4"
        )
    return tuple(dict.fromkeys(map(int, parts)))


def require_comparable(inputs: TaskFiles, pair: Pair, *, is_result: bool) -> None:
    """BadDataError for two sizes, or bands of other wavelengths; checked before hours of work."""
    target = inputs.values(pair.target)
    if is_result:
        result = inputs.values(pair.source)
        size, wavelength_nm = result.shape[:2], _wavelengths_of(result)
    else:
        size, wavelength_nm = inputs.source_size(pair.source), inputs.task.wavelength_nm
    if size != target.shape[:2]:
        raise BadDataError(
            f"'{pair.source}' and '{pair.target}' differ in size: "
            + " and ".join(f"{height} x {width}" for height, width in (size, target.shape[:2])),
            "both images of a pair need the same size",
        )
    of_target = _wavelengths_of(target)
    if len(wavelength_nm) == len(of_target) and not np.allclose(wavelength_nm, of_target, rtol=0, atol=_SAME_NM):
        of_result = f"those of '{pair.source}'" if is_result else f"what {inputs.task.name} gives"
        raise BadDataError(
            f"'{pair.target}' has bands of {of_target[0]:g} to {of_target[-1]:g} nm, and {of_result} "
            f"{wavelength_nm[0]:g} to {wavelength_nm[-1]:g} nm",
            "both cubes of a pair need the same wavelengths",
        )


def _wavelengths_of(values: np.ndarray) -> Sequence[float]:
    return getattr(values, "wavelength_nm", ())
