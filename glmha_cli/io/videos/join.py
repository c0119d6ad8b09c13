"""The frames of one video with the sound, the subtitles, the chapters and the tags of another. Runs in the process that
reads files, as all that parses them does.
"""

import heapq
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from glmha_cli.io.guard import reading
from glmha_cli.io.videos import container_of, open_video

KEPT = ("audio", "subtitle", "attachment")
PROVENANCE = "comment"
"""The tag that says how a video was made: no other that takes any text is kept by MP4."""
OF_THE_WRITER = {"major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id"}
OF_THE_WRITER |= {"alpha_mode"}
"""Tags that say how a file is built, not what is in it."""
TO_BE_USED = {"language", "filename", "mimetype"}
"""Tags by which a stream is chosen, and without which no attachment can be."""


def join(source: Path, silent: Path, target: Path, *, strip_metadata: bool, provenance: str | None) -> list[str]:
    """Write the pictures of `silent`, and of `source` all else that the container of `target` holds, bit for bit.

    provenance: is added to the tag `comment`. Returns what is left out.
    Raises BadDataError for a source whose sound cannot be read.
    """
    import av

    with (
        reading(source, "a video"),
        open_video(source) as old,
        av.open(str(silent)) as pictures,
        av.open(str(target), "w", options=_options(target, old.metadata)) as new,
    ):
        main = old.streams.video[0]
        moving = pictures.streams.video[0]
        copied = partial(_copy, new, strip_metadata=strip_metadata)
        copies: dict[Any, Any] = {moving: copied(moving, main)}
        others = [stream for stream in old.streams if stream != main]
        kept = [each for each in others if each.type in KEPT and each.name in new.supported_codecs]
        copies |= {stream: copied(stream, stream) for stream in kept}
        if moving.average_rate:  # which Matroska declares; without it, the unit of time
            copies[moving].codec_context.framerate = moving.average_rate
        if not strip_metadata:
            new.metadata.update(_told(old.metadata))
            new.set_chapters(old.chapters())
        if provenance is not None:
            new.metadata[PROVENANCE] = "\n".join(filter(None, [new.metadata.get(PROVENANCE), f"glmha {provenance}"]))
        for packet in heapq.merge(_packets(pictures, [moving]), _packets(old, kept), key=_time):
            packet.stream = copies[packet.stream]
            new.mux(packet)
        left_out = [f"{each.type} ({each.name or 'of an unknown kind'})" for each in others if each not in kept]
    return [f"a stream of {what} is left out" for what in dict.fromkeys(left_out)]


def _copy(new: Any, stream: Any, like: Any, *, strip_metadata: bool) -> Any:
    """A stream for the packets of `stream`, with the tags and the role (default, forced, commentary...) of `like`."""
    copy = new.add_stream_from_template(stream)
    copy.disposition = like.disposition
    told = _told(like.metadata)
    copy.metadata.update({name: told[name] for name in told if not strip_metadata or name.lower() in TO_BE_USED})
    return copy


def _told(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name.lower() not in OF_THE_WRITER}


def _packets(container: Any, streams: list[Any]) -> Iterator[Any]:
    """In their order, without the empty ones at the ends of streams."""
    return (packet for packet in container.demux(streams) if packet.size) if streams else iter(())


def _time(packet: Any) -> float:
    time = packet.pts if packet.dts is None else packet.dts
    return float((time or 0) * packet.time_base)


def _options(target: Path, tags: Mapping[str, str]) -> dict[str, str]:
    """Cameras' own tags (com.apple.quicktime.location.ISO6709, …) have a place in MP4 only if that is asked for."""
    if container_of(target).name != "MP4":
        return {}
    own = any(name.startswith("com.") for name in tags)
    return {"movflags": "use_metadata_tags+faststart" if own else "faststart"}
