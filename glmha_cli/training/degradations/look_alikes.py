"""What looks like rain and is none: thin bright lines, lights at night, bars, text.

They are drawn on crops before the rain, and must stay: on a mask of twice the size, then reduced, so that edges are
soft as in photos.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from glmha_cli.training.degradations.sensor import log_uniform

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789|/!:-"

Photo = Float[np.ndarray, "h w 3"]
Mask = Float[np.ndarray, "h w"]


def draw_look_alikes(photo: Photo, rng: np.random.Generator) -> Photo:
    """`photo` (sRGB in [0, 1]) with one kind of thing drawn on it; the same generator state draws the same."""
    return _KINDS[rng.integers(len(_KINDS))](photo, rng)


def _lines(photo: Photo, rng: np.random.Generator) -> Photo:
    """Wires, grass, edges of glass: straight thin lines at any angle, often nearly parallel."""

    def paint(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
        mean, spread = rng.uniform(0, np.pi), rng.choice([0.03, 0.3, np.pi])
        for _ in range(rng.integers(1, 16)):
            angle, length = rng.normal(mean, spread), log_uniform(rng, (20, 2 * max(width, height)))
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
            pen.line([x - dx, y - dy, x + dx, y + dy], fill=int(rng.integers(60, 256)), width=int(rng.integers(1, 7)))

    return _laid_over(photo, _mask(photo, paint), rng)


def _bars(photo: Photo, rng: np.random.Generator) -> Photo:
    """Fences, blinds, frames of windows: regular bars, upright or level, bright or dark."""

    def paint(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
        step, thick = log_uniform(rng, (8, 80)), log_uniform(rng, (1.5, 16))
        upright, slant = rng.random() < 0.7, rng.normal(0, 0.05)
        for place in np.arange(rng.uniform(0, step), width if upright else height, step):
            ends = (place, place + slant * (height if upright else width))
            line = [ends[0], 0, ends[1], height] if upright else [0, ends[0], width, ends[1]]
            pen.line(line, fill=255, width=max(1, round(thick)))

    return _laid_over(photo, _mask(photo, paint), rng)


def _text(photo: Photo, rng: np.random.Generator) -> Photo:
    """A few lines of letters, at times turned by a quarter."""

    def paint(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
        for _ in range(rng.integers(1, 5)):
            size = log_uniform(rng, (12, 70))
            word = "".join(rng.choice(list(LETTERS), rng.integers(2, 14)))
            place = (rng.uniform(-size, width), rng.uniform(-size, height))
            pen.text(place, word, fill=255, font=ImageFont.load_default(size))

    mask = _mask(photo, paint)
    if rng.random() < 0.2 and mask.shape[0] == mask.shape[1]:
        mask = np.rot90(mask)
    return _laid_over(photo, mask, rng)


def _night_lights(photo: Photo, rng: np.random.Generator) -> Photo:
    """Lamps in a dark photo, each with a halo and at times a reflection drawn out below it, as on wet streets."""
    dark = photo ** np.float32(rng.uniform(1.2, 2.2)) * np.float32(rng.uniform(0.15, 0.6))
    for _ in range(rng.integers(1, 10)):
        radius = log_uniform(rng, (0.7, 4))
        drawn_out = radius * (rng.uniform(2, 10) if rng.random() < 0.4 else 1)
        falls = [
            np.exp(-0.5 * ((np.arange(side) - rng.uniform(0, side)) / deviation) ** 2).astype(np.float32)
            for side, deviation in zip(photo.shape[:2], (drawn_out, radius), strict=True)
        ]
        spot = np.float32(rng.uniform(0.4, 1.5)) * np.outer(*falls)
        colour = np.float32(1) - rng.uniform(0, 0.5, 3).astype(np.float32) * (rng.random(3) < 0.5)
        dark = dark + spot[..., None] * colour
    return np.clip(dark, 0, 1)


_KINDS: tuple[Callable[[Photo, np.random.Generator], Photo], ...] = (_lines, _bars, _text, _night_lights)


def _mask(photo: Photo, paint: Callable[[ImageDraw.ImageDraw, int, int], None]) -> Mask:
    height, width = photo.shape[:2]
    image = Image.new("L", (2 * width, 2 * height))
    paint(ImageDraw.Draw(image), *image.size)
    return np.asarray(image.reduce(2), np.float32) / np.float32(255)


def _laid_over(photo: Photo, mask: Mask, rng: np.random.Generator) -> Photo:
    """In one colour, three times in four a bright one, and at times see-through."""
    grey = rng.uniform(0.6, 1) if rng.random() < 0.75 else rng.uniform(0, 0.4)
    colour = np.clip(grey + rng.normal(0, 0.06, 3), 0, 1).astype(np.float32)
    cover = mask[..., None] * np.float32(rng.uniform(0.3, 1))
    return photo + cover * (colour - photo)
