"""`glmha compare A B [TRUTH] -o PAGE`: photos of one size side by side, and how much they differ."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from glmha_cli.batch.checks import refuse_url, require_output
from glmha_cli.cli.options import CompareOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import read_photos
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.evaluation.metrics import psnr_db
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import output_format, write_photo
from glmha_cli.pages.page import PAGES, Inside, write_page
from glmha_cli.pages.pictures import View, encoded, srgb_bytes, views_of
from glmha_cli.pages.sheet import captioned, sheet


def compare(options: CompareOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if len(options.photos) not in (2, 3):
        raise UsageError(
            f"compare takes two or three photos, not {len(options.photos)}", "glmha compare a.png b.png -o c.html"
        )
    is_page = options.output.suffix.lower() in PAGES
    if not is_page:
        output_format(options.output)
    require_output(options.output, overwrite=options.overwrite, inputs=options.photos)
    for path in options.photos:
        refuse_url(path)
    photos = read_photos(options.photos, output, max_pixels=options.max_pixels)
    require_one_size(options.photos, photos)
    names, scores = names_of(options.photos), scores_of(photos)
    write = write_html if is_page else write_sheet
    write(options.output, names, scores, views_of(photos), overwrite=options.overwrite)
    for (one, other), score in scores.items():
        output.note(f"PSNR, {names[one]} to {names[other]}: {shown(score)}")
    output.note(f"-> {options.output}")
    output.record({"output": str(options.output), "psnr_db": list(scores.values())})


def require_one_size(paths: list[Path], photos: list[Photo]) -> None:
    sizes = [f"{photo.colours.shape[1]}x{photo.colours.shape[0]}" for photo in photos]
    for (path, size), (other, other_size) in pairwise(zip(paths, sizes, strict=True)):
        if size != other_size:
            raise BadDataError(f"'{path}' has {size} pixels, '{other}' {other_size}", "compare photos of the same size")


def names_of(paths: list[Path]) -> list[str]:
    """The ends of the paths that tell them apart, mostly the files' names; numbered where nothing does."""
    for count in range(1, 1 + max(len(path.parts) for path in paths)):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{number}: {path.name}" for number, path in enumerate(paths, 1)]


def scores_of(photos: list[Photo]) -> dict[tuple[int, int], float]:
    """PSNR over RGB, as screens show it, in dB: of each to the truth, or of the first to the second."""
    pixels = [srgb_bytes(photo) for photo in photos]
    last = len(photos) - 1
    return {(i, last): psnr_db(pixels[i], pixels[last], peak=255) for i in range(last)}


def shown(score: float) -> str:
    return f"{score:.2f} dB" if np.isfinite(score) else "no difference in 8 bit RGB"


def write_html(
    path: Path, names: list[str], scores: dict[tuple[int, int], float], views: list[View], *, overwrite: bool
) -> None:
    pictures = Inside()
    values: dict[str, Any] = {
        "names": names,
        "figures": [(f"PSNR, {names[one]} to {names[other]}", shown(score)) for (one, other), score in scores.items()],
        "views": [view.described([pictures.add(file) for file in encoded(view)]) for view in views],
    }
    write_page(path, "compare.html", values, pictures=pictures, overwrite=overwrite)


def write_sheet(
    path: Path, names: list[str], scores: dict[tuple[int, int], float], views: list[View], *, overwrite: bool
) -> None:
    added = {one: f", {shown(score)}" for (one, _), score in scores.items()}
    rows = [
        [
            captioned(picture, f"{name}{added.get(i, '')}" if view is views[0] else f"{name}, {view.name}")
            for i, (name, picture) in enumerate(zip(names, view.pictures, strict=True))
        ]
        for view in views
    ]
    pixels = sheet(rows)
    write_photo(path, pixels, like=Photo(colours=pixels, bit_depth=8), overwrite=overwrite)
