"""Measured quality of a model through the tool's own tiles, beside what it has to beat; JSON for tools/ship.py.

    python benchmarks/quality.py derain-lite --pairs RAIN200H --pairs SETS/dry --images PHOTOS > quality.json
    python benchmarks/quality.py rgb2hsi-lite --images PHOTOS --spectra SPECTRA.npz > quality.json
    python benchmarks/quality.py sci-unfolding --images PHOTOS --spectra SPECTRA.npz --masks MASK.mat > quality.json

Prints {"protocol/set": {metric: mean over the images, "images", "tile"}}, for photos also the lowest PSNR of an image,
the PSNR of the input, and whether it is of Y or RGB. The sets drawn from PHOTOS are those of training (held-out tenth
of photos and spectra, committed seeds); validation_sets.py writes others. "protocol/set, METHOD" is what is to be
beaten: Polyblur for blur, the methods of baselines.py for cubes, and for these the network's result before the
closed-form step ("not projected"). `--tile` may be repeated.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from suites import Case, Data, Method, Suite, suites_of

from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import tiling_for
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS
from glmha_cli.weights.about import read_about
from glmha_cli.weights.store import find_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model id, or path of a checkpoint")
    parser.add_argument("--images", type=Path, action="append", default=[], help="the photos of training")
    parser.add_argument("--pairs", type=Path, action="append", default=[], help="folder with input/ and target/")
    parser.add_argument(
        "--spectra", type=Path, action="append", default=[], help="the reflectances of training, for rgb2hsi and sci"
    )
    parser.add_argument(
        "--cubes", type=Path, action="append", default=[], help="folder of real cubes, for rgb2hsi and sci"
    )
    parser.add_argument("--masks", type=Path, action="append", default=[], help="mask of a camera, for sci")
    parser.add_argument("--tile", action="append", help="as of the verbs; default auto")
    parser.add_argument("--images-at-most", type=int, help="of each set, the first; for a quick look")
    options = parser.parse_args()
    restorers = opened(find_weights(options.model, task=None).path, options.tile or ["auto"])
    task = next(iter(restorers.values())).task
    if task.output_kind == "cube" and not (options.spectra and options.images):
        parser.error(f"{task.name} needs --images and --spectra")
    data = Data(
        images=options.images, pairs=options.pairs, spectra=options.spectra, cubes=options.cubes, masks=options.masks
    )
    quality = {}
    for suite in suites_of(task, data):
        quality |= measured(suite, restorers, options.images_at_most)
    print(json.dumps(quality, indent=2))


def opened(weights: Path, tiles: Sequence[str] = ("auto",)) -> dict[str, Restorer]:
    """By tile, as the verbs take it."""
    task = resolve(TASKS, read_about(weights)["task"], "task")
    engine = open_engine(weights, EngineOptions())
    return {tile: Restorer(task=task, engine=engine, tiling=tiling_for(task, tile)) for tile in tiles}


def measured(suite: Suite, restorers: dict[str, Restorer], images_at_most: int | None) -> dict[str, dict[str, object]]:
    quality = {}
    for name, cases in suite.sets.items():
        for key, method, facts in methods(suite, restorers):
            key = f"{suite.name}/{name}{key}"
            quality[key] = mean_scores(suite, cases[:images_at_most], method) | facts | suite.facts
            print(key, quality[key], file=sys.stderr, flush=True)
    return quality


def methods(suite: Suite, restorers: dict[str, Restorer]) -> list[tuple[str, Method, dict[str, str]]]:
    """What a method's key ends in, the method, and what more is said of it."""
    found = []
    for tile, restorer in restorers.items():
        at = f", tile {tile}" if len(restorers) > 1 else ""
        facts = {"tile": str(restorer.tiling)}
        found.append((at, restorer.restore, facts))
        if restorer.task.project is not None:
            found.append((f", not projected{at}", replace(restorer, project=False).restore, facts))
    return found + [(f", {name}", method, {}) for name, method in suite.to_beat.items()]


def mean_scores(suite: Suite, cases: Sequence[Case], method: Method) -> dict[str, float | int]:
    scores = [suite.measure(source, method(source), target) for source, target in cases]
    means = {metric: float(np.mean([score[metric] for score in scores])) for metric in scores[0]}
    # Two decimals of dB and degrees, three digits of small ratios.
    rounded = {metric: round(value, 2 if value >= 1 else 4) for metric, value in means.items()}
    if suite.lowest:
        rounded[f"lowest_{suite.lowest}"] = round(min(score[suite.lowest] for score in scores), 2)
    return rounded | {"images": len(scores)}


if __name__ == "__main__":
    main()
