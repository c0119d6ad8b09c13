"""Videos out: frames encoded as they come, then joined with the sound of the video that they were made of."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import OutputError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.videos import container_of
from glmha_cli.io.videos.convert import FromRgb
from glmha_cli.io.videos.frame import Moment, Storage

if TYPE_CHECKING:
    import av

ENCODERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "h264": ("libx264", {"crf": "16"}),
    "hevc": ("libx265", {"crf": "18", "x265-params": "log-level=none"}),
    "vp8": ("libvpx", {"crf": "8", "b:v": "40M"}),
    "vp9": ("libvpx-vp9", {"crf": "20", "b:v": "0", "row-mt": "1"}),
    "av1": ("libsvtav1", {"crf": "22", "preset": "8"}),
    "mpeg4": ("mpeg4", {"qmin": "2", "qmax": "3"}),
    "mjpeg": ("mjpeg", {"qmin": "2", "qmax": "3"}),
    "prores": ("prores_ks", {}),
    "ffv1": ("ffv1", {}),
}
"""How a codec is written, so that what is lost cannot be seen: its encoder and that encoder's options."""
COARSE = ("420", "422", "nv12", "nv16", "p010", "411")
"""In names of layouts with fewer colours than pixels."""
_OF_RGB, _BT709 = 0, 1  # matrices of ITU-T H.273
Join = Callable[[Path, Path], list[str]]
"""Writes the frames of the first video with all else that belongs to them to the second; what the user should know."""


@dataclass(frozen=True, kw_only=True)
class RestoredFrame:
    """pixels: RGB as `storing` keeps it, uint8 or uint16, all of one size. moment: of the frame it was made of."""

    pixels: Num[np.ndarray, "h w 3"]
    moment: Moment


def write_video(path: Path, frames: Iterable[RestoredFrame], join: Join, *, overwrite: bool = False) -> list[str]:
    """Write frames with their times, colours and codec, whole or not at all; returns what the user should know.

    The codec is that of the first frame's video where its encoder is there and `path` can hold it.

    Raises:
        UsageError: no container has the suffix.
        OutputError: the encoder refuses the frames. See also `atomic_output`.
    """
    container_of(path)
    with (
        atomic_output(path, overwrite=overwrite) as temporary,
        tempfile.TemporaryDirectory(prefix=".glmha-", dir=path.parent) as folder,
    ):
        silent = Path(folder, f"frames{path.suffix}")
        notes = _encode(silent, iter(frames), path)
        return [*notes, *join(silent, temporary)]


def _encode(silent: Path, frames: Iterable[RestoredFrame], path: Path) -> list[str]:
    import av

    stream: Any = None
    picture_of: FromRgb | None = None
    notes: list[str] = []
    os.environ.setdefault("SVT_LOG", "1")  # errors alone, of an encoder that talks
    with av.open(str(silent), "w") as container:
        for frame in frames:
            with _encoding(path):
                if picture_of is None:
                    stream, notes = _stream(container, frame, path)
                    picture_of = _converter(frame.moment.storage, stream.pix_fmt)
                picture = picture_of(frame.pixels)
                picture.pts, picture.duration = frame.moment.time, frame.moment.duration
                picture.time_base = frame.moment.storage.time_base
                container.mux(stream.encode(picture))
        with _encoding(path):
            container.mux(stream.encode(None))
    return notes


@contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """OutputError where an encoder or a container refuses frames, the last of which it may be given at the end."""
    import av

    try:
        yield
    except (av.FFmpegError, ValueError) as error:
        raise OutputError(f"'{path}': its frames cannot be written: {error}") from error


def _stream(container: "av.container.OutputContainer", frame: RestoredFrame, path: Path) -> tuple[Any, list[str]]:
    """A stream for frames like this one, and what is not as it was."""
    import av

    storage, notes = frame.moment.storage, []
    codec = storage.codec if storage.codec in ENCODERS and storage.codec in container.supported_codecs else ""
    if not codec:
        codec = container_of(path).codec
        notes.append(f"its pictures are written as {codec}, as {path.suffix} cannot be written as {storage.codec}")
    name, options = ENCODERS[codec]
    stream: Any = container.add_stream(name, rate=storage.rate, options=dict(options))
    stream.height, stream.width = frame.pixels.shape[:2]
    stream.pix_fmt = _pixels(storage, [each.name for each in av.Codec(name, "w").video_formats or ()], frame.pixels)
    stream.time_base = stream.codec_context.time_base = storage.time_base
    context = stream.codec_context
    context.framerate = storage.rate  # which the time base has changed
    context.color_primaries, context.color_trc = storage.primaries, storage.curve
    context.colorspace, context.color_range = _matrix(storage, stream.pix_fmt), storage.range
    if storage.aspect != 1:
        context.sample_aspect_ratio = storage.aspect
    return stream, notes


def _converter(storage: Storage, layout: str) -> FromRgb:
    is_full = storage.range == 2 or layout.startswith("yuvj")
    return FromRgb(layout=layout, matrix=_matrix(storage, layout), is_full=is_full, location=storage.location)


def _matrix(storage: Storage, layout: str) -> int:
    """Of colours in a layout: what was stored as RGB, and is not in it, gets the matrix of HD video."""
    import av

    is_new = storage.matrix == _OF_RGB and not av.VideoFormat(layout).is_rgb
    return _BT709 if is_new else storage.matrix


def _pixels(storage: Storage, possible: list[str], pixels: Num[np.ndarray, "h w 3"]) -> str:
    """The layout of pixels: as it was, where the encoder has it, or one as deep whose colours are as fine. Colours of
    every second pixel alone take even sides.
    """
    deep = "10le" if pixels.dtype == np.uint16 else ""
    coarse = [storage.pixels, f"yuv420p{deep}", "yuv420p"]
    fine = [f"yuv444p{deep}", "yuv444p"]
    is_coarse = any(part in storage.pixels for part in COARSE)
    wanted = coarse if is_coarse else [storage.pixels, *fine, *coarse]
    if is_coarse and any(side % 2 for side in pixels.shape[:2]):
        wanted = fine
    return next((each for each in wanted if each in possible), possible[0])
