"""The kinds of inputs and outputs, by the names that tasks give them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds.base import InputKind, OutputKind
from glmha_cli.lookup import resolve
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
    return output_kind(task).fit(input_kind(task).read(path, options), options)


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
