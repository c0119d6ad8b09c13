"""Videos for tests, made by PyAV: pictures that move, and a tone."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from glmha_cli.io.videos.convert import FromRgb

UNIT = Fraction(1, 30000)
TIMES = (0, 1001, 3003, 4004, 7007, 8008)
"""Of the frames, in units: the intervals are not alike."""
HEIGHT, WIDTH = 48, 64


def pictures():
    """Smooth colours that move, as a codec likes them."""
    y, x = 2 * np.pi * np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    waves = [0.5 + 0.4 * np.sin(x + y + shift) for shift in (0, 2, 4)]
    still = np.rint(255 * np.stack(waves, axis=-1)).astype(np.uint8)
    return [np.roll(still, 3 * index, axis=1) for index in range(len(TIMES))]


def write_clip(
    path: Path,
    codec="libx264",
    layout="yuv420p",
    *,
    matrix=1,
    degrees=0,
    sound="aac",
    tags=(),
    of_streams=(),
    deep=False,
    options=(),
):
    """Frames at TIMES, of BT.709 unless `matrix` is another, which a player turns by `degrees`."""
    import av

    with av.open(str(path), "w") as container:
        container.metadata.update(dict(tags))
        stream = container.add_stream(codec, rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, layout
        stream.codec_context.time_base = UNIT
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 1 + layout.startswith("yuvj")
        stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        stream.options = {"crf": "4", **dict(options)} if codec.startswith("libx26") else {}
        if degrees:
            stream.set_display_rotation(degrees)
        audio = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for each in container.streams:
            each.metadata.update(dict(of_streams))
        to_layout = FromRgb(layout=layout, matrix=matrix, is_full=layout.startswith("yuvj"), location="left")
        for time, pixels in zip(TIMES, pictures(), strict=True):
            frame = to_layout(pixels.astype(np.uint16) * 257 if deep else pixels)
            frame.pts, frame.duration, frame.time_base = time, 1001, UNIT
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            tone = av.AudioFrame.from_ndarray(tone_of(12800), format="s16", layout="mono")
            tone.sample_rate, tone.pts = 48000, 0
            container.mux(audio.encode(tone))
            container.mux(audio.encode(None))


def tone_of(samples):
    return (8000 * np.sin(np.arange(samples) / 20)).astype(np.int16)[None]


def sound_of(path):
    """(time in s, bytes) of each packet of sound."""
    import av

    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio) if container.streams.audio else ()
        return [(float(packet.pts * packet.time_base), bytes(packet)) for packet in packets if packet.size]


def frames_of(path):
    import av

    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def times_of(path):
    return [float(frame.pts * frame.time_base) for frame in frames_of(path)]
