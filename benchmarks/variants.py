"""What the parts of a network are worth: variants of one recipe, same data, seed and steps; scores and cost of each.

    python benchmarks/variants.py --images PHOTOS --pairs RAIN200H --steps 6000
    python benchmarks/variants.py --recipe sci-unfolding --images PHOTOS --spectra S.npz --masks M.mat --steps 600 \\
        --variant 'num_stages = 1' --variant 'rank = 28; channels = 32' --variant 'attention = { name = "csa" }'

A variant is what differs from the recipe's [network], as in the recipe, fields separated by semicolons; without any,
each attention is one (Table 4 of the paper in small), and '' is the recipe itself. Run again with the same folder, it
goes on where it was stopped and skips what is done; more --steps lengthen it. Scores are of the averaged weights after
the last step, on the pairs and on validation sets drawn from the held-out tenth of the photos. One seed: differences
of a tenth of a dB are noise.
"""

import argparse
import csv
import platform
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glmha_cli.attention import ATTENTIONS
from glmha_cli.cli.train import with_masks
from glmha_cli.evaluation.complexity import count
from glmha_cli.networks import network_from_plain
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.recipe import Recipe, load_recipe
from glmha_cli.training.run import train
from glmha_cli.training.settings import Machine, RunSettings

COSTS = ("convolutions", "everything", "as run")


def fields_of(variant: str) -> dict[str, Any]:
    return tomllib.loads(variant.replace(";", "\n"))


def varied(recipe: Recipe, variant: str, steps: int) -> Recipe:
    """The recipe with the variant's network, and a validation after the last step."""
    recipe = recipe.adjusted(steps=steps)
    schedule = replace(recipe.schedule, validate_every=min(recipe.schedule.validate_every, steps))
    return replace(recipe, network={**recipe.network, **fields_of(variant)}, schedule=schedule)


def folder_of(variant: str) -> str:
    return re.sub(r"[^\w.]+", "-", variant).strip("-") or "recipe"


def last_row(run_dir: Path) -> dict[str, float] | None:
    """Of a run's curve: step, minutes and a score by set; None before the first validation."""
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
            DataPaths(images=options.images, spectra=options.spectra, validate_pairs=options.pairs),
            RunSettings(folder=run_dir, resume=(run_dir / "last.ckpt").is_file()),
            machine=Machine(device=options.device, precision=options.precision, num_workers=options.workers),
        )
        row = last_row(run_dir)
    assert row is not None, "a run ends with a validation"
    return row


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, action="append", required=True, help="folder of clean photos")
    parser.add_argument("--spectra", type=Path, action="append", default=[], help=".npz of measured reflectances")
    parser.add_argument("--masks", type=Path, action="append", default=[], help="masks of CASSI cameras")
    parser.add_argument("--pairs", type=Path, action="append", default=[], help="folder with input/ and target/")
    parser.add_argument("--variant", action="append", help="fields of [network]; default: each attention")
    parser.add_argument("--recipe", default="derain-lite", help="name, or path of a .toml file")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/variants"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = parsed()
    of_recipe, rows = with_masks(load_recipe(options.recipe), options.masks), {}
    for variant in options.variant or [f'attention = {{ name = "{name}" }}' for name in ATTENTIONS]:
        recipe = varied(of_recipe, variant, options.steps)
        row = trained(recipe, options.run_dir / folder_of(variant), options)
        rows[variant] = row, count(network_from_plain(recipe.network))
    sets = [key for key in next(iter(rows.values()))[0] if key not in ("step", "minutes", "score")]
    costs = [f"{kind}, G" for kind in COSTS]
    table = Table("variant", *sets, "parameters", *costs, "steps", "minutes", box=None, pad_edge=False)
    for variant, (row, cost) in rows.items():
        table.add_row(
            escape(variant or "recipe"),
            *(f"{row[each]:.2f}" for each in sets),
            f"{cost.parameters:,}",
            *(f"{cost.macs[kind] / 1e9:.3f}" for kind in COSTS),
            f"{row['step']:.0f}",
            f"{row['minutes']:.1f}",
        )
    on_gpu = torch.cuda.is_available() and options.device != "cpu"
    device = torch.cuda.get_device_name() if on_gpu else platform.processor() or "CPU"
    console = Console(width=200, highlight=False)
    console.print(table)
    console.print(
        f"{options.recipe}, seed {of_recipe.seed}, on {device}, {options.precision}; costs at 256x256 px", markup=False
    )


if __name__ == "__main__":
    main()
