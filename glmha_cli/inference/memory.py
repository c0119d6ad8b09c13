"""How much memory there is, which tiles fit into it, and what to do where they do not."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from glmha_cli.errors import NotEnoughMemoryError
from glmha_cli.inference.cgroups import ROOT, free_memory_bytes
from glmha_cli.inference.engine import Engine
from glmha_cli.inference.tiling import Tiling

FLOATS_PER_CHANNEL = 40
"""Largest that the values alive at once in any of the networks are, per pixel of the first level and channel: 15 to 32
counted in eager passes (paper-size Restormer most), and a quarter for what libraries take beside."""
SHARE = 0.8  # of the free memory; the rest is for the image and for what others take meanwhile
SMALLEST_TILE_PX = 64
MAX_BATCH = 16

_OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate memory|not enough memory|failed to allocate|bad[ _]alloc|out_of_memory|"
    r"could not create a (memory|primitive)",
    re.IGNORECASE,
)


def is_out_of_memory(error: Exception) -> bool:
    """Whether numpy, PyTorch (CPU, CUDA), oneDNN or ONNX Runtime found no memory; some say so in words alone, oneDNN
    vaguely."""
    return isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))


def smaller(tiling: Tiling, batch: int, side_px: int, reason: str) -> tuple[Tiling, int]:
    """Half the batch or, of a single tile, half its side; `side_px` is the image's longer one, `reason` what was said.

    Raises NotEnoughMemoryError where that would be less than `SMALLEST_TILE_PX`.
    """
    if batch > 1:
        return tiling, batch // 2
    tile_px = min(tiling.tile_px or side_px, side_px) // 2
    if tile_px < SMALLEST_TILE_PX:
        raise NotEnoughMemoryError(
            f"out of memory even with the smallest tiles ({reason})", "close other programs, or use a smaller model"
        )
    return of_side(tiling, tile_px), 1


def of_side(tiling: Tiling, tile_px: int) -> Tiling:
    """With sides of exactly so much: there is no room for slack."""
    return replace(tiling, tile_px=tile_px, overlap_px=min(tiling.overlap_px, tile_px // 2), slack_px=0)


def fitted(engine: Engine, tiling: Tiling, *, say: Callable[[str], None]) -> tuple[Tiling, int]:
    """The tiles that fit into the device's free memory, and how many at once: several on GPUs alone.

    `say` is told where they became smaller; see Tiling.may_shrink.
    """
    room, asked = engine.room_px(), tiling
    if room is None or tiling.tile_px is None:
        return tiling, 1
    tile_px = tiling.tile_px
    longest_px = tile_px + tiling.slack_px
    while tiling.may_shrink and longest_px**2 > room and tile_px // 2 >= SMALLEST_TILE_PX:
        tile_px //= 2
        tiling = of_side(tiling, tile_px)
        longest_px = tile_px
    if tiling != asked:
        say(f"low memory: using tiles of {tiling}")
    return tiling, 1 if engine.device == "cpu" else max(1, min(MAX_BATCH, room // longest_px**2))


def room_px(free_bytes: int | None, width: float, bytes_per_value: int = 4) -> int | None:
    """How many pixels a network can work on at once in so much memory, estimated from its config's `width`."""
    return free_bytes and int(SHARE * free_bytes / (FLOATS_PER_CHANNEL * bytes_per_value * width))


def free_bytes(root: Path = ROOT) -> int | None:
    """What this process may still take of the main memory, as Linux tells; None elsewhere.

    The least of the machine's available memory and what is left of the limits of the process's control groups.
    """
    try:
        meminfo = (root / "proc/meminfo").read_text()
    except OSError:
        return None
    available = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    return min([*([int(available[1]) * 1024] if available else []), *free_memory_bytes(root)], default=None)
