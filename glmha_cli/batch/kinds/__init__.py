"""The kinds of inputs and outputs, by the names that tasks give them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds.base import InputKind, OutputKind
from glmha_cli.io.supervised import Supervised
from glmha_cli.lookup import import_target, resolve
from glmha_cli.tasks.base import Task

INPUTS: Mapping[str, str] = {
    "photo": "glmha_cli.batch.kinds.photo:PHOTO",
    "measurement": "glmha_cli.batch.kinds.measurement:MEASUREMENT",
}
OUTPUTS: Mapping[str, str] = {
    "photo": "glmha_cli.batch.kinds.photo:PHOTO",
    "cube": "glmha_cli.batch.kinds.cube:CUBE",
}


def input_kind(task: Task) -> InputKind:
    return resolve(INPUTS, task.input_kind, "kind of input")


def output_kind(task: Task) -> OutputKind:
    return resolve(OUTPUTS, task.output_kind, "kind of output")


def read_source(task: Task, path: Path, options: FileOptions) -> Source:
    """One input of `task`, as its outputs are made from it; see glmha_cli.io for what is raised."""
    return _read(path, INPUTS[task.input_kind], OUTPUTS[task.output_kind], options)


def supervised_for(task: Task, **options: Any) -> Supervised:
    """A process for `read_supervised`; see `Supervised` for the options."""
    return Supervised(imports=(INPUTS[task.input_kind], OUTPUTS[task.output_kind]), **options)


def read_supervised(supervised: Supervised, task: Task, path: Path, options: FileOptions) -> Source:
    """As `read_source`, in another process: BadDataError for a file that crashes its decoder, or never ends."""
    kinds = INPUTS[task.input_kind], OUTPUTS[task.output_kind]
    return supervised.read(f"{__name__}:_read", path, *kinds, options)


def values_supervised(supervised: Supervised, task: Task, path: Path) -> Float[np.ndarray, "h w c"]:
    """A result of `task`, or what it is measured against, in [0, 1], read in another process."""
    return supervised.read(f"{__name__}:_values", path, OUTPUTS[task.output_kind], task.wavelength_nm)


def _values(path: Path, outputs: str, wavelength_nm: tuple[float, ...]) -> Float[np.ndarray, "h w c"]:
    return import_target(outputs).values(path, wavelength_nm)


def _read(path: Path, inputs: str, outputs: str, options: FileOptions) -> Source:
    """The kinds by their place in the tables, which is all that another process needs to know of a task."""
    return import_target(outputs).fit(import_target(inputs).read(path, options), options)


def write_result(
    task: Task,
    path: Path,
    result: Num[np.ndarray, "h w c"],
    *,
    source: Source,
    options: FileOptions,
    overwrite: bool,
    provenance: Mapping[str, str],
) -> list[str]:
    """One output of `task`, whole or not at all, with how it was made; returns what the user should know."""
    kept = {**provenance, **options.choices()} if options.provenance else None
    return output_kind(task).write(
        path, result, task=task, source=source, options=options, overwrite=overwrite, provenance=kept
    )
