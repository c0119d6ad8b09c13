"""From a frame's own layout of colours to RGB and back, so that a frame that nobody changed comes back as it was.

By FFmpeg's swscale. Where the colours of 4:2:0 lie between the pixels, few files say and PyAV does not tell; the
location that brings a frame back is the one it has.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Num

if TYPE_CHECKING:
    import av

FLAGS = "bicubic+full_chroma_int+full_chroma_inp+accurate_rnd"
RESAMPLING = 0x4 | 0x2000 | 0x4000 | 0x40000
"""The same flags as a number. Without them colours come in blocks of 2 x 2 pixels."""
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
"""By their numbers in ITU-T H.273; what a file does not say is taken for BT.601, in both directions."""
LOCATIONS = ("left", "center", "topleft")


def to_rgb(frame: "av.VideoFrame") -> Num[np.ndarray, "h w 3"]:
    """uint8, or uint16 of frames with more than 8 bits."""
    is_deep = max(component.bits for component in frame.format.components) > 8
    return frame.reformat(format="rgb48le" if is_deep else "rgb24", interpolation=RESAMPLING).to_ndarray()


@dataclass(frozen=True, kw_only=True)
class FromRgb:
    """Frames of one size, made of RGB. layout: of pixels, as FFmpeg calls it. matrix: of colours, see MATRICES.
    is_full: in range. location: of colours, one of LOCATIONS.
    """

    layout: str
    matrix: int
    is_full: bool
    location: str
    _graphs: dict[tuple[int, ...], Any] = field(default_factory=dict, repr=False)

    def __call__(self, pixels: Num[np.ndarray, "h w 3"]) -> "av.VideoFrame":
        import av

        rgb = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.dtype == np.uint8 else "rgb48le")
        rgb.pts, rgb.time_base = 0, Fraction(1)
        key = pixels.shape[:2]
        graph = self._graphs.get(key) or self._graphs.setdefault(key, self._graph(rgb))
        graph.push(rgb)
        return graph.pull()

    def _graph(self, rgb: "av.VideoFrame") -> Any:
        import av

        graph = av.filter.Graph()
        source = graph.add_buffer(width=rgb.width, height=rgb.height, format=rgb.format, time_base=rgb.time_base)
        options = {
            "flags": FLAGS,
            "out_color_matrix": MATRICES.get(self.matrix, "bt601"),
            "out_range": "full" if self.is_full else "limited",
            "out_chroma_loc": self.location,
        }
        scale = graph.add("scale", ":".join(f"{name}={value}" for name, value in options.items()))
        layout = graph.add("format", f"pix_fmts={self.layout}")
        graph.link_nodes(source, scale, layout, graph.add("buffersink")).configure()
        return graph


def way_back(frame: "av.VideoFrame") -> FromRgb:
    """What makes of `to_rgb(frame)` the frame again."""
    layout, matrix = frame.format.name, int(frame.colorspace)
    is_full = int(frame.color_range) == 2 or layout.startswith("yuvj")
    ways = [FromRgb(layout=layout, matrix=matrix, is_full=is_full, location=location) for location in LOCATIONS]
    if len(frame.planes) < 3:
        return ways[0]
    rgb = to_rgb(frame)
    return min(ways, key=lambda way: _difference(way(rgb), frame))


def _difference(one: "av.VideoFrame", other: "av.VideoFrame") -> float:
    """Between the second planes of two frames of one layout, by their bytes."""
    first, second = (_plane(frame).astype(np.int16) for frame in (one, other))
    return float(np.abs(first - second).mean())


def _plane(frame: "av.VideoFrame") -> Num[np.ndarray, "h w"]:
    plane, component = frame.planes[1], frame.format.components[1]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: component.height, : component.width * (1 + (component.bits > 8))]
