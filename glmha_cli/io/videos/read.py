"""Frames of a video, one after the other. Runs in the process that reads files (`supervised`), where a video stays open
between calls: to ask for the next frame costs that frame alone.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError, GlmhaError
from glmha_cli.io.guard import reading
from glmha_cli.io.photos.formats.base import require_size
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.size import MAX_PIXELS
from glmha_cli.io.videos import open_video, require_library
from glmha_cli.io.videos.convert import to_rgb, way_back
from glmha_cli.io.videos.frame import EndOfVideoError, Moment, Storage, extras_of

if TYPE_CHECKING:
    import av

OPEN_AT_MOST = 2
"""The video that is restored, and the next file, whose first frame is read meanwhile."""
RATE = Fraction(25)
"""Frames a second of a video that does not say."""
_LEFT_OUT = dict.fromkeys(("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "DYNAMIC_HDR_PLUS"), "HDR light levels")
_LEFT_OUT |= {"DOVI_METADATA": "Dolby Vision data", "A53_CC": "closed captions", "STEREO3D": "data of its two views"}
_LEFT_OUT |= {"SPHERICAL": "data of its projection (360 degrees)"}
"""What FFmpeg finds beside a frame, and no encoder gets."""


@dataclass(eq=False)
class _Video:
    """An open video. index: of the frame that `frames` gives next. location: of colours, found by its first frame."""

    container: Any
    frames: Iterator["av.VideoFrame"]
    index: int = 0
    location: str = ""
    notes: tuple[str, ...] = field(default=())


_OPEN: OrderedDict[tuple[str, int, int], _Video] = OrderedDict()


def read_frame(path: Path, frame: int, *, max_pixels: int = MAX_PIXELS) -> tuple[Photo, Moment]:
    """A frame, counted from 0, upright: 8 bit, or 16 of videos with more than 8.

    Frames in their order are read once; one before the last that was read costs all before it again. `Photo.frames` is
    what the file says of their number, or what follows from its duration.

    Raises:
        EndOfVideoError: the video has no such frame.
        UsageError: the extra `video` is not installed.
        BadDataError: no video, damaged, or of more than `max_pixels` a frame.
    """
    require_library()
    with reading(path, "a video"):
        status = os.stat(path)
        key = str(path), status.st_mtime_ns, status.st_size
        video = _OPEN.pop(key, None)
        if video is None or video.index > frame:
            _close(video)
            video = _opened(path, max_pixels)
        try:
            found = _frame(video, frame)
        except BaseException:
            _close(video)
            raise
        _OPEN[key] = video
        while len(_OPEN) > OPEN_AT_MOST:
            _close(_OPEN.popitem(last=False)[1])
        moment = Moment(time=found.pts or 0, duration=found.duration or 0, storage=_storage(video, found))
        return _photo(video, found, moment.storage), moment


def _opened(path: Path, max_pixels: int) -> _Video:
    container = open_video(path)
    if not container.streams.video:
        container.close()
        raise BadDataError("it has no pictures, only sound")
    stream = container.streams.video[0]
    context: Any = stream.codec_context
    require_size(context.width, context.height, max_pixels)
    stream.thread_type = "AUTO"
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    beside = tags.get("alpha_mode") == "1"  # of VP8 and VP9 in Matroska, whose decoders leave it out
    alpha = beside or any(component.is_alpha for component in context.format.components)
    notes = ("its transparency is left out",) if alpha else ()
    frames = container.decode(stream)
    return _Video(container, _timed(frames) if container.format.name == "avi" else frames, notes=notes)


def _timed(frames: Iterator["av.VideoFrame"]) -> Iterator["av.VideoFrame"]:
    """Frames of a container without times of them, which FFmpeg guesses, out of order for H.264: each is shown as long
    after the first as the packet that brought it out is behind the one that brought out that.
    """
    shift = time = 0
    for index, frame in enumerate(frames):
        if index == 0:
            time = frame.pts or 0
            shift = time - (frame.dts or 0)
        else:
            time = max(time + max(frame.duration or 0, 1), (frame.dts or 0) + shift)
        frame.pts = time
        yield frame


def _close(video: _Video | None) -> None:
    if video is not None:
        video.container.close()


def _frame(video: _Video, wanted: int) -> "av.VideoFrame":
    while True:
        try:
            found = next(video.frames)
        except StopIteration:
            raise EndOfVideoError(
                f"it has {video.index} frames, so there is no frame {wanted}", f"--frame 0 to {video.index - 1}"
            ) from None
        except (GlmhaError, MemoryError):
            raise
        except Exception as error:
            raise BadDataError(f"damaged at frame {video.index}") from error
        if found.is_corrupt:
            raise BadDataError(f"damaged at frame {video.index}")
        video.index += 1
        video.location = video.location or way_back(found).location
        if video.index > wanted:
            return found


def _photo(video: _Video, frame: "av.VideoFrame", storage: Storage) -> Photo:
    stream = video.container.streams.video[0]
    seconds = float(1 / (stream.guessed_rate or RATE))
    length = float((stream.duration or 0) * (stream.time_base or 0) or (video.container.duration or 0) / 1e6)
    colours = upright(to_rgb(frame), frame)
    return Photo(
        colours=colours,
        bit_depth=8 * colours.itemsize,
        metadata=Metadata(extras=extras_of(storage)),
        notes=(*video.notes, *_notes(frame)),
        frames=max(1, stream.frames or round(length / seconds)),
        seconds=seconds,
    )


def _notes(frame: "av.VideoFrame") -> list[str]:
    side_data: Any = frame.side_data
    names = dict.fromkeys(_LEFT_OUT[data.type.name] for data in side_data if data.type.name in _LEFT_OUT)
    interlaced = ["it is interlaced: its half frames are restored as one"] if frame.interlaced_frame else []
    return interlaced + [f"its {name} are left out" for name in names]


def upright(pixels: Num[np.ndarray, "h w c"], frame: "av.VideoFrame") -> Num[np.ndarray, "h w c"]:
    """As the display matrix of a frame (ISO/IEC 14496-12, 6.2.2) has it shown: turned and mirrored."""
    across, down, swaps = _orientation(frame)
    pixels = pixels.swapaxes(0, 1) if swaps else pixels
    return np.ascontiguousarray(pixels[::down, ::across])


def _orientation(frame: "av.VideoFrame") -> tuple[int, int, bool]:
    """The direction (1, -1) of columns and of rows, and whether they are swapped before."""
    side_data: Any = frame.side_data
    data = next((bytes(each) for each in side_data if each.type.name == "DISPLAYMATRIX"), b"")
    if len(data) < 36:
        return 1, 1, False
    a, b, _, c, d = np.frombuffer(data, "=i4")[:5]
    swaps = abs(b) > abs(a)  # x' = a x + c y, y' = b x + d y
    across, down = (c, b) if swaps else (a, d)
    return (-1 if across < 0 else 1), (-1 if down < 0 else 1), bool(swaps)


def _storage(video: _Video, frame: "av.VideoFrame") -> Storage:
    stream = video.container.streams.video[0]
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return Storage(
        codec=stream.codec_context.codec.canonical_name,
        pixels=frame.format.name,
        time_base=frame.time_base or stream.time_base,
        rate=stream.guessed_rate or RATE,
        primaries=int(frame.color_primaries),
        curve=int(frame.color_trc),
        matrix=int(frame.colorspace),
        range=int(frame.color_range),
        location=video.location,
        aspect=1 / aspect if _orientation(frame)[2] else aspect,
    )
