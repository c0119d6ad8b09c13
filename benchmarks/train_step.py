"""Seconds of a training step: the plain implementation against ours, same network, batch, threads and samples.

    python benchmarks/train_step.py derain-lite --images PHOTOS

Plain: channels-first, eager, float32, samples made inline. Ours: channels-last, bfloat16, freed memory kept, samples
prepared ahead by a worker. Each in a process of its own, alternating; prints the best of the rounds and the ratio.
"""

import argparse
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import torch

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.training.data import StepBatches, training_loader
from glmha_cli.training.module import Restoration, to_network
from glmha_cli.training.recipe import load_recipe
from glmha_cli.training.run import prepare_data

WARM_UP, STEPS, ROUNDS = 3, 12, 3


def seconds_per_step(recipe_name: str, images: list[Path], *, plain: bool) -> float:
    """Mean over STEPS steps after WARM_UP, forward to optimiser, samples included."""
    if not plain:
        keep_freed_memory()
    recipe = load_recipe(recipe_name)
    data = prepare_data(recipe, images=images, cubes=(), spectra=None, validate_pairs=(), num_workers=0)
    batches = StepBatches(recipe.schedule, start=0, stop=WARM_UP + STEPS)
    loader = training_loader(data.dataset, batches, num_workers=0 if plain else 1)
    module = Restoration(recipe, [])
    layout = torch.contiguous_format if plain else torch.channels_last
    module.network.to(memory_format=layout)
    optimizer = module.configure_optimizers()["optimizer"]
    start = 0.0
    for step, (inputs, target) in enumerate(islice(loader, WARM_UP + STEPS)):
        if step == WARM_UP:
            start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=not plain):
            result = module.network(to_network(inputs[0]).contiguous(memory_format=layout))
        module.loss(result.float(), to_network(target)).backward()
        torch.nn.utils.clip_grad_norm_(module.network.parameters(), recipe.schedule.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - start) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--only", choices=("plain", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(seconds_per_step(options.recipe, options.images, plain=options.only == "plain"))
        return
    command = [sys.executable, __file__, *sys.argv[1:]]
    best = {"plain": float("inf"), "ours": float("inf")}
    for _ in range(ROUNDS):
        for name, before in best.items():
            run = subprocess.run([*command, "--only", name], capture_output=True, text=True, check=True)
            best[name] = min(before, float(run.stdout.split()[-1]))
    print(f"plain {best['plain']:.3f} s, ours {best['ours']:.3f} s a step: {best['plain'] / best['ours']:.2f} times as fast "
          f"({torch.get_num_threads()} threads)")


if __name__ == "__main__":
    main()
