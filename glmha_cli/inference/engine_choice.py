"""Which engine `auto` takes on CPUs, as PyTorch is faster in large tiles but takes seconds to load; and how many small
images are computed side by side.
"""

from collections.abc import Sequence

from glmha_cli.inference.cpus import num_threads
from glmha_cli.inference.tiling import Tiling, count_tiles

LOADING_S = 1.3
"""How much longer than ONNX Runtime PyTorch takes to load; all by benchmarks/README.md, of the lite networks."""
SAVED_S_PER_MPX = 1.5
"""CPU seconds that PyTorch saves in tiles of 256 px, …"""
OVERHEAD_S_PER_TILE = 0.04
"""… and that its thousand short steps cost in each tile, however small."""

SMALL_PX = 256 * 256
"""A tile's worth: two of 128x160 px side by side took 42 ms each, one after the other by two threads 65 ms (AVX2)."""


def is_quick(sizes: Sequence[tuple[int, int]], tiling: Tiling, *, single: bool) -> bool:
    """Whether ONNX Runtime has done images of these sizes (h, w) sooner.

    A batch goes by the size of its images alone: the answer must not change as files are added to it, since a record
    tells results of one engine from those of the other.
    """
    saved_s = sum(h * w * SAVED_S_PER_MPX / 1e6 - count_tiles(h, w, tiling) * OVERHEAD_S_PER_TILE for h, w in sizes)
    return saved_s / num_threads() < LOADING_S if single else saved_s <= 0


GATHERED = 8
"""Small images at once on CUDA (`gathered`); one leaves most of a GPU idle."""


def num_side_by_side(sizes: Sequence[tuple[int, int]], *, device: str) -> int:
    """How many images of these sizes (h, w) are computed at the same time, in a batch, if they are small.

    On CPUs one for each thread: threads that share a small tile wait for each other. On CUDA several as one.
    """
    small = bool(sizes) and max(h * w for h, w in sizes) <= SMALL_PX
    return {"cpu": num_threads(), "cuda": GATHERED}.get(device, 1) if small else 1
