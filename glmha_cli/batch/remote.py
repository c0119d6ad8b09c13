"""Batches over URLs: the same batch in a folder of stand-ins, whose files are there while they are needed."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from glmha_cli.batch.inputs import Found, Ignored
from glmha_cli.batch.jobs import Job, Shard
from glmha_cli.batch.patterns import has_wildcards, is_shown, parted
from glmha_cli.batch.planned import Jobs
from glmha_cli.batch.report import Reporter
from glmha_cli.batch.request import BatchRequest
from glmha_cli.errors import GlmhaError, NoInputError, UsageError
from glmha_cli.io.remote.listing import listed
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.remote.url import SCHEMES, Url, is_url, url_text
from glmha_cli.io.stores import is_store


@contextmanager
def open_stage(rename: Callable[[str, str], None]) -> Iterator[Stage]:
    """A stage that is gone after the block. What is said of its files, and of errors in the block, names their URLs.

    rename: is told what to call paths.
    """
    with tempfile.TemporaryDirectory(prefix="glmha-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder).resolve())
        for scheme in SCHEMES:
            rename(f"{stage.root}/{scheme}/", f"{scheme}://")
        try:
            yield stage
        except GlmhaError as error:
            raise stage.renamed(error) from error.__cause__
        finally:
            stage.close()


@contextmanager
def staged(request: BatchRequest, reporter: Reporter) -> Iterator[tuple[BatchRequest, Stage]]:
    """The request with stand-ins in place of URLs, and their stage."""
    with open_stage(reporter.rename) as stage:
        yield _with_places(request, stage), stage


def _with_places(request: BatchRequest, stage: Stage) -> BatchRequest:
    several = request.files_from is not None or len(request.inputs) != 1
    inputs = [_input(text, stage, alone=not several) for text in request.inputs]
    many = several or (is_folder(request.inputs[0]) and not request.reads_stream)
    files = request.files
    if files.mask is not None and is_url(files.mask):
        files = replace(files, mask=_here(url_text(files.mask), stage))
    if files.only is not None and is_url(files.only):
        files = replace(files, only=_here(url_text(files.only), stage))
    listing = request.files_from
    if listing is not None and is_url(listing):
        listing = str(_here(listing, stage))
    output = _output(request.output, stage, many=many, extension=request.extension)
    return replace(request, inputs=inputs, output=output, files=files, files_from=listing)


def is_folder(text: str) -> bool:
    """Whether a name means several files: a pattern, or no name with an extension. A query is no part of it."""
    text = Url.parse(text).place if is_url(text) else text
    name = text.rpartition("/")[2]
    return not PurePath(name).suffix or has_wildcards(text)


def why_several(inputs: Sequence[object], stage: Stage | None) -> str:
    """Why these inputs mean several files: a store does not tell, unasked, what it has under an address."""
    text = str(inputs[0]) if len(inputs) == 1 else ""
    if stage is None or not stage.holds(Path(text)):
        return "several inputs need an output folder"
    return f"'{text}' is taken for a folder or a pattern, for its name has no extension or has wildcards"


def _here(text: str, stage: Stage) -> Path:
    path = stage.place(text)
    stage.fetch(path)
    return path


def _input(text: str, stage: Stage, *, alone: bool) -> str:
    if not is_url(text):
        return text
    path = stage.place(text)
    if is_folder(text):
        if not has_wildcards(text):
            path.mkdir(parents=True, exist_ok=True)
    elif alone:  # its failure is that of the run
        stage.fetch(path)
    return str(path)


def _output(text: str, stage: Stage, *, many: bool, extension: str | None) -> str:
    if not is_url(text):
        return text
    path = stage.place(text)
    if is_store(path) or is_store(f"output{extension or ''}"):
        raise UsageError("a store of Zarr is a folder, which is not written to URLs", "--ext nc")
    folder = path if many or is_folder(text) else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    return str(path) + ("/" if folder == path else "")


def in_store(
    path: Path, stage: Stage, *, readable: Iterable[str], recursive: bool, leave_out: Path, ignored: Ignored
) -> Iterator[Found]:
    """As `inputs.in_folder` and `inputs.by_pattern`, of what stands for a folder or a pattern in a store; while it is
    being listed, and in the order of the store.
    """
    root, parts = parted(path)
    pattern, asks_for_hidden = "/".join(parts), not all(map(is_shown, parts))
    matches = _matcher(pattern)
    count = 0
    for relative in listed(stage.url(root), recursive=recursive or "/" in pattern or "**" in pattern):
        name = relative.rpartition("/")[2]
        is_hidden = not (asks_for_hidden or all(map(is_shown, relative.split("/"))))
        if is_hidden or not name.lower().endswith(tuple(readable)) or not matches(relative):
            ignored.add(name if not is_hidden else ".")
            continue
        try:
            found = Found(stage.below(root, relative, f"{stage.url(root)}/{relative}"), PurePath(relative))
        except NoInputError as error:
            found = Found(root / "unnamed", PurePath("unnamed"), error)
        if leave_out == root or not found.path.is_relative_to(leave_out):
            count += 1
            yield found
    if not count:
        hint = f"looked for {', '.join(readable)}" + ("" if recursive else "; --recursive for what is below")
        raise NoInputError(f"no input files in '{path}'", hint)


def _matcher(pattern: str) -> Callable[[str], object]:
    if not pattern:
        return lambda relative: True
    from fsspec.utils import glob_translate

    return re.compile(glob_translate(pattern)).match


@dataclass(frozen=True, eq=False)
class Streamed(Iterable[Job]):
    """The jobs of inputs that are still being listed. What is wrong with one then costs that one."""

    jobs: Jobs
    found: Iterable[Found]
    shard: Shard | None

    def __iter__(self) -> Iterator[Job]:
        for each in self.found:
            problem = None
            try:
                if not self.jobs.add(each):
                    continue
            except UsageError as error:
                problem = error
            if self.shard is None or self.shard.has(each.relative):
                job = self.jobs.outputs.job(each)
                if job.source == job.target and problem is None:
                    problem = UsageError(f"output and input are the same file, '{job.target}'", "name another output")
                yield job if problem is None else replace(job, problem=problem)
