"""Write the validation sets of rain and blur as folders of pairs, always the same for the same photos.

    python benchmarks/validation_sets.py PHOTOS -o SETS --streaks streaks.npz

SETS gets streaks-1x, streaks-2x, streaks-4x (photographed streaks at three scales: streaks.py), dry, blur-short-1x to
blur-long-2x (camera shake by waves, degradations/validation_blur.py, at three lengths; at scale 2 photo and blur are
twice as large), sweep-short-1x to sweep-long-2x (a camera carried on one way) and sharp, each with input/ and target/,
for `glmha train --validate-pairs`, `glmha eval --pairs` and `quality.py --pairs`. The photos must not be trained on. A
set has the middles of `--count` of them, spread over all; every second blurred one has the noise of a sensor.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image
from streaks import rain_of_streaks, read_streaks

from glmha_cli.srgb import linear_to_srgb, srgb_to_linear
from glmha_cli.training.data.files import files_in
from glmha_cli.training.data.photos import SUFFIXES, decode
from glmha_cli.training.degradations.sensor import add_noise, from_levels, to_levels
from glmha_cli.training.degradations.validation_blur import Camera, shaken, sweeping, trembling

STREAK_SCALES, BLUR_SCALES = (1, 2, 4), (1, 2)
LENGTHS_PX = {"short": 3.0, "middle": 6.0, "long": 12.0}
"""Of blur at scale 1."""
CAMERAS = {"blur": trembling, "sweep": sweeping}
SHOT, READ = 2e-4, 2e-3

Photo = Float[np.ndarray, "h w 3"]
Damage = Callable[[Photo, int], Photo]
"""(photo, its place in the set) -> what is to be restored."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of clean photos")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--streaks", type=Path, help=".npz with `streaks`; without it no rain is drawn")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--side", type=int, default=320, help="px of the middles")
    options = parser.parse_args()
    photos = chosen_photos(options.photos, options.count, options.side)
    for name, enlargement, damage in sets(options.streaks):
        write_set(options.output / name, {stem: enlarged(each, enlargement) for stem, each in photos.items()}, damage)
        print(options.output / name)


def chosen_photos(folders: list[Path], count: int, side: int) -> dict[str, Photo]:
    files = [file for folder in folders for file in files_in(folder, SUFFIXES, kind="photos")]
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(count, len(files))).round().astype(int)]
    return {file.stem: from_levels(middle(decode(file), side)) for file in chosen}


def middle(photo: np.ndarray, side: int) -> np.ndarray:
    top, left = (max(0, (length - side) // 2) for length in photo.shape[:2])
    return photo[top : top + side, left : left + side]


def enlarged(photo: Photo, times: int) -> Photo:
    """The middle of the photo at its size: what a camera of more pixels would see of it."""
    if times == 1:
        return photo
    levels = to_levels(middle(photo, min(photo.shape[:2]) // times))
    size = (levels.shape[1] * times, levels.shape[0] * times)
    return from_levels(np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC)))


def sets(streaks: Path | None) -> Iterator[tuple[str, int, Damage]]:
    """(name, how much the photos are enlarged, damage)."""
    if streaks is not None:
        photographed = read_streaks(streaks)
        for scale in STREAK_SCALES:
            yield f"streaks-{scale}x", 1, partial(rainy, streaks=photographed, scale=scale)
    yield "dry", 1, as_it_is
    for kind, camera in CAMERAS.items():
        for scale in BLUR_SCALES:
            for name, length_px in LENGTHS_PX.items():
                damage = partial(blurred, length_px=length_px, scale=scale, camera=camera)
                yield f"{kind}-{name}-{scale}x", scale, damage
    yield "sharp", 1, as_it_is


def as_it_is(photo: Photo, place: int) -> Photo:
    return photo


def rainy(photo: Photo, place: int, *, streaks: np.ndarray, scale: int) -> Photo:
    return rain_of_streaks(photo, streaks, scale=scale, rng=np.random.default_rng([scale, place]))


def blurred(photo: Photo, place: int, *, length_px: float, scale: int, camera: Camera) -> Photo:
    """Between 0.75 and 1.25 times `length_px`, at scale 1."""
    rng = np.random.default_rng([int(length_px), place])
    length_px *= scale * rng.uniform(0.75, 1.25)
    light = shaken(srgb_to_linear(photo), rng, extent_px=length_px, camera=camera).clip(0, 1)
    if place % 2:
        light = add_noise(light, rng, shot=SHOT, read=READ).clip(0, 1)
    return linear_to_srgb(light)


def write_set(folder: Path, photos: dict[str, Photo], damage: Damage) -> None:
    for name in ("input", "target"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for place, (stem, photo) in enumerate(photos.items()):
        Image.fromarray(to_levels(damage(photo, place))).save(folder / "input" / f"{stem}.png")
        Image.fromarray(to_levels(photo)).save(folder / "target" / f"{stem}.png")


if __name__ == "__main__":
    main()
