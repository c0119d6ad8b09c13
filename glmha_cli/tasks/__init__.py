"""What the tool can do. A new task is its module, one line here, a manifest entry and an example."""

TASKS = {
    "derain": "glmha_cli.tasks.derain:DERAIN",
    "deblur": "glmha_cli.tasks.deblur:DEBLUR",
    "rgb2hsi": "glmha_cli.tasks.rgb2hsi:RGB2HSI",
    "sci": "glmha_cli.tasks.sci:SCI",
}
