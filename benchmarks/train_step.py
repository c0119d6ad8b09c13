"""Seconds of a training step: the plain implementation against ours, same network, batch, threads and samples.

    python benchmarks/train_step.py derain-lite --images PHOTOS

Plain: channels-first throughout, eager, float32, samples made inline, the attention as the paper writes it; with
--mixed
LayerNorm's output stays channels-last as PyTorch returns it, which is faster. Ours: what `glmha train` does. Forward,
backward, clipping, optimiser and averaged weights count on both sides. Each runs in a process of its own, alternating;
the step of a process is its median, and the best of the rounds is printed, with the ratio.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.attention.base import ChannelAttention
from glmha_cli.attention.glmha import Calibration, GuidedLowRankAttention
from glmha_cli.networks.blocks import GatedFeedForward, LayerNorm
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.data.run_data import prepare_data
from glmha_cli.training.data.samples import StepBatches, training_loader
from glmha_cli.training.module import Restoration, to_network
from glmha_cli.training.recipe import load_recipe

WARM_UP, STEPS, ROUNDS = 3, 12, 3


def naive_attention(self: ChannelAttention, x: Tensor, gate: Tensor | None = None) -> Tensor:
    """Q and K normalised, softmax(Q K^T temperature) V, then Wo (eq. 1 and 7)."""
    q, k, v = (part.unflatten(1, (self.heads, -1)).flatten(3) for part in self.project(x))
    attn = torch.softmax(F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * self.temperature, dim=-1)
    return self.out((attn @ v).flatten(1, 2).unflatten(2, x.shape[2:]))


def naive_projections(self: GuidedLowRankAttention, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """K and V from the re-weighted input (eq. 5 and 6)."""
    q = self.q(x)
    return q, *self.kv(x + x * (self.alpha * self.calibrate(q))).chunk(2, dim=1)


def naive_calibration(self: Calibration, q: Tensor) -> Tensor:
    return self.depthwise(F.adaptive_max_pool2d(q, self.WINDOW)).flatten(1)


def naive_feed_forward(self: GatedFeedForward, x: Tensor) -> Tensor:
    a, b = self.depthwise(self.project_in(x)).chunk(2, dim=1)
    return self.project_out(F.gelu(a) * b)


def channels_first_norm(self: LayerNorm, x: Tensor) -> Tensor:
    pixels_first = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-5)
    return pixels_first.permute(0, 3, 1, 2).contiguous()


def write_as_the_paper_does(*, mixed: bool) -> None:
    ChannelAttention.forward = naive_attention
    GuidedLowRankAttention.project = naive_projections
    Calibration.pooled = naive_calibration
    GatedFeedForward.forward = naive_feed_forward
    if not mixed:
        LayerNorm.forward = channels_first_norm


def seconds_per_step(recipe_name: str, images: list[Path], *, plain: bool, mixed: bool) -> float:
    """Median over STEPS steps after WARM_UP, from one to the next, so that waiting for samples counts."""
    if plain:
        write_as_the_paper_does(mixed=mixed)
    else:
        keep_freed_memory()
    recipe = load_recipe(recipe_name)
    data = prepare_data(recipe, DataPaths(images=images), num_workers=0)
    batches = StepBatches(recipe.schedule, start=0, stop=WARM_UP + STEPS)
    loader = training_loader(data.dataset, batches, num_workers=0 if plain else 1)
    module, layout = Restoration(recipe, []), torch.contiguous_format if plain else torch.channels_last
    network = module.network.to(memory_format=layout)
    optimizer = module.configure_optimizers()["optimizer"]
    decay = recipe.schedule.ema_decay
    averages = {"avg_fn": get_ema_avg_fn(decay)} if plain else {"multi_avg_fn": get_ema_multi_avg_fn(decay)}
    averaged, ends = AveragedModel(network, **averages), []
    for inputs, target in loader:
        with torch.autocast("cpu", torch.bfloat16, enabled=not plain):
            result = network(to_network(inputs[0]).contiguous(memory_format=layout))
        module.loss(result.float(), to_network(target)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.schedule.clip_norm, foreach=not plain)
        optimizer.step()
        optimizer.zero_grad()
        averaged.update_parameters(network)
        ends.append(time.perf_counter())
    return statistics.median(b - a for a, b in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--mixed", action="store_true", help="let LayerNorm change the plain one's layout")
    parser.add_argument("--only", choices=("plain", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(seconds_per_step(options.recipe, options.images, plain=options.only == "plain", mixed=options.mixed))
        return
    command = [sys.executable, __file__, *sys.argv[1:]]
    best = {"plain": float("inf"), "ours": float("inf")}
    for _ in range(ROUNDS):
        for name, before in best.items():
            run = subprocess.run([*command, "--only", name], capture_output=True, text=True, check=True)
            best[name] = min(before, float(run.stdout.split()[-1]))
    print(
        f"plain {best['plain']:.3f} s, ours {best['ours']:.3f} s a step: {best['plain'] / best['ours']:.2f} "
        f"times as fast "
        f"({torch.get_num_threads()} threads)"
    )


if __name__ == "__main__":
    main()
