"""Seconds of a 256x256 tile on CPUs: the plain network with CSA against ours, and what each rewrite gains.

    python benchmarks/fusion.py                 # paper-size Restormer, MST++, MST-L, and the lite derain network
    python benchmarks/fusion.py --rewrites      # each rewrite against what it replaces, at its network's widest level
    python benchmarks/fusion.py --lite          # the lite derain network against the paper-size one, in turn

Plain: channels-first, eager, float32, attention as the papers write it (Q and K normalised, attention times V, then
Wo),
checked equal to ours. All in one process and run, in turn; the best of the rounds. "of the limit" is the time of all
multiply-adds of the CSA network at the rate of a large matrix product in that precision, measured in the same run.
With OMP_NUM_THREADS=1 the clock is that of the thread, so that other work on the machine disturbs little.
"""

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.attention.csa import ChannelSelfAttention, CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.fusion import bfloat16_pays, computes_float16_well, fuse_for_cpu, native
from glmha_cli.fusion.mst import BandedMST
from glmha_cli.fusion.restormer import Projection, up_and_fuse
from glmha_cli.fusion.rows import as_image, as_rows, bands, length
from glmha_cli.fusion.scores import Scores
from glmha_cli.fusion.steps import Norm, add_product, gated, product_into
from glmha_cli.fusion.u_shape import GramCSA
from glmha_cli.inference.torch_engine import TorchEngine, choose_precision
from glmha_cli.networks.blocks import GatedFeedForward, LayerNorm
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.networks.restormer import HOST as RESTORMER_HOST
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.networks.u_shape import HOST as U_HOST

SIDE = 256
TILES_PER_CORE = 4
NETWORKS = {  # config of the network with CSA, and its multiply-adds in G (None: not in the paper)
    "restormer": (RestormerConfig(attention=CSAConfig()), 154.882),
    "mst_plus_plus": (MSTPlusPlusConfig(attention=CSAConfig()), 22.2904),
    "mst": (MSTConfig(attention=CSAConfig()), 27.95),
    "derain-lite": (
        RestormerConfig(
            attention=CSAConfig(),
            channels=32,
            num_blocks=(1, 2, 2, 2),
            num_refinement_blocks=1,
            ffn_expansion=2.0,
            stem_downscale=2,
        ),
        None,
    ),
}


class PlainAttention(nn.Module):
    """CSA as the papers write it, with the weights of ours."""

    def __init__(self, ours: ChannelSelfAttention) -> None:
        super().__init__()
        self.heads, self.temperature, self.qkv, self.out = ours.heads, ours.temperature, ours.qkv, ours.out
        self.positional = ours.positional

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=1)
        gated = v if gate is None else v * gate
        heads = [part.reshape(b, self.heads, c // self.heads, h * w) for part in (q, k, gated)]
        attn = (F.normalize(heads[0], dim=-1) @ F.normalize(heads[1], dim=-1).mT * self.temperature).softmax(dim=-1)
        out = self.out((attn @ heads[2]).reshape(b, c, h, w))
        return out if self.positional is None else out + self.positional(v)


def glmha_of(config: RestormerConfig | MSTConfig | MSTPlusPlusConfig) -> nn.Module:
    """The network of `config` with GLMHA."""
    return randomised(replace(config, attention=GLMHAConfig()).build())


def plain(network: nn.Module) -> nn.Module:
    """`network` with its attentions changed for plain ones, in place."""
    for module in list(network.modules()):
        if isinstance(getattr(module, "attention", None), ChannelSelfAttention):
            module.attention = PlainAttention(module.attention)
    return network


def randomised(module: nn.Module) -> nn.Module:
    """Weights as after a training that changed little: only the zero ones and the temperatures are drawn."""
    torch.manual_seed(0)
    for name, parameter in module.named_parameters():
        if name.endswith(("output.weight", "temperature")):
            nn.init.normal_(parameter, mean=float("temperature" in name), std=0.05)
    return module.eval().requires_grad_(False)


def best_of(forms: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each form: the best of `rounds` after one to warm up, in turn."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds = dict.fromkeys(forms, float("inf"))
    for turn in range(rounds + 1):
        for name, form in forms.items():
            start = clock()
            form()
            if turn:
                seconds[name] = min(seconds[name], clock() - start)
    return seconds


def product_rate(dtype: torch.dtype) -> float:
    """FLOP/s of a 2048x2048 matrix product."""
    a = torch.rand(2048, 2048).to(dtype)
    return 2 * 2048**3 / best_of({"": lambda: a @ a}, 10)[""]


def precisions() -> dict[str, torch.dtype]:
    """Those that the engine chooses among on this CPU."""
    lower = {"fp16": (torch.float16, computes_float16_well()), "bf16": (torch.bfloat16, bfloat16_pays())}
    return {"fp32": torch.float32} | {name: dtype for name, (dtype, chosen) in lower.items() if chosen}


def inputs_of(config: RestormerConfig | MSTConfig | MSTPlusPlusConfig, side: int) -> list[Tensor]:
    return [torch.rand(shape) for shape in config.input_shapes(side, side)]


def steps(output: Tensor, expected: Tensor) -> str:
    return f"{(output - expected).abs().max() * 255:.4f}"


def tiles_per_core(network: nn.Module, precision: str, inputs: list[Tensor]) -> Callable[[], object]:
    """As the tool computes a photo of many tiles."""
    engine = TorchEngine(copy.deepcopy(network), device="cpu", precision=choose_precision(precision, "cpu"), about={})
    tiles = [tuple(x.permute(0, 2, 3, 1).numpy() for x in inputs)] * (TILES_PER_CORE * torch.get_num_threads())
    return lambda: list(engine.run_batches(tiles))


def measure_network(name: str, rounds: int) -> None:
    config, giga_macs = NETWORKS[name]
    csa = randomised(config.build())
    glmha = glmha_of(config)
    small = inputs_of(config, 64)
    expected, in_bands = csa(*small), fuse_for_cpu(csa, torch.float32)(*small)
    plain_csa = plain(csa)
    print(
        f"\n{name}: plain CSA is ours within {steps(plain_csa(*small), expected)} 8-bit steps, CSA in bands within "
        f"{steps(in_bands, expected)}"
    )
    reference = glmha(*small)
    fused = {precision: fuse_for_cpu(glmha, dtype) for precision, dtype in precisions().items()}
    ours, inputs = glmha.to(memory_format=torch.channels_last), inputs_of(config, SIDE)
    channels_last = [x.contiguous(memory_format=torch.channels_last) for x in inputs]
    forms = {"plain CSA": lambda: plain_csa(*inputs), "GLMHA, channels-last": lambda: ours(*channels_last)}
    forms |= {f"GLMHA, fused, {key}": lambda network=network: network(*inputs) for key, network in fused.items()}
    per_core = {
        f"{key}, a tile per core": tiles_per_core(glmha, key, inputs) for key in fused if torch.get_num_threads() > 1
    }
    seconds = best_of(forms | per_core, rounds)
    for form in per_core:
        seconds[form] /= TILES_PER_CORE * torch.get_num_threads()
    for form, value in seconds.items():
        line = f"  {form:24}{value:8.3f} s{seconds['plain CSA'] / value:8.2f} times as fast"
        precision = form.rsplit(" ", 1)[-1]
        if precision in fused:
            line += f", {steps(fused[precision](*small), reference)} steps from float32"
            if giga_macs:
                line += f", {value * product_rate(precisions()[precision]) / (2e9 * giga_macs):.2f} of the limit's time"
        print(line)


def measure_lite(rounds: int) -> None:
    """The lite network against the paper-size one, in turn, so that both see the machine alike."""
    forms = {}
    for name in ("restormer", "derain-lite"):
        config = NETWORKS[name][0]
        forms[name] = tiles_per_core(glmha_of(config), "auto", inputs_of(config, SIDE))
    seconds = best_of(forms, rounds)
    for name, value in seconds.items():
        print(f"{name:12} {value / (TILES_PER_CORE * torch.get_num_threads()):.3f} s a tile")
    print(f"derain-lite is {seconds['restormer'] / seconds['derain-lite']:.1f} times as fast")


def rewrites() -> dict[str, dict[str, Callable[[], object]]]:
    """Each rewrite beside what it replaces, in float32, at the widest level of a network that has it."""
    dtype, size = torch.float32, (SIDE, SIDE)
    wide, narrow = torch.rand(*size, 96), torch.rand(*size, 31)
    wide_image, narrow_image = as_image(wide), as_image(narrow)

    attention = randomised(CSAConfig().build(96, 1, RESTORMER_HOST)).to(memory_format=torch.channels_last)
    slow = PlainAttention(attention)

    u_attention = randomised(CSAConfig().build(31, 1, U_HOST)).to(memory_format=torch.channels_last)
    gram = GramCSA(u_attention, dtype)

    def by_scores() -> Tensor:
        scores = Scores(u_attention)
        q, k, _ = u_attention.qkv(narrow_image).chunk(3, dim=1)
        scores.add(as_rows(q), as_rows(k))
        return scores.mixing()

    guided = randomised(GLMHAConfig().build(96, 1, RESTORMER_HOST)).to(memory_format=torch.channels_last)
    point, scale = guided.kv[0], torch.rand(96)

    norm = LayerNorm(96).requires_grad_(False)
    into = torch.rand(96, 255)
    folded = norm.weight[:, None] * into

    ffn = GatedFeedForward(96, expansion=2.66).requires_grad_(False).to(memory_format=torch.channels_last)
    halves = [Projection((ffn.project_in, ffn.depthwise), dtype, part) for part in (slice(255), slice(255, None))]
    back = ffn.project_out.weight[:, :, 0, 0].T.contiguous()

    def by_operators(a: Tensor, b: Tensor) -> Tensor:
        convolved = (
            F.conv2d(as_image(x), half.taps[0].weight, padding=(0, 1), groups=255)
            for x, half in zip((a, b), halves, strict=True)
        )
        return as_rows(torch.ops.aten.gelu_(next(convolved)).mul_(next(convolved)))

    def in_one_pass(a: Tensor, b: Tensor) -> Tensor:
        return gated(a, b, *(taps for half in halves for taps in half.taps))

    def in_bands(join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        stages, out = [half.rows(wide, 255) for half in halves], wide.clone()
        for band in bands(*size, 255):
            for stage, half in zip(stages, halves, strict=True):
                product_into(stage.room(length(band)), wide[band], half.point)
            (where, a), (_, b) = (stage.ready() for stage in stages)
            add_product(out[where], join(a, b), back)
        return out

    hidden, change = torch.rand(2, 66, SIDE, 255), torch.rand(64, SIDE, 96)

    low, skip = torch.rand(1, 192, 64, 64), torch.rand(1, 96, 128, 128)
    up, join = torch.rand(384, 192, 3, 3), torch.rand(96, 192, 1, 1)
    of_up, of_skip = join.chunk(2, dim=1)
    folded_up = up_and_fuse(up, of_up)

    mst = randomised(MSTConfig(attention=GLMHAConfig()).build())
    kept = BandedMST(mst, dtype)
    mask = torch.rand(1, 28, SIDE, mst.config.w_ext(SIDE))

    return {
        "(a, e) Wo and norms in the small matrix: CSA, 96 channels": {
            "before": lambda: slow(wide_image),
            "after": lambda: attention(wide_image),
        },
        "(b) Gram matrix instead of Q, K, Q^T K and norms: 31 channels": {
            "before": by_scores,
            "after": lambda: gram(narrow),
        },
        "(c) 1 + alpha A in the columns of Wk', Wv': 96 channels": {
            "before": lambda: point(wide_image * scale[:, None, None]),
            "after": lambda: F.conv2d(wide_image, point.weight * scale[:, None, None]),
        },
        "(d) LayerNorm's weight in the next 1x1: 96 channels": {
            "before": lambda: Norm(norm, dtype)(wide).flatten(0, 1) @ into,
            "after": lambda: F.layer_norm(wide, (96,)).flatten(0, 1) @ folded,
        },
        "(f) up-sampling and fusion in one: level 2 of Restormer": {
            "before": lambda: F.conv2d(
                torch.cat([F.pixel_shuffle(F.conv2d(low, up, padding=1), 2), skip], dim=1), join
            ),
            "after": lambda: F.pixel_shuffle(F.conv2d(low, folded_up, padding=1), 2) + F.conv2d(skip, of_skip),
        },
        "(g) gates of a mask seen before: MST-L": {
            "before": lambda: mst.gates(mask),
            "after": lambda: kept.gates(mask),
        },
        "bands of rows: feed-forward, 96 channels": {
            "before": lambda: wide_image + ffn(wide_image),
            "after": lambda: in_bands(by_operators),
        },
        "(h) both depth-wise steps, GELU and gate in one: 255 channels, 64 rows": {
            "before": lambda: by_operators(*hidden),
            "after": lambda: in_one_pass(*hidden),
        },
        "(h) a sum and its LayerNorm in one: 96 channels, 64 rows": {
            "before": lambda: F.layer_norm(wide[:64].add_(change), (96,), norm.weight, norm.bias),
            "after": lambda: native.update(wide[:64], change, norm=(norm.weight, norm.bias), out=change),
        },
    }


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="*", choices=[*NETWORKS, []], help=f"of {', '.join(NETWORKS)}; all by default")
    parser.add_argument("--rewrites", action="store_true")
    parser.add_argument("--lite", action="store_true")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    keep_freed_memory()
    rates = ", ".join(f"{name} {product_rate(dtype) / 1e9:.0f}" for name, dtype in precisions().items())
    print(f"{torch.get_num_threads()} threads; 2048x2048 product, GFLOP/s: {rates}")
    if options.rewrites:
        for name, forms in rewrites().items():
            seconds = best_of(forms, options.rounds)
            print(
                f"{name:66}{seconds['before'] * 1e3:8.2f} ms -> {seconds['after'] * 1e3:8.2f} ms "
                f"({seconds['before'] / seconds['after']:.2f} times as fast)"
            )
        return
    if options.lite:
        measure_lite(options.rounds)
        return
    for name in options.network or NETWORKS:
        measure_network(name, options.rounds)


if __name__ == "__main__":
    main()
