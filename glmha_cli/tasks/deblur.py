"""Remove motion blur, by camera shake or by movement, from a photo."""

from glmha_cli.tasks.base import Task, clipped, photo_as_it_is

DEBLUR = Task(
    name="deblur",
    summary="Remove motion blur from photos.",
    input_kind="photo",
    output_kind="photo",
    network="restormer",
    protocol="gopro",
    examples=("glmha deblur shaken.jpg sharp.png", "glmha deblur photos/ sharp/"),
    prepare=photo_as_it_is,
    finish=clipped,
    any_scale=True,
    any_orientation=True,
)
