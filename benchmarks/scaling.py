"""How time and memory grow with the photo; CSA against GLMHA; one tile at a time against several.

    python benchmarks/scaling.py pixels --max-mpx 12         # a real network
    python benchmarks/scaling.py pixels --identity           # the tiles alone, to 50 Mpx
    python benchmarks/scaling.py attention --rounds 3
    python benchmarks/scaling.py batch --rounds 3

`pixels`: each size in a process of its own, without decoding and encoding (Linux tells the peak). `attention`: whole
networks with fresh weights through the engine, in turn, best of the rounds. `batch`: the same tiles, in turn, best of
the rounds. Prints tables in Markdown. Ratios hold within one run.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

MEGAPIXELS = (0.25, 1, 4, 12, 25, 50)
BATCHES = (1, 2, 4, 8)
LITE = {
    "channels": 32,
    "num_blocks": (1, 2, 2, 2),
    "num_refinement_blocks": 1,
    "ffn_expansion": 2.0,
    "stem_downscale": 2,
}
NETWORKS = {
    "lite Restormer": ("restormer", LITE, 256),
    "MST++": ("mst_plus_plus", {}, 256),
    "MST": ("mst", {}, 256),
    "Restormer of the paper's size": ("restormer", {}, 128),
}
"""What to call it: network, changes of its config, side of the tile in px."""


class Identity:
    """An engine that costs nothing."""

    size_multiple, stretch_input, device, precision = 8, False, "cpu", "fp32"

    def run_batches(self, batches: Iterable[tuple[np.ndarray, ...]]) -> Iterator[np.ndarray]:
        return (tiles.copy() for (tiles,) in batches)


def engine_for(model: str | None) -> object:
    from glmha_cli.inference.engine import EngineOptions, open_engine
    from glmha_cli.weights.store import find_weights

    return Identity() if model is None else open_engine(find_weights(model, task="derain").path, EngineOptions())


def pixels(options: argparse.Namespace) -> None:
    print("| Mpx | s | s/Mpx | peak MB | beyond start, photo and result, MB |\n|---|---|---|---|---|")
    for mpx in (each for each in MEGAPIXELS if each <= options.max_mpx):
        command = [
            sys.executable,
            __file__,
            "photo",
            "--model",
            options.model,
            "--mpx",
            str(mpx),
            *["--identity"] * options.identity,
        ]
        seen = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        beyond = seen["peak"] - seen["start"] - seen["images"]
        print(
            f"| {mpx} | {seen['s']:.2f} | {seen['s'] / mpx:.2f} | {seen['peak'] / 1e6:.0f} | {beyond / 1e6:.0f} |",
            flush=True,
        )


def photo(options: argparse.Namespace) -> None:
    """What `pixels` starts: one photo of noise, 4:3, restored into 8 bit."""
    from glmha_cli.evaluation.speed import timed
    from glmha_cli.inference.restorer import Restorer
    from glmha_cli.io.photos.read import Photo
    from glmha_cli.io.photos.write import storing
    from glmha_cli.tasks.derain import DERAIN

    engine = engine_for(None if options.identity else options.model)
    height = round((options.mpx * 1e6 * 3 / 4) ** 0.5)
    start = high_water_bytes()
    colours = np.random.default_rng(0).integers(0, 256, (height, round(height * 4 / 3), 3), np.uint8)
    store = storing(Path("out.png"), Photo(colours=colours, bit_depth=8))
    seconds = timed(lambda: Restorer(task=DERAIN, engine=engine).restore(colours, store=store))
    print(json.dumps({"s": seconds, "start": start, "peak": high_water_bytes(), "images": 2 * colours.nbytes}))


def high_water_bytes() -> int:
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def attention(options: argparse.Namespace) -> None:
    import torch

    from glmha_cli.attention.csa import CSAConfig
    from glmha_cli.attention.glmha import GLMHAConfig
    from glmha_cli.inference.torch_engine import TorchEngine
    from glmha_cli.networks import network_from_plain

    print("| network | tile px | CSA s | GLMHA s | ratio |\n|---|---|---|---|---|")
    for title, (name, changes, side) in NETWORKS.items():
        torch.manual_seed(0)
        works = {}
        for kind in (CSAConfig(), GLMHAConfig()):
            config = type(network_from_plain({"name": name}))(**changes, attention=kind)
            engine = TorchEngine(config.build().eval(), device="cpu", precision="fp32", about={"network": {}})
            tiles = [
                np.random.default_rng(0).random((h, w, c), dtype=np.float32)
                for _, c, h, w in config.input_shapes(side, side)
            ]
            works[type(kind).__name__] = lambda engine=engine, tiles=tiles: engine.run(*tiles)
        best = best_in_turn(works, options.rounds)
        print(
            f"| {title} | {side} | {best['CSA']:.3f} | {best['GLMHA']:.3f} | {best['CSA'] / best['GLMHA']:.2f} |",
            flush=True,
        )


def batch(options: argparse.Namespace) -> None:
    engine = engine_for(options.model)
    tiles = np.random.default_rng(0).random((max(BATCHES), 256, 256, 3), dtype=np.float32)

    def run_all(size: int) -> list[np.ndarray]:
        return list(engine.run_batches((tiles[i : i + size],) for i in range(0, len(tiles), size)))

    best = best_in_turn({size: lambda size=size: run_all(size) for size in BATCHES}, options.rounds)
    print(f"| tiles at once | s/tile ({engine.device}, {engine.precision}) | against one at a time |\n|---|---|---|")
    for size, seconds in best.items():
        print(f"| {size} | {seconds / len(tiles):.3f} | {best[1] / seconds:.2f} |")


def best_in_turn(works: Mapping[object, Callable[[], object]], rounds: int) -> dict[object, float]:
    """Best time of each, after one run that does not count; in turn, so that a busy moment meets all."""
    from glmha_cli.evaluation.speed import timed

    seconds = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            seconds[name].append(timed(work))
    return {name: min(each[1:]) for name, each in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pixels", "photo", "attention", "batch"))
    parser.add_argument("--model", default="derain-lite", help="derain model: its id, or path of a checkpoint")
    parser.add_argument("--identity", action="store_true", help="of pixels: a network that gives its input back")
    parser.add_argument("--max-mpx", type=float, default=50, help="of pixels: leave out larger ones")
    parser.add_argument("--mpx", type=float, default=1, help="of photo")
    parser.add_argument("--rounds", type=int, default=3, help="of attention and batch")
    options = parser.parse_args()
    {"pixels": pixels, "photo": photo, "attention": attention, "batch": batch}[options.what](options)


if __name__ == "__main__":
    main()
