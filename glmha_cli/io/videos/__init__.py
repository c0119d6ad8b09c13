"""Videos: the containers, one row each, and how a file is told to be one. FFmpeg, by PyAV, does the rest: the optional
extra `video`, imported when used.
"""

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.photos.formats import format_of


@dataclass(frozen=True, kw_only=True)
class Container:
    """signature: regular expression of a file's first bytes, as Latin-1. demuxer: FFmpeg's name of what reads it.
    suffixes: lower case with the dot.
    codec: what a stream is written in whose own codec it cannot hold, or nobody can write.
    becomes: the suffix of results where they are not written in this one.
    """

    name: str
    signature: str
    demuxer: str
    suffixes: tuple[str, ...]
    codec: str = "h264"
    becomes: str = ""


CONTAINERS = (
    Container(
        name="MP4",
        signature=r".{4}(ftyp|moov|mdat|wide|free|skip|pnot)",
        demuxer="mov",
        suffixes=(".mp4", ".mov", ".m4v", ".3gp"),
    ),
    Container(name="Matroska", signature=r"\x1a\x45\xdf\xa3", demuxer="matroska", suffixes=(".mkv",)),
    Container(name="WebM", signature=r"\x1a\x45\xdf\xa3", demuxer="matroska", suffixes=(".webm",), codec="vp9"),
    # Without times of its frames, and yet the container of many kinds of sound.
    Container(name="AVI", signature=r"RIFF.{4}AVI ", demuxer="avi", suffixes=(".avi",), becomes=".mkv"),
)
READABLE = tuple(suffix for row in CONTAINERS for suffix in row.suffixes)
WRITABLE = tuple(suffix for row in CONTAINERS if not row.becomes for suffix in row.suffixes)


def is_video(path: Path) -> bool:
    """By its first bytes; False for a file that cannot be read."""
    return _container_in(path) is not None


def _container_in(path: Path) -> Container | None:
    try:
        with path.open("rb") as file:
            first_bytes = file.read(64)
    except OSError:
        return None
    return container_that_begins(first_bytes)


def container_that_begins(first_bytes: bytes) -> Container | None:
    """By its first 64 bytes; None for what is no video."""
    if format_of(first_bytes) is not None:  # AVIF and HEIC are boxes as well
        return None
    text = first_bytes.decode("latin-1")
    return next((row for row in CONTAINERS if re.match(row.signature, text, re.DOTALL)), None)


def open_video(path: Path) -> Any:
    """The file in PyAV, read as the container that its first bytes show, and no other file.

    FFmpeg left to itself takes a playlist or a list of files for a video, whatever its name, and opens what it names.
    Raises BadDataError for a file that is none of our containers.
    """
    import av

    container = _container_in(path)
    if container is None:
        raise BadDataError(f"not a video ({', '.join(row.name for row in CONTAINERS)})")
    # The whole path: a name such as "concat:a|b" is none of FFmpeg's protocols then.
    return av.open(os.path.abspath(path), format=container.demuxer, options={"protocol_whitelist": "file"})


def container_of(path: Path) -> Container:
    """By the suffix of an output; UsageError for none of them."""
    for row in CONTAINERS:
        if path.suffix.lower() in row.suffixes and not row.becomes:
            return row
    raise UsageError(
        f"'{path.name}': cannot write a video as '{path.suffix}'",
        f"use {', '.join(WRITABLE)}, or --frame 0 for one frame as a photo",
    )


def output_suffix(suffix: str) -> str:
    """Of the result of a video with this suffix, by default."""
    return next((row.becomes for row in CONTAINERS if suffix.lower() in row.suffixes and row.becomes), suffix)


def require_library() -> None:
    if importlib.util.find_spec("av") is None:
        raise UsageError("videos need the optional package av", extra_command("video"))
