"""Which files a task reads and writes, by their suffixes: those of its kinds, and videos where it restores photos."""

from collections.abc import Callable
from functools import lru_cache

from glmha_cli.batch.kinds import input_kind, output_kind
from glmha_cli.batch.request import BatchRequest
from glmha_cli.io import videos
from glmha_cli.tasks.base import Task

FRAME_SUFFIX = ".png"
"""Of one frame of a video, by default."""


def readable_by(task: Task) -> tuple[str, ...]:
    """Of files that folders are searched for."""
    return input_kind(task).readable + (videos.READABLE if task.restores_photos else ())


def writable_by(task: Task) -> tuple[str, ...]:
    return output_kind(task).writable + (videos.WRITABLE if task.restores_photos else ())


def suffix_for(task: Task, request: BatchRequest) -> Callable[[str], str]:
    """What gives the suffix of an output by that of its input. `--ext` is for outputs of its kind: `jpg` leaves the
    videos of a folder videos.
    """
    extension, one_frame = request.extension, request.files.frame is not None

    @lru_cache(256)  # a folder of a million files has few
    def choose(suffix: str) -> str:
        is_video = suffix.lower() in videos.READABLE and task.restores_photos
        if extension and (extension in videos.WRITABLE) == (is_video and not one_frame):
            return extension
        if not is_video:
            return output_kind(task).suffix_for(suffix)
        return FRAME_SUFFIX if one_frame else videos.output_suffix(suffix)

    return choose
