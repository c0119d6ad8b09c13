"""Remove rain streaks, light to heavy, from a photo."""

from glmha_cli.tasks.base import Task, clipped, photo_as_it_is

DERAIN = Task(
    name="derain",
    summary="Remove rain from photos.",
    input_kind="photo",
    output_kind="photo",
    network="restormer",
    protocol="derain",
    examples=("glmha derain rainy.jpg clean.png", "glmha derain photos/ derained/"),
    prepare=photo_as_it_is,
    finish=clipped,
    any_scale=True,
    overlaid=True,
    any_orientation=True,
)
