"""Measured quality of a photo model, through the tool's own tiles: pairs of a folder, and the validation sets.

    python benchmarks/quality.py derain-lite --pairs RAIN200H --images PHOTOS > quality.json

Prints JSON: {"protocol/set": {"psnr_db", "input_psnr_db", "images", "tile"}}, means over the images of a set.
The sets drawn from PHOTOS are those of training (held-out tenth, committed seeds). `--tile` may be repeated.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from glmha_cli.cli.restore import parse_tiling
from glmha_cli.evaluation.protocols import eight_bit
from glmha_cli.lookup import resolve
from glmha_cli.runtime.engine import EngineOptions, open_engine
from glmha_cli.runtime.restore import Restorer
from glmha_cli.tasks import TASKS
from glmha_cli.training.recipe import load_recipe
from glmha_cli.training.run import prepare_data
from glmha_cli.training.validation import SCORES
from glmha_cli.weights.store import find_weights

SHOWN_AT_MOST_DB = 99.0  # an untouched photo has no finite PSNR


def measured(restorer: Restorer, pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, object]:
    score = SCORES[restorer.task.protocol]
    before, after = [], []
    for degraded, clean in pairs:
        result = restorer.restore(degraded.astype(np.float32) / 255)
        before.append(min(score(degraded, clean), SHOWN_AT_MOST_DB))
        after.append(score(eight_bit(result), clean))
    return {"psnr_db": round(float(np.mean(after)), 2), "input_psnr_db": round(float(np.mean(before)), 2),
            "images": len(pairs), "tile": str(restorer.tiling)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model id, or path of a checkpoint")
    parser.add_argument("--task", default="derain", choices=("derain", "deblur"))
    parser.add_argument("--pairs", type=Path, action="append", default=[], help="folder with input/ and target/")
    parser.add_argument("--images", type=Path, action="append", required=True, help="the photos of training")
    parser.add_argument("--tile", action="append", help="as of the verbs; default auto")
    options = parser.parse_args()
    task = resolve(TASKS, options.task, "task")
    engine = open_engine(find_weights(options.model, task=task.name).path, EngineOptions())
    sets = prepare_data(load_recipe(f"{task.name}-lite"), images=options.images, cubes=(), spectra=None,
                        validate_pairs=options.pairs, num_workers=0).sets
    quality = {}
    for tile in options.tile or ["auto"]:
        restorer = Restorer(task=task, engine=engine, tiling=parse_tiling(tile, None))
        for name, pairs in sets.items():
            key = f"{task.protocol}/{name}" + (f", tile {tile}" if options.tile else "")
            quality[key] = measured(restorer, [(inputs[0], clean) for inputs, clean in pairs])
            print(key, quality[key], file=sys.stderr)
    print(json.dumps(quality, indent=2))


if __name__ == "__main__":
    main()
