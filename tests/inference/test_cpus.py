"""CPUs and memory that containers grant, and threads that do not get in each other's way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glmha_cli.inference import cpus
from glmha_cli.inference.cgroups import cpu_quotas, free_memory_bytes
from glmha_cli.inference.engine_choice import is_quick
from glmha_cli.inference.tiling import Tiling
from tests.conftest import ROOT

AUTO = Tiling.parse("auto")
V1 = "9:cpu,cpuacct:/docker/ab\n5:memory:/docker/ab\n1:name=systemd:/docker/ab\n"
V2 = "0::/user.slice/job\n"


def machine(root: Path, own: str, **files: str) -> Path:
    """A machine whose file system says so; `files` below sys/fs/cgroup, "/" as "__"."""
    texts = {"proc/self/cgroup": own}
    texts |= {f"sys/fs/cgroup/{name.replace('__', '/')}": text for name, text in files.items()}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (V2, {"user.slice__job__cpu.max": "150000 100000", "user.slice__cpu.max": "max 100000"}, [1.5]),
        (V2, {"user.slice__cpu.max": "50000 100000"}, [0.5]),
        (V1, {"cpu__docker__ab__cpu.cfs_quota_us": "300000", "cpu__docker__ab__cpu.cfs_period_us": "100000"}, [3]),
        (V1, {"cpu__cpu.cfs_quota_us": "200000", "cpu__cpu.cfs_period_us": "100000"}, [2]),
        (V1, {"cpu__docker__ab__cpu.cfs_quota_us": "-1", "cpu__docker__ab__cpu.cfs_period_us": "100000"}, []),
        ("", {}, []),
    ],
    ids=["v2", "v2 above", "v1", "v1 in a container", "v1 without a quota", "no groups"],
)
def test_quotas_of_time(tmp_path, own, files, expected):
    assert list(cpu_quotas(machine(tmp_path, own, **files))) == expected


@pytest.mark.parametrize(
    "own",
    [b"0::/user\xff.slice\n", b"no colons\n", b"7:cpu\n", b"::\n", b"\0\n", b"9:cpu,memory:/a:b\n", b"0::/../..\n"],
)
@pytest.mark.parametrize("said", [b"garbage", b"", b"-5 100000", b"1e9", b"\xff\xfe", b"9" * 400, b"100000 0"])
def test_what_groups_say_that_is_no_limit_is_none(tmp_path, own, said):
    files = {b"proc/self/cgroup": own}
    for group in (b"", b"user\xff.slice/", b"cpu/", b"memory/", b"cpu/a:b/", b"memory/a:b/"):
        names = (b"cpu.max", b"memory.max", b"memory.current", b"memory.limit_in_bytes", b"cpu.cfs_quota_us")
        files |= {b"sys/fs/cgroup/" + group + name: said for name in names}
    for name, text in files.items():
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text)
    assert not list(cpu_quotas(tmp_path)) and set(free_memory_bytes(tmp_path)) <= {0}


@pytest.mark.parametrize("group", ["memory__docker__ab__", "memory__"], ids=["own group", "mounted as the top"])
def test_memory_limits_of_version_1(tmp_path, group):
    unlimited = str(0x7FFFFFFFFFFFF000)
    files = {
        f"{group}memory.limit_in_bytes": "1000000",
        f"{group}memory.usage_in_bytes": "700000",
        f"{group}memory.stat": "inactive_file 1\ntotal_inactive_file 200000",
        "memory__docker__memory.limit_in_bytes": unlimited,
        "memory__docker__memory.usage_in_bytes": "700000",
    }
    assert min(free_memory_bytes(machine(tmp_path, V1, **files))) == 500_000


@pytest.mark.parametrize(
    ("asked", "quota", "expected"),
    [
        ("", "max", 4),
        ("2", "max", 2),
        ("2,1", "max", 2),
        ("100000", "max", 4),
        ("many", "max", 4),
        ("0", "max", 4),
        ("-3", "max", 4),
        ("²", "max", 4),
        ("4", "150000", 2),
        ("1", "150000", 1),
        ("", "1000", 1),
    ],
)
def test_threads(tmp_path, monkeypatch, asked, quota, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 3, 5, 7}, raising=False)
    root = machine(tmp_path, V2, **{"user.slice__job__cpu.max": f"{quota} 100000"})
    assert cpus.num_threads(root) == expected


@pytest.mark.parametrize("asked", ["100000", "nonsense", "-1"])
@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_any_number_of_threads_does_no_harm(asked, engine):
    code = (
        "import os, numpy\nfrom glmha_cli.inference.engine import EngineOptions, open_engine\n"
        "from glmha_cli.weights.store import find_weights\n"
        f"options = EngineOptions(engine={engine!r}, device='cpu')\n"
        "from glmha_cli.inference.engine import formats_for\n"
        "weights = find_weights('rgb2hsi', task=None, formats=formats_for(options, quick=True))\n"
        "engine = open_engine(weights.path, options)\n"
        "assert engine.run(numpy.zeros((16, 16, 3), numpy.float32)).shape == (16, 16, 31)\n"
        "assert len(os.listdir('/proc/self/task')) < 100 if os.path.isdir('/proc/self/task') else True\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": asked, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0 and not result.stderr, result.stderr


def test_a_small_tile_is_not_shared_by_threads(tiny_model):
    import torch

    from glmha_cli.inference.engine import EngineOptions, open_engine

    engine, before, seen = open_engine(tiny_model, EngineOptions(device="cpu")), torch.get_num_threads(), []
    forward = engine.forwards["fp32"]
    engine.forwards["fp32"] = lambda x: (seen.append(torch.get_num_threads()), forward(x))[1]
    torch.set_num_threads(4)
    try:
        for side in (64, 208, 512):
            list(engine.run_batches([(np.zeros((1, side, side, 3), np.float32),)]))
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2, 4]


@pytest.mark.parametrize(
    ("sizes", "single", "expected"),
    [
        ([(120, 160)], True, True),
        ([(512, 512)], True, True),
        ([(3000, 4000)], True, False),
        ([(120, 160)] * 100, False, True),
        ([(512, 512)] * 3, False, False),
        ([(3000, 4000), *[(120, 160)] * 20], False, False),
    ],
)
def test_auto_goes_by_pixels(monkeypatch, sizes, single, expected):
    monkeypatch.setattr("glmha_cli.inference.engine_choice.num_threads", lambda: 2)
    assert is_quick(sizes, AUTO, single=single) is expected


def test_more_files_of_a_kind_do_not_change_the_engine():
    for sizes in ([(300, 400)], [(100, 100)], [(2000, 3000)]):
        assert len({is_quick(sizes * n, AUTO, single=False) for n in (1, 2, 1000)}) == 1
