"""What an enhancement costs and loses by reduction, strength of the guide, and level: Tables 7 to 9 of the paper.

    python benchmarks/enhanced.py benchmarks/derain-lite-csa.safetensors --images PHOTOS --pairs RAIN200H \\
        --variant 'reduction = 0.75' --variant 'alpha = 0' --variant 'levels = ["level1", "level2"]'

A variant is what differs from GLMHA with its defaults at all levels, fields separated by semicolons; '' is that itself.
All have the same source, crops, seed and numbers of steps. PSNR is of all pairs, by the tool's tiles: of the first
weights ("init") and of what has been taught. Run again with the same folder, it goes on where it was stopped.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from quality import measured, opened
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from suites import Data, suites_of
from variants import fields_of, folder_of

from glmha_cli.enhancement.kept import Kept
from glmha_cli.enhancement.plan import Plan
from glmha_cli.enhancement.run import enhance
from glmha_cli.networks import attention_from_plain
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.recipe import load_recipe


def plan_of(variant: str, options: argparse.Namespace) -> Plan:
    fields = fields_of(variant)
    levels = fields.pop("levels", None)
    return Plan(
        attention=attention_from_plain({"name": "glmha", **fields}),
        levels=tuple(levels) if levels else None,
        layer_steps=options.layer_steps,
        whole_steps=options.whole_steps,
        minutes=24 * 60,
    )


def psnrs_db(weights: Path, pairs: list[Path]) -> dict[str, float]:
    """By set."""
    restorers = opened(weights)
    (suite,) = suites_of(restorers["auto"].task, Data(pairs=pairs))
    suite = replace(suite, to_beat={})
    return {key.rpartition("/")[2]: scores["psnr_db"] for key, scores in measured(suite, restorers, None).items()}


def row_of(variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """What is shown of a variant; kept in its folder. UsageError where that is of another source or plan."""
    start, plan, folder = monotonic(), plan_of(variant, options), options.run_dir / folder_of(variant)
    row_file, identity = folder / "row.json", Kept.of(folder / "taught", options.source, plan).identity
    known = json.loads(row_file.read_text()) if row_file.is_file() else {}
    if known.get("of") == identity:
        return known["row"]
    data = DataPaths(images=options.images, validate_pairs=options.pairs)
    recipe = load_recipe(options.recipe)
    row: dict[str, Any] = {}
    for name, each in (("init", replace(plan, steps="init")), ("taught", plan)):
        weights, run = folder / f"{name}.safetensors", folder / name
        resume = (run / "layers.safetensors").is_file()
        made = enhance(options.source, weights, recipe, data, each, folder=run, resume=resume, overwrite=True)
        row |= {f"{key}, {name}": value for key, value in psnrs_db(weights, options.pairs).items()}
    parts = {part["part"]: part for part in made["enhanced"]["parts"]}
    row |= {key: parts["whole"][key] for key in ("gmacs", "parameters")}
    row |= {"missed": parts["layers"]["missed"], "minutes": round((monotonic() - start) / 60, 1)}
    row_file.write_text(json.dumps({"of": identity, "row": row}))
    return row


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="checkpoint with channel attention")
    parser.add_argument("--images", type=Path, action="append", required=True, help="folder of clean photos")
    parser.add_argument("--pairs", type=Path, action="append", required=True, help="folder with input/ and target/")
    parser.add_argument("--variant", action="append", help="fields of GLMHA, and levels")
    parser.add_argument("--recipe", default="derain-lite", help="whose damage and crops to learn from")
    parser.add_argument("--layer-steps", type=int, default=400)
    parser.add_argument("--whole-steps", type=int, default=600)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/enhanced"))
    return parser.parse_args()


def main() -> None:
    options = parsed()
    rows = {variant: row_of(variant, options) for variant in options.variant or [""]}
    table = Table("variant", *next(iter(rows.values())), box=None, pad_edge=False)
    for variant, row in rows.items():
        table.add_row(escape(variant or "defaults"), *map(str, row.values()))
    Console(width=200, highlight=False).print(table)


if __name__ == "__main__":
    main()
