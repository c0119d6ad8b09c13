"""Compiled steps of a block against PyTorch's operators, and machines on which they cannot be compiled."""

import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from glmha_cli.errors import UsageError
from glmha_cli.fusion import fuse_for_cpu, library, native, rows, steps, variants
from glmha_cli.networks.restormer import RestormerConfig

ROOT = Path(__file__).parents[2]
natively = pytest.mark.skipif(
    native.kernels() is None, reason="this machine has no C compiler, or its CPU no variant of the steps"
)
precisions = pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float16, 2e-3), (torch.bfloat16, 1.6e-2), (torch.float32, 2e-6)]
)
sizes = {"h": st.integers(1, 5), "w": st.integers(1, 11), "c": st.sampled_from((1, 15, 16, 31, 32, 40))}


def close(given, expected, bound, size=10):
    """size: of the terms that make up what is compared."""
    torch.testing.assert_close(given.float(), expected.float(), rtol=bound, atol=bound * size)


def convolved(image, weight):
    """Of all rows that have neighbours, in float32."""
    out = F.conv2d(rows.as_image(image.float()), weight, padding=(0, 1), groups=len(weight))
    return out[0].permute(1, 2, 0)


@natively
@precisions
@settings(max_examples=30)
@given(**sizes, gelu=st.booleans(), wider=st.integers(0, 9))
def test_depthwise(dtype, bound, h, w, c, gelu, wider):
    """Of some channels of a map into some of another."""
    image, weight = 3 * torch.randn(h + 2, w, c + wider, dtype=dtype), torch.randn(c, 1, 3, 3)
    out = torch.zeros(h, w, c + wider, dtype=dtype)
    native.depthwise(image[..., wider:], steps.Taps(weight, dtype).native, out[..., :c], gelu=gelu)
    expected = convolved(image[..., wider:], weight)
    close(out[..., :c], F.gelu(expected) if gelu else expected, bound)
    assert not out[..., c:].any()


@natively
@precisions
@settings(max_examples=30)
@given(**sizes)
def test_gated(dtype, bound, h, w, c):
    a, b = (3 * torch.randn(h + 2, w, c, dtype=dtype) for _ in range(2))
    weights = torch.randn(2, c, 1, 3, 3)
    out = torch.empty(h, w, c, dtype=dtype)
    native.gated(a, b, *(steps.Taps(weight, dtype).native for weight in weights), out)
    close(out, F.gelu(convolved(a, weights[0])) * convolved(b, weights[1]), bound, size=100)


@natively
def test_gelu_everywhere():
    x = torch.linspace(-60, 60, 120_001)
    out, half, brain = x.clone(), x.half(), x.bfloat16()
    for each in (out, half, brain):
        native.activate(each)
    assert ((out - F.gelu(x)).abs() <= 1.5e-6 + 1e-7 * x.abs()).all()
    torch.testing.assert_close(half, F.gelu(x.half().float()).half(), rtol=2e-3, atol=1e-5)
    torch.testing.assert_close(brain, F.gelu(x.bfloat16().float()).bfloat16(), rtol=1.6e-2, atol=1e-5)


@natively
def test_bfloat16_is_rounded_as_pytorch_rounds_it():
    """To the nearest, halves to even; what is too large to infinity, and what is no number stays none."""
    special = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 3.39e38, 1.00390625, 1.01171875])
    x = torch.cat([special, torch.randn(10_000) * 10 ** (20 * torch.randn(10_000)).clamp(-30, 30)])[None, :, None]
    out, one = torch.empty_like(x, dtype=torch.bfloat16), torch.ones(1)
    native.update(x.clone(), norm=(torch.zeros(1), one), out=out)
    assert (out == 1).sum() == x.isfinite().sum()
    rows_of = x.bfloat16().expand(3, -1, -1).contiguous()
    taps = torch.zeros(9, 1)
    taps[4] = 1.001
    moved = torch.empty_like(out)
    native.depthwise(rows_of, taps, moved, gelu=False)
    expected = (rows_of[:1].float() * taps[4]).bfloat16()
    inner = (
        expected.isfinite() & F.pad(expected.isfinite()[:, :, 0], (1, 1), value=True).unfold(1, 3, 1).all(-1)[..., None]
    )
    assert inner.sum() > 9_000 and torch.equal(moved[inner], expected[inner])
    assert not moved[~expected.isfinite()].isfinite().any()


@natively
@precisions
@settings(max_examples=30)
@given(**sizes, what=st.sampled_from([(True, False), (False, True), (True, True)]))
def test_update(dtype, bound, h, w, c, what):
    """A sum and its LayerNorm, or one of them; with a mean far from 0, too."""
    added, normed = what
    x, change = 5 + torch.randn(h, w, c), torch.randn(h, w, c, dtype=dtype)
    weight, bias, out = torch.randn(c), torch.randn(c), torch.zeros(h, w, c, dtype=dtype)
    expected = x + change.float() if added else x.clone()
    native.update(x, change if added else None, norm=(weight, bias) if normed else None, out=out if normed else None)
    assert torch.equal(x, expected)
    close(out, F.layer_norm(expected, (c,), weight, bias) if normed else torch.zeros(h, w, c), bound)


@natively
@precisions
@pytest.mark.parametrize("channels", [3, 16, 28, 31, 32, 62])
def test_channels_of_zeros_count_in_no_norm(dtype, bound, channels):
    """Nor are they touched: maps have them for whole vectors."""
    x, change = 5 + torch.randn(2, 3, channels), torch.randn(2, 3, channels, dtype=dtype)
    weight, bias = torch.randn(channels), torch.randn(channels)
    stream, added, norm = rows.padded(x, 2), rows.padded(change, 2), (rows.padded(weight, 0), rows.padded(bias, 0))
    out = torch.full_like(added, 7)
    native.update(stream, added, norm=norm, channels=channels, out=out)
    assert not stream[..., channels:].any() and not out[..., channels:].any()
    close(out[..., :channels], F.layer_norm(x + change.float(), (channels,), weight, bias), bound)


@natively
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_is_not_finite_stays_so(dtype):
    """By it the engine sees that a tile must be computed again in float32."""
    a, taps = torch.ones(3, 4, 16, dtype=dtype), torch.ones(9, 16)
    a[1, 2, 3] = torch.inf
    out = torch.empty(1, 4, 16, dtype=dtype)
    native.gated(a, torch.ones_like(a), taps, taps, out)
    assert not out[0, 1:4, 3].isfinite().any()
    x, normed = torch.ones(1, 1, 16), torch.empty(1, 1, 16)
    x[0, 0, 5] = torch.nan
    native.update(x, norm=(torch.ones(16), torch.zeros(16)), out=normed)
    assert not normed.isfinite().any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_network_without_it(monkeypatch, dtype):
    network = (
        RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1)
        .build()
        .eval()
        .requires_grad_(False)
    )
    image = torch.rand(1, 3, 32, 16)
    monkeypatch.setattr(native, "kernels", lambda: None)
    assert (fuse_for_cpu(network, dtype)(image) - network(image)).abs().max() < 1e-2


@pytest.mark.skipif(shutil.which("cc") is None, reason="this machine has no C compiler")
class TestCompiling:
    """On the way to the library; whether this CPU can run it does not matter here."""

    @pytest.fixture(autouse=True)
    def _default_compiler(self, monkeypatch):
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setattr(variants, "SECONDS", 600)  # beside other tests

    @pytest.fixture(params=library.VARIANTS)
    def variant(self, request):
        """Of another kind of CPU without what only its compiler knows: plain C."""
        variant = library.VARIANTS[request.param]
        return (
            variant
            if platform.machine() in ("x86_64", "AMD64") and "x86" in variant.flags[0]
            else replace(variant, flags=())
        )

    def test_many_at_once_leave_one_file(self, tmp_path):
        with ThreadPoolExecutor(4) as pool:
            paths = set(pool.map(lambda _: library.compiled("avx2", tmp_path), range(4)))
        assert set(tmp_path.iterdir()) == paths and len(paths) == 1

    def test_it_is_compiled_once_for_each_variant(self, tmp_path, monkeypatch):
        paths = {library.compiled(name, tmp_path) for name in ("avx2", "avx512")}
        monkeypatch.setattr(subprocess, "run", None)
        assert {library.compiled(name, tmp_path) for name in ("avx2", "avx512")} == paths
        assert len(paths) == 2, "a home that moves to another CPU has no wrong file"

    def test_the_source_has_no_warnings(self, tmp_path, variant):
        flags = [*library.FLAGS, *variant.flags, "-Wall", "-Wextra", "-Werror", "-Wno-maybe-uninitialized"]
        subprocess.run(["cc", *flags, str(library.SOURCE), "-o", str(tmp_path / "x.so")], check=True)

    @pytest.mark.long
    @pytest.mark.parametrize("name", ["avx512bf16", "avx512", "avx2", "plain C"])
    def test_no_step_leaves_its_memory(self, tmp_path, name):
        """Odd shapes, infinities and NaN under the compiler's sanitizers; what this CPU cannot run is only built."""
        flags = library.VARIANTS[name].flags if name in library.VARIANTS else ()
        program = tmp_path / "sanitized"
        sanitize = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-ffp-contract=fast"]
        source = Path(__file__).with_name("sanitized.c")
        include = f"-I{library.SOURCE.parent}"
        subprocess.run(["cc", *sanitize, *flags, include, str(source), "-o", str(program), "-lm"], check=True)
        if name in library.VARIANTS and not library.VARIANTS[name].needs <= library.cpu_features():
            return
        done = subprocess.run([program], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout == "done\n", done.stderr[-2000:]

    @pytest.mark.parametrize("damage", [lambda data: data[:24000], lambda data: b"no library", lambda data: b""])
    def test_a_damaged_file_is_made_anew(self, tmp_path, damage):
        """One cut behind its headers would end the process in the loader."""
        path = library.compiled("avx2", tmp_path)
        path.write_bytes(damage(path.read_bytes()))
        again = library.compiled("avx2", tmp_path)
        assert again.stem.endswith(variants.content_hash(again)) and list(tmp_path.iterdir()) == [again]


@pytest.mark.skipif(shutil.which("cc") is None, reason="this machine has no C compiler")
def test_what_a_platforms_wheel_holds_needs_no_compiler(tmp_path, monkeypatch):
    """The best variant that loads; without it, or where it is damaged, none, as there is no compiler."""
    if not (usable := list(library.usable())):
        pytest.skip("this CPU has no variant of the steps")
    monkeypatch.delenv("CC", raising=False)
    path = variants.build(library.VARIANTS[usable[-1]], tmp_path, f"{usable[-1]}-")
    monkeypatch.setattr(library, "PREBUILT", tmp_path)
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = library.kernels.__wrapped__
    assert asked()._name == str(path)
    cut = path.read_bytes()[:24000]
    path.unlink()  # it is loaded: cut in its place it would end this process, at the latest when it is unloaded
    path.write_bytes(cut)
    assert asked() is None


def library_of(**env):
    """What another process finds, in this environment."""
    code = "from glmha_cli.fusion import library; print(library.kernels())"
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("value", ["off", "OFF "])
def test_compiled_steps_can_be_turned_off(tmp_path, value):
    assert library_of(XDG_CACHE_HOME=str(tmp_path), GLMHA_COMPILED_STEPS=value) == "None"
    assert not list(tmp_path.iterdir())


def test_a_setting_that_is_unknown_is_said(monkeypatch):
    monkeypatch.setenv(library.SETTING, "avx3")
    with pytest.raises(UsageError, match="GLMHA_COMPILED_STEPS is 'avx3'") as error:
        list(library.usable())
    assert "avx512" in error.value.hint


@pytest.mark.parametrize(
    ("flags", "capability", "names"),
    [
        (
            "flags\t\t: avx2 fma f16c bmi1 bmi2 abm movbe avx512f avx512bw avx512cd avx512dq avx512vl avx512_bf16",
            "AVX512",
            ["avx512bf16", "avx512", "avx2"],
        ),
        (
            "flags\t\t: fpu avx2 fma f16c bmi1 bmi2 abm movbe avx512f avx512bw avx512cd avx512dq avx512vl",
            "AVX512",
            ["avx512", "avx2"],
        ),
        (
            "flags\t\t: fpu avx2 fma f16c bmi1 bmi2 abm movbe avx512f avx512bw avx512cd avx512dq avx512vl",
            "AVX2",
            ["avx2"],
        ),
        ("flags\t\t: fpu avx2 fma bmi1 bmi2 abm movbe", "AVX2", []),
        ("flags\t\t: fpu avx2 fma f16c bmi1 bmi2 abm movbe", "DEFAULT", []),
        ("Features\t: fp asimd evtstrm", "DEFAULT", ["neon"]),
        ("nothing", "AVX512", []),
    ],
)
def test_what_the_cpu_can_do_decides(monkeypatch, tmp_path, flags, capability, names):
    """Not its name; and what PyTorch may not use is not used."""
    monkeypatch.delenv(library.SETTING, raising=False)
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: AMD avx512f\n{flags}\n\nprocessor\t: 1\n")
    features = library.cpu_features(tmp_path / "cpuinfo")
    assert library.cpu_features(tmp_path / "absent") == frozenset()
    monkeypatch.setattr(library, "cpu_features", lambda: features)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert list(library.usable()) == names


@pytest.mark.parametrize("broken", ["false", "no-such-compiler --fast", "cc '", "\\"])
def test_a_compiler_that_fails_is_no_error(tmp_path, broken):
    """The tool goes on without, and leaves no broken file behind."""
    assert library_of(XDG_CACHE_HOME=str(tmp_path), CC=broken) == "None"
    assert not list(tmp_path.glob("glmha/*"))


@pytest.mark.parametrize("value", ["", "here", "../here"])
def test_a_cache_that_is_named_by_no_whole_path_is_ignored(tmp_path, monkeypatch, value):
    """As the XDG base directories say: a library out of the current folder would be anyone's."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert library.cache_folder() == tmp_path / "home" / ".cache" / "glmha"


def test_no_library_is_loaded_from_where_others_can_write(tmp_path):
    (tmp_path / "glmha").mkdir()
    (tmp_path / "glmha").chmod(0o777)
    assert library_of(XDG_CACHE_HOME=str(tmp_path)) == "None"
    assert not list(tmp_path.glob("glmha/*"))
