"""Whether derain and deblur gain as much on photos of a camera's size as on the same photos small.

    python benchmarks/working_scale.py examples
    python benchmarks/working_scale.py photos PHOTOS --streaks streaks.npz --mpx 6 12
    python benchmarks/working_scale.py time --against OLD/bin/glmha --rounds 3

`examples`: the pairs of examples/, enlarged bicubically. `photos`: rain of photographed streaks and camera shake
(validation_sets.py) on a photo, and on the photo enlarged two to four times, with streaks and blur as many times as
large; the gain in PSNR (RGB) of both. Beside it, what some dry or sharp large photos come back as: dry ones are
enlarged photos, sharp ones several photos side by side, as they are. The photos must not be trained on. `time`: a 12
Mpx photo through the command line, in turn with another build; the best of the rounds, CPU time too, and the memory.
`--scale`, `--model-derain` and `--model-deblur` compare others.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from streaks import rain_of_streaks, read_streaks
from validation_sets import READ, SHOT

from glmha_cli.api.model import Model, load
from glmha_cli.evaluation.metrics import rgb_psnr_db
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear
from glmha_cli.training.data.files import files_in
from glmha_cli.training.data.photos import SUFFIXES
from glmha_cli.training.degradations.sensor import add_noise, from_levels, to_levels
from glmha_cli.training.degradations.validation_blur import shaken

EXAMPLES = Path(__file__).parents[1] / "examples"
PAIRS = {"derain": ("rainy.png", "clean.png"), "deblur": ("blurred.png", "sharp.png")}
TIMES = {"derain": (1, 2, 3, 4), "deblur": (1, 2, 3)}
LARGER = (2, 3, 4)
"""Times that photos are enlarged, in turn."""
BLUR_PX = 6.0

Levels = UInt8[np.ndarray, "h w 3"]
Damage = Callable[[Levels, int, int], Levels]
"""(small photo, its place in the set, times that it is enlarged) -> what is to be restored."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One restored photo. scale: that it was corrected at; in_db, out_db: PSNR over RGB to the truth."""

    task: str
    photo: str
    width: int
    height: int
    in_db: float
    out_db: float
    scale: str
    seconds: float

    @property
    def gain_db(self) -> float:
        return self.out_db - self.in_db


def restored(model: Model, name: str, damaged: Levels, truth: Levels) -> Seen:
    start = time.perf_counter()
    result = model(damaged)
    seen = Seen(
        task=model.task.name,
        photo=name,
        width=truth.shape[1],
        height=truth.shape[0],
        in_db=psnr_db(damaged, truth),
        out_db=psnr_db(result, truth),
        scale=model.restorer.scale,
        seconds=time.perf_counter() - start,
    )
    print(json.dumps(asdict(seen)), file=sys.stderr, flush=True)
    return seen


def psnr_db(photo: Levels, truth: Levels) -> float:
    return min(99.0, rgb_psnr_db(photo, truth))


def enlarged(photo: Levels, times: int) -> Levels:
    if times == 1:
        return photo
    size = (round(photo.shape[1] * times), round(photo.shape[0] * times))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))


def examples(options: argparse.Namespace) -> None:
    print("| task | size | in dB | out dB | gain | of that at 1x | scale |\n|---|---|---|---|---|---|---|")
    for task, model in models(options).items():
        damaged, truth = (np.asarray(Image.open(EXAMPLES / task / name).convert("RGB")) for name in PAIRS[task])
        first: Seen | None = None
        for times in TIMES[task]:
            seen = restored(model, f"example {times}x", enlarged(damaged, times), enlarged(truth, times))
            first = first or seen
            print(
                f"| {task} | {seen.width}x{seen.height} | {seen.in_db:.1f} | {seen.out_db:.1f} | {seen.gain_db:+.2f} "
                f"| {seen.gain_db / first.gain_db:.0%} | {seen.scale} |",
                flush=True,
            )


def models(options: argparse.Namespace) -> dict[str, Model]:
    names = {"derain": options.model_derain, "deblur": options.model_deblur}
    return {task: load(name, scale=options.scale) for task, name in names.items() if task in options.task}


def photos(options: argparse.Namespace) -> None:
    """Tables of gains, small and large, and of photos that have nothing to restore."""
    files = files_in(options.folder, SUFFIXES, kind="photos")
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(options.count, len(files))).round().astype(int)]
    damage: dict[str, Damage] = {"derain": partial(rained_on, read_streaks(options.streaks)), "deblur": shaken_by_hand}
    for task, model in models(options).items():
        pairs, untouched = [], []
        for place, (file, mpx) in enumerate(zip(chosen, np.linspace(*options.mpx, len(chosen)), strict=True)):
            times = LARGER[place % len(LARGER)]
            small = reduced(file, mpx / times**2)
            pairs.append(
                [
                    restored(model, f"{file.stem} {by}x", damage[task](small, place, by), enlarged(small, by))
                    for by in (1, times)
                ]
            )
        for place in np.linspace(0, len(chosen) - 1, min(options.untouched, len(chosen))).round().astype(int):
            mpx = float(np.mean(options.mpx))
            whole = (
                enlarged(reduced(chosen[place], mpx / 9), 3) if task == "derain" else side_by_side(files[place:], mpx)
            )
            untouched.append(restored(model, f"{chosen[place].stem} as it is", whole, whole))
        show(task, pairs, untouched)


def rained_on(streaks: np.ndarray, small: Levels, place: int, times: int) -> Levels:
    """The photo enlarged, behind the same rain at each size."""
    rng = np.random.default_rng(place)
    return to_levels(rain_of_streaks(from_levels(enlarged(small, times)), streaks, scale=times, rng=rng))


def shaken_by_hand(small: Levels, place: int, times: int) -> Levels:
    """The photo blurred, enlarged, and with the noise of a sensor of that many pixels in every second one."""
    rng = np.random.default_rng(place)
    light = shaken(srgb_to_linear(from_levels(small)), rng, extent_px=BLUR_PX * rng.uniform(0.75, 1.25)).clip(0, 1)
    large = enlarged(to_levels(linear_to_srgb(light)), times)
    if not place % 2:
        return large
    return to_levels(
        linear_to_srgb(add_noise(srgb_to_linear(from_levels(large)), rng, shot=SHOT, read=READ).clip(0, 1))
    )


def reduced(file: Path, mpx: float) -> Levels:
    """The photo at about so many megapixels, if it has as many."""
    with Image.open(file) as image:
        photo = image.convert("RGB")
    side = math.sqrt(mpx * 1e6 / (photo.width * photo.height))
    photo.thumbnail((round(photo.width * side), round(photo.height * side)), Image.Resampling.LANCZOS)
    return np.asarray(photo)


def side_by_side(files: Iterable[Path], mpx: float) -> Levels:
    """A photo of about so many megapixels that is sharp in each pixel: smaller ones, in rows."""
    side, cell = round(math.sqrt(mpx * 1e6)), 768
    count = -(-side // cell)
    sheet = np.zeros((count * cell, count * cell, 3), np.uint8)
    cells = ((row * cell, column * cell) for row in range(count) for column in range(count))
    for (top, left), file in zip(cells, cycled(files), strict=False):
        with Image.open(file) as image:
            photo = np.asarray(image.convert("RGB"))[:cell, :cell]
        photo = np.pad(photo, [(0, cell - photo.shape[0]), (0, cell - photo.shape[1]), (0, 0)], mode="symmetric")
        sheet[top : top + cell, left : left + cell] = photo
    return sheet


def cycled(files: Iterable[Path]) -> Iterator[Path]:
    files = list(files)
    while True:
        yield from files


def show(task: str, pairs: list[list[Seen]], untouched: list[Seen]) -> None:
    small, large = ([pair[i] for pair in pairs] for i in (0, 1))
    print(f"\n{task}, {len(pairs)} photos\n\n| | small | large | |\n|---|---|---|---|")
    means = [[fmean(getattr(seen, what) for seen in each) for each in (small, large)] for what in ("in_db", "out_db")]
    means.append([fmean(seen.gain_db for seen in each) for each in (small, large)])
    for name, (at_small, at_large) in zip(("in dB", "out dB", "gain dB"), means, strict=True):
        print(f"| {name} | {at_small:.2f} | {at_large:.2f} | {at_large - at_small:+.2f} |")
    lost = sorted(pair[0].gain_db - pair[1].gain_db for pair in pairs)
    print(f"\nworst: {lost[-1]:.2f} dB less; scales of the large ones: {counted(seen.scale for seen in large)}")
    if back := sorted(seen.out_db for seen in untouched):
        print(f"nothing to restore: {', '.join(f'{db:.1f}' for db in back)} dB")


def counted(words: Iterable[str]) -> str:
    found = list(words)
    return ", ".join(f"{found.count(word)} at {word}" for word in sorted(set(found)))


def seconds_and_bytes(command: list[str]) -> tuple[float, float, int]:
    """Wall time of a command, what its cores worked, and the most memory that it or one of its children had."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def timed(options: argparse.Namespace) -> None:
    """The example, rainy, enlarged to 4000x3000: one with large streaks, and one that is dry, sharp in each pixel."""
    rain = Image.open(EXAMPLES / "derain" / "rainy.png").resize((4000, 3000), Image.Resampling.BICUBIC)
    dry = Image.open(EXAMPLES / "derain" / "clean.png")
    tiled = Image.fromarray(np.tile(np.asarray(dry), (8, 7, 1))[:3000, :4000])
    builds = {"this": [sys.executable, "-m", "glmha_cli"], "other": [options.against]}
    with tempfile.TemporaryDirectory() as folder:
        for name, photo in {"large streaks": rain, "dry": tiled}.items():
            photo.convert("RGB").save(Path(folder, "in.png"), compress_level=1)
            best = {}
            for _ in range(options.rounds):
                for build, command in builds.items():
                    arguments = ["derain", f"{folder}/in.png", f"{folder}/out.png", "--overwrite"]
                    seen = seconds_and_bytes([*command, *arguments])
                    best[build] = tuple(map(min, zip(seen, best.get(build, seen), strict=True)))
            shown = {
                build: f"{wall:.1f} s, {cpu:.1f} s of CPU, {held / 1e6:.0f} MB"
                for build, (wall, cpu, held) in best.items()
            }
            ratio = best["this"][1] / best["other"][1]
            print(f"{name}: {shown['this']}; other build {shown['other']}; {ratio:.2f} times the CPU time", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("examples", "photos", "time"))
    parser.add_argument("folder", type=Path, nargs="?", help="of photos")
    parser.add_argument("--task", nargs="+", choices=tuple(PAIRS), default=tuple(PAIRS))
    parser.add_argument("--scale", default="auto")
    parser.add_argument("--model-derain", default="derain")
    parser.add_argument("--model-deblur", default="deblur")
    parser.add_argument("--streaks", type=Path, help="of photos: .npz with `streaks`")
    parser.add_argument("--count", type=int, default=24, help="of photos")
    parser.add_argument("--untouched", type=int, default=6, help="of photos: so many dry and sharp ones")
    parser.add_argument("--mpx", type=float, nargs=2, default=(6, 12), help="of photos: from, to")
    parser.add_argument("--against", help="of time: the other build's glmha")
    parser.add_argument("--rounds", type=int, default=2, help="of time")
    options = parser.parse_args()
    {"examples": examples, "photos": photos, "time": timed}[options.what](options)


if __name__ == "__main__":
    main()
