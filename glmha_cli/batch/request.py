"""What a run is asked to do."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.jobs import Shard
from glmha_cli.batch.patterns import is_pattern
from glmha_cli.errors import UsageError
from glmha_cli.io.remote.url import is_url
from glmha_cli.io.stores import is_folder

STDIO, DEV_STDIN = "-", "/dev/stdin"


def is_stream(name: str) -> bool:
    """Whether `name` is read once, from its start to its end: "-", a pipe such as a shell makes of <(…), /dev/stdin."""
    if name in (STDIO, DEV_STDIN):
        return True
    try:
        mode = os.stat(name).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """Which files, and what to do about those that are there already or that fail. Only `files` changes a result.

    inputs: files, folders and patterns; "-" for stdin. output: a file or a folder; "-" for stdout.
    ext, suffix: in folders, extension and end of the stem of outputs; keep_ext: see `Naming`.
    overwrite: replace outputs that exist.
    recursive: take sub-folders too. files_from, null: a list of files, one a line or each ended by a zero byte;
    `inputs` may then name their folder. shard: the part of the files to do. dry_run: only plan.
    record, resume: where one line per file is kept, and whether to skip what it proves done.
    max_failures: stop when so many files have failed. hashes: tell the sha256 of inputs and outputs, as a record does.
    cluster: whose machines do the work; None for this one.
    """

    inputs: Sequence[str] = ()
    output: str
    files: FileOptions = field(default_factory=FileOptions)
    ext: str | None = None
    suffix: str = ""
    keep_ext: bool = False
    overwrite: bool = False
    recursive: bool = False
    files_from: str | None = None
    null: bool = False
    shard: Shard | None = None
    dry_run: bool = False
    record: Path | None = None
    resume: bool = False
    max_failures: int | None = None
    hashes: bool = False
    cluster: Cluster | None = None

    def __post_init__(self) -> None:
        """UsageError for what does not go together."""
        if not self.inputs and self.files_from is None:
            raise UsageError("an input and an output are needed", "glmha derain in.png out.png")
        if self.files_from is not None and (
            len(self.inputs) > 1 or (self.inputs and not (is_url(self.inputs[0]) or os.path.isdir(self.inputs[0])))
        ):
            raise UsageError(
                "with --files-from, the only input is the folder of the files", "--files-from LIST [FOLDER] OUTPUT"
            )
        if self.record is not None and is_url(self.record):
            raise UsageError(
                "a record is appended to and synced, which stores cannot do: keep it on a disk", "--record run.jsonl"
            )
        if self.resume and self.record is None:
            raise UsageError("--resume needs a record", "--record run.jsonl --resume, from the first run on")
        if self.null and self.files_from is None:
            raise UsageError("--null needs --files-from", "find … -print0 | glmha … --files-from - --null")
        if self.cluster is not None and self.uses_streams:
            raise UsageError("a cluster restores files: `-` and pipes are for this machine", "leave out --cluster")
        if self.cluster is not None and any(str(each).startswith("memory:") for each in self._named):
            raise UsageError("memory:// is the memory of one process, which a cluster cannot see")

    @property
    def reads_stream(self) -> bool:
        return len(self.inputs) == 1 and is_stream(self.inputs[0])

    @property
    def uses_streams(self) -> bool:
        return self.output == STDIO or any(map(is_stream, self.inputs))

    @property
    def uses_urls(self) -> bool:
        """Whether files may be in stores: what a list names is not known yet."""
        return any(map(is_url, self._named)) or (self.files_from is not None and not self.uses_streams)

    @property
    def _named(self) -> list[str | Path]:
        """Files and folders, as they were given."""
        named = (*self.inputs, self.output, self.files_from, self.files.mask, self.files.only)
        return [each for each in named if each is not None]

    @property
    def is_single(self) -> bool:
        """Whether one file was named, whose failure is the failure of the run."""
        if self.files_from is not None or len(self.inputs) != 1:
            return False
        return not is_pattern(self.inputs[0]) and not is_folder(self.inputs[0])

    @property
    def makes_folder(self) -> bool:
        return self.output.endswith(("/", "\\")) or is_folder(self.output)

    @property
    def extension(self) -> str | None:
        """`ext` as a suffix of a path."""
        return self.ext and "." + self.ext.lower().lstrip(".")
