"""A folder that is watched: what comes into it is restored, until someone ends it.

The folder is looked through every second rather than told of by the system: that works on network folders too. A file
is taken once two looks in a row found it unchanged, or it was renamed into place, which looks the same.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glmha_cli.batch.checks import make_folder, refuse_inputs_as_outputs, require_makeable
from glmha_cli.batch.companions import files_written
from glmha_cli.batch.inputs import Found, Ignored, in_folder
from glmha_cli.batch.plan import naming_of
from glmha_cli.batch.planned import Jobs, Outputs
from glmha_cli.batch.report import Reporter
from glmha_cli.batch.request import BatchRequest
from glmha_cli.batch.runner import run
from glmha_cli.batch.suffixes import readable_by
from glmha_cli.errors import NoInputError, UsageError, one_line
from glmha_cli.inference.loader import Loader
from glmha_cli.inference.restorer import Restorer
from glmha_cli.weights.store import Weights

LOOK_SECONDS = 1.0
State = tuple[int, int]
"""Size and time of a file."""


@dataclass(frozen=True, kw_only=True)
class Kept(Loader):
    """Loads each network once."""

    restorers: dict[str, Restorer] = field(default_factory=dict, compare=False)

    def load(self, weights: Weights, **options: Any) -> Restorer:
        if weights.sha256 not in self.restorers:
            self.restorers[weights.sha256] = super().load(weights, **options)
        return self.restorers[weights.sha256]


def watch(
    request: BatchRequest, loader: Loader, reporter: Reporter, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Restore what is in the folder that the request names, and what comes into it; ends by an exception alone.

    A file whose output is there is left alone, but with `overwrite` and where a record tells. One that failed is tried
    again when it has changed.
    """
    if len(request.inputs) != 1 or not os.path.isdir(request.inputs[0]) or request.files_from is not None:
        raise UsageError("--watch takes one folder of inputs", "glmha … in/ out/ --watch")
    if request.dry_run or request.max_failures is not None:
        raise UsageError("--watch goes on until it is ended: no --dry-run, no --fail-fast, no --max-failures")
    kept = Kept(**{name: getattr(loader, name) for name in loader.__dataclass_fields__})
    require_makeable(Path(request.output))
    make_folder(Path(request.output))
    reporter.note(f"watching '{request.inputs[0]}'; Ctrl-C ends it")
    for found in _arriving(request, kept, reporter, sleep):
        with tempfile.NamedTemporaryFile(prefix="glmha-") as names:
            names.write(b"".join(os.fsencode(each.path) + b"\0" for each in found))
            names.flush()
            run(replace(request, files_from=names.name, null=True), kept, reporter)


def _arriving(
    request: BatchRequest, loader: Loader, reporter: Reporter, sleep: Callable[[float], None]
) -> Iterator[list[Found]]:
    """Files that are complete, were not taken before, as they are now, and are no output of another. Of two with one
    output the first is taken, and the other is told, as is one that is its own output.
    """
    naming, folder, root = naming_of(loader.task, request), Path(request.output), os.path.realpath(request.inputs[0])
    jobs = Jobs(Outputs(folder=folder, naming=naming, overwrite=request.overwrite, files=request.files))
    before: dict[Path, State] = {}
    taken: dict[Path, State] = {}
    made: set[str] = set()
    while True:
        now = {each.path: (each, state) for each in _inside(request, loader) if (state := _state(each.path))}
        made.update(*(_made_of(jobs, each) for path, (each, _) in now.items() if path not in before))
        complete = {
            path: (each, state)
            for path, (each, state) in now.items()
            if before.get(path) == state and taken.get(path) != state and os.path.join(root, each.relative) not in made
        }
        taken |= {path: state for path, (_, state) in complete.items()}
        before = {path: state for path, (_, state) in now.items()}
        wanted = [
            each
            for each, _ in complete.values()
            if _has_own_output(jobs, each, reporter)
            and (request.overwrite or request.resume or not os.path.lexists(folder / naming(each.relative)))
        ]
        if wanted:
            yield wanted
        sleep(LOOK_SECONDS)


def _made_of(jobs: Jobs, found: Found) -> set[str]:
    """Where the files that are made of an input lie, but for the input itself."""
    written = files_written(jobs.outputs.job(found), jobs.outputs.files)
    return set(map(os.path.realpath, written)) - {os.path.realpath(found.path)}


def _has_own_output(jobs: Jobs, found: Found, reporter: Reporter) -> bool:
    try:
        jobs.add(found)
        refuse_inputs_as_outputs([jobs.outputs.job(found)])
    except UsageError as error:
        reporter.warning(one_line(error))
        return False
    return True


def _inside(request: BatchRequest, loader: Loader) -> list[Found]:
    try:
        found = list(
            in_folder(
                Path(request.inputs[0]),
                readable=readable_by(loader.task),
                recursive=request.recursive,
                leave_out=Path(request.output),
                say=lambda text: None,
                ignored=Ignored(),
            )
        )
    except NoInputError:  # nothing there yet
        return []
    return [each for each in found if each.problem is None]


def _state(path: Path) -> State | None:
    try:
        status = path.stat()
    except OSError:  # it has gone meanwhile
        return None
    return status.st_size, status.st_mtime_ns
