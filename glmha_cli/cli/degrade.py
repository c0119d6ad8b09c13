"""`glmha degrade KIND PHOTO OUTPUT`: a photo damaged as in training or validation."""

from dataclasses import replace

import numpy as np
from einops import rearrange, repeat
from jaxtyping import Float

from glmha_cli import __version__
from glmha_cli.batch.outputs import plan_file
from glmha_cli.cli.options import DegradeOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.reading import read_photos
from glmha_cli.errors import UsageError
from glmha_cli.io.photos.formats import output_suffix
from glmha_cli.io.photos.write import output_format, write_photo
from glmha_cli.lookup import resolve, unknown
from glmha_cli.pages.sheet import caption
from glmha_cli.tasks import TASKS
from glmha_cli.training.degradations import DEGRADATIONS, UNDONE_BY, Degradation, Degrade

TRAINING = "training"


def degrade_verb(options: DegradeOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    kind = photo_degradation(options.kind)
    (job,) = plan_file(options.input, options.output, suffix_for=output_suffix, overwrite=options.overwrite)
    output_format(job.target)
    set_name, degrade = chosen(resolve(DEGRADATIONS, kind, "degradation")(), options)
    (photo,) = read_photos([job.source], output, max_pixels=options.max_pixels)
    seeds = range(options.seed, options.seed + (options.gallery or 1))
    damaged = [np.asarray(degrade(photo.pixels, np.random.default_rng(seed))) for seed in seeds]
    if options.gallery:
        photo = replace(photo, alpha=None)  # it would not fit the sheet
    provenance = {"glmha": __version__, "degradation": kind, "set": set_name, "seed": str(options.seed)}
    if options.gallery:
        damaged = [with_seed(picture, seed) for picture, seed in zip(damaged, seeds, strict=True)]
    losses = write_photo(
        job.target, contact_sheet(damaged), like=photo, overwrite=options.overwrite, provenance=provenance
    )
    for loss in losses:
        output.remark(job.source, loss)
    output.note(f"{job.source} -> {job.target} ({kind}, {set_name})")
    output.record(
        {
            "input": str(job.source),
            "output": str(job.target),
            "status": "ok",
            "degradation": kind,
            "set": set_name,
            "seeds": list(seeds),
        }
    )


def photo_degradation(kind: str) -> str:
    """The degradation that `kind` names, itself or by the task that undoes it; UsageError if it is none of photos."""
    by_task = {task: name for name, task in UNDONE_BY.items()}
    name = by_task.get(kind, kind)
    for_photos = [name for name in DEGRADATIONS if resolve(TASKS, UNDONE_BY[name], "task").restores_photos]
    if name not in DEGRADATIONS:
        raise unknown("degradation", kind, [*for_photos, *(UNDONE_BY[name] for name in for_photos)])
    if name not in for_photos:
        raise UsageError(f"'{kind}' degrades cubes, not photos", f"for photos: {', '.join(for_photos)}")
    return name


def chosen(degradation: Degradation, options: DegradeOptions) -> tuple[str, Degrade]:
    """The name of the set that is made, and how."""
    if not options.validation and options.validation_set is None:
        make_pair = degradation.training()[0]
        return TRAINING, lambda image, rng: make_pair(image, rng)[0]
    sets = degradation.validation()
    name = options.validation_set or next(iter(sets))
    if name not in sets:
        raise unknown("validation set", name, sets)
    return name, sets[name]


def with_seed(picture: Float[np.ndarray, "h w 3"], seed: int) -> Float[np.ndarray, "h_more w 3"]:
    """The seed above the picture that it makes."""
    strip = caption(f"seed {seed}", picture.shape[1]) / np.float32(255)
    return np.concatenate([repeat(strip, "h w -> h w 3"), picture])


def contact_sheet(pictures: list[Float[np.ndarray, "h w 3"]]) -> Float[np.ndarray, "rows_h columns_w 3"]:
    """All in one picture, row by row, about as many rows as columns; places left over are white."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    blank = [np.ones_like(pictures[0])] * (-len(pictures) % columns)
    return rearrange([*pictures, *blank], "(rows columns) h w c -> (rows h) (columns w) c", columns=columns)
