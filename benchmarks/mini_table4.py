"""Table 4 in small: the five attentions in the lite derain network, same data, seed and steps; PSNR and cost of each.

    python benchmarks/mini_table4.py --images PHOTOS --pairs RAIN200H --steps 6000 --run-dir runs/mini_table4

Nothing but `attention` differs between the runs. Run again with the same folder, it goes on where it was stopped and
skips what is done; more --steps lengthen it. PSNR is of the averaged weights after the last step, by the task's
protocol, on the pairs and on validation sets drawn from the held-out tenth of the photos. One seed: differences of a
tenth of a dB are noise.
"""

import argparse
import csv
import platform
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from glmha_cli.attention import ATTENTIONS
from glmha_cli.evaluation.complexity import count
from glmha_cli.networks import network_from_plain
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.recipe import Recipe, load_recipe
from glmha_cli.training.run import train
from glmha_cli.training.settings import Machine, RunSettings


def with_attention(recipe: Recipe, name: str, steps: int) -> Recipe:
    """The one config line, and a validation after the last step."""
    recipe = recipe.adjusted(steps=steps, attention=name)
    validate_every = min(recipe.schedule.validate_every, steps)
    return replace(recipe, schedule=replace(recipe.schedule, validate_every=validate_every))


def last_row(run_dir: Path) -> dict[str, float] | None:
    """Of a run's curve: step, minutes and PSNR by set; None before the first validation."""
    path = run_dir / "curve.csv"
    if not path.is_file():
        return None
    with path.open(newline="") as file:
        return {name: float(value) for name, value in list(csv.DictReader(file))[-1].items()}


def trained(recipe: Recipe, run_dir: Path, options: argparse.Namespace) -> dict[str, float]:
    """Train as far as is missing; the last row of the curve."""
    row = last_row(run_dir)
    if row is None or row["step"] < options.steps:
        train(
            recipe,
            DataPaths(images=options.images, validate_pairs=options.pairs),
            RunSettings(folder=run_dir, resume=(run_dir / "last.ckpt").is_file()),
            machine=Machine(device=options.device, precision=options.precision, num_workers=options.workers),
        )
        row = last_row(run_dir)
    assert row is not None, "a run ends with a validation"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, action="append", required=True, help="folder of clean photos")
    parser.add_argument("--pairs", type=Path, action="append", default=[], help="folder with input/ and target/")
    parser.add_argument("--attention", action="append", choices=tuple(ATTENTIONS), help="default: all five")
    parser.add_argument("--recipe", default="derain-lite", help="name, or path of a .toml file")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/mini_table4"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    rows = {}
    for name in options.attention or ATTENTIONS:
        recipe = with_attention(load_recipe(options.recipe), name, options.steps)
        rows[name] = trained(recipe, options.run_dir / name, options), count(network_from_plain(recipe.network))
    sets = [key for key in next(iter(rows.values()))[0] if key not in ("step", "minutes", "score")]
    table = Table(
        "attention",
        *(f"{name}, dB" for name in sets),
        "parameters",
        "convolutions, G",
        "everything, G",
        "as run, G",
        "steps",
        "minutes",
        box=None,
        pad_edge=False,
    )
    for name, (row, cost) in rows.items():
        table.add_row(
            name,
            *(f"{row[each]:.2f}" for each in sets),
            f"{cost.parameters:,}",
            *(f"{cost.macs[kind] / 1e9:.3f}" for kind in ("convolutions", "everything", "as run")),
            f"{row['step']:.0f}",
            f"{row['minutes']:.1f}",
        )
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available() and options.device != "cpu"
        else platform.processor() or "CPU"
    )
    console = Console(width=170, highlight=False)
    console.print(table)
    console.print(
        f"{options.recipe}, seed {load_recipe(options.recipe).seed}, on {device}, {options.precision}; costs "
        f"at 256x256 px"
    )


if __name__ == "__main__":
    main()
