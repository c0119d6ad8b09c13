"""Free memory, tiles that fit into it, and what happens where it runs out."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from glmha_cli.errors import NotEnoughMemoryError
from glmha_cli.inference.memory import fitted, free_bytes, is_out_of_memory, room_px
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.tasks.derain import DERAIN
from tests.conftest import ROOT
from tests.inference.engines import Identity

PHOTO = np.random.default_rng(0).integers(0, 256, (300, 420, 3), np.uint8)
WORDS = [
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 9 bytes.",
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "could not create a memory object",
    "could not create a primitive",
    "std::bad_alloc",
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 9",
]


def restored(engine, said, **options):
    restorer = Restorer(task=DERAIN, engine=engine, say=said.append, **options)
    return restorer, restorer.restore(PHOTO)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError(WORDS[1]), *map(RuntimeError, WORDS)], ids=str)
def test_out_of_memory_halves_the_tile_says_so_once_and_keeps_it(error):
    said, engine = [], Identity(most_px=128 * 128, error=error)
    restorer, result = restored(engine, said)
    np.testing.assert_array_equal(result, restored(Identity(), [], tiling=Tiling(tile_px=128))[1])
    assert str(restorer.tiling) == "128/32" and len(said) == 1 and "128/32" in said[0]
    attempts = len(engine.calls)
    restorer.restore(PHOTO)
    assert len(engine.calls) == 2 * attempts - 1, "the next photo starts with what fits"


def test_a_batch_is_halved_before_the_tile_is():
    restorer, result = restored(Identity(most_px=2 * 128 * 128), [], tiling=Tiling(tile_px=128), batch=8)
    assert (restorer.tiling.tile_px, restorer.batch) == (128, 2)
    np.testing.assert_array_equal(result, restored(Identity(), [], tiling=Tiling(tile_px=128))[1])


def test_a_whole_image_that_is_too_large_is_done_in_tiles_and_progress_starts_again():
    calls, restorer = [], Restorer(task=DERAIN, engine=Identity(most_px=30_000), tiling=Tiling(tile_px=None))
    result = restorer.restore(PHOTO, on_tile=lambda done, total: calls.append((done, total)))
    assert result.shape == PHOTO.shape and str(restorer.tiling) == "105/32"
    assert calls[0] == (0, 1) and (0, calls[-1][1]) in calls and calls[-1][0] == calls[-1][1]


def test_no_tile_small_enough_is_an_error_for_people_and_of_that_photo_alone():
    restorer = Restorer(task=DERAIN, engine=Identity(most_px=0))
    asked = restorer.tiling, restorer.batch
    with pytest.raises(NotEnoughMemoryError) as error:
        restorer.restore(PHOTO)
    assert error.value.hint and (restorer.tiling, restorer.batch) == asked


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("bad"), KeyError("memory")], ids=str)
def test_other_failures_are_not_taken_for_it(error):
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)):
        restored(Identity(most_px=0, error=error), [])


@pytest.mark.parametrize(
    ("room", "device", "may_shrink", "expected"),
    [
        (None, "cuda", True, (256, 1)),
        (1e9, "cpu", True, (256, 1)),
        (1e9, "cuda", True, (256, 16)),
        (300_000, "cuda", True, (256, 4)),
        (40_000, "cuda", True, (128, 2)),
        (1, "cpu", True, (64, 1)),
        (1, "cpu", False, (256, 1)),
    ],
)
def test_tiles_and_batches_that_fit(room, device, may_shrink, expected):
    said = []
    tiling, batch = fitted(Identity(room=room, device=device), Tiling(may_shrink=may_shrink), say=said.append)
    assert (tiling.tile_px, batch) == expected
    assert bool(said) == (expected[0] < 256)


def test_slack_counts_and_goes_with_the_first_halving():
    assert fitted(Identity(room=288**2, device="cuda"), Tiling.parse("auto"), say=pytest.fail) == (
        Tiling(slack_px=32),
        1,
    )
    said = []
    assert fitted(Identity(room=270**2), Tiling.parse("auto"), say=said.append)[0] == Tiling(tile_px=128)
    assert str(restored(Identity(most_px=128 * 128), said, tiling=Tiling(slack_px=32))[0].tiling) == "128/32"
    assert len(said) == 2


def test_a_whole_image_is_left_whole():
    assert fitted(Identity(room=1), Tiling.parse("whole"), say=pytest.fail) == (
        Tiling(tile_px=None),
        1,
    )


def test_room_grows_with_memory_and_shrinks_with_the_network():
    lite, paper = RestormerConfig(channels=32, stem_downscale=2).width, RestormerConfig().width
    assert room_px(None, lite) is None
    assert room_px(2**32, paper) < room_px(2**33, paper) < room_px(2**33, paper, 2) < room_px(2**33, lite, 2)


def linux(root, *, groups, own="/a/b", available_kb=8_000_000):
    """A machine's files; groups: path -> (limit, used, cached) in bytes."""
    files = {
        "proc/meminfo": f"MemTotal: 9 kB\nMemAvailable:   {available_kb} kB\n",
        "proc/self/cgroup": f"4:memory:/x\n0::{own}\n",
    }
    for path, (limit, used, cached) in groups.items():
        here = f"sys/fs/cgroup{path}/memory."
        files |= {
            here + "max": f"{limit}\n",
            here + "current": f"{used}\n",
            here + "stat": f"anon 5\ninactive_file {cached}\n",
        }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({}, 8_192_000_000),
        ({"/a/b": ("max", 5, 0)}, 8_192_000_000),
        ({"/a/b": (3_000_000_000, 1_000_000_000, 400_000_000)}, 2_400_000_000),
        ({"/a/b": ("max", 5, 0), "/a": (1_000_000_000, 900_000_000, 0)}, 100_000_000),
        ({"/a": (1000, 2000, 0)}, 0),
    ],
)
def test_free_memory_is_the_least_of_machine_and_control_groups(tmp_path, groups, expected):
    assert free_bytes(linux(tmp_path, groups=groups)) == expected


def test_what_slows_a_group_down_bounds_it_too(tmp_path):
    """MemoryHigh of systemd, memory.high of Kubernetes: beyond it all pages are taken back as fast as they come."""
    root = linux(tmp_path, groups={"/a/b": (3_000_000_000, 400_000_000, 0)})
    (root / "sys/fs/cgroup/a/b/memory.high").write_text("1000000000\n")
    assert free_bytes(root) == 600_000_000
    (root / "sys/fs/cgroup/a/b/memory.high").write_text("max\n")
    assert free_bytes(root) == 2_600_000_000


def test_where_linux_does_not_tell_nothing_is_known(tmp_path):
    assert free_bytes(tmp_path) is None


def test_a_process_of_little_memory_goes_on_in_smaller_tiles():
    """Real allocations of PyTorch fail: address space ends 600 MB above what loading took, a tile of 512 takes 630
    MB."""
    script = """
import resource
from pathlib import Path
import numpy as np
import torch
from glmha_cli.allocator import keep_freed_memory
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.derain import DERAIN
from tests.inference.engines import Identity
class Hungry(Identity):
    def _give_back(self, tiles):
        return (torch.from_numpy(tiles) * torch.ones(100, *tiles.shape))[0].numpy()
keep_freed_memory()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 600_000_000,) * 2)
photo = np.arange(1100 * 1000 * 3, dtype=np.uint32).astype(np.uint8).reshape(1100, 1000, 3)
restorer = Restorer(task=DERAIN, engine=Hungry(), tiling=Tiling(tile_px=1024), say=print)
result = restorer.restore(photo, store=lambda rows: np.rint(rows * 255).astype(np.uint8))
print(restorer.tiling, (result == photo).all())
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    *said, last = result.stdout.splitlines()
    assert last.endswith("/32 True") and said and all("out of memory" in line for line in said)
