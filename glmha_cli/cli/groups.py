"""The verbs below others, as `models pull`."""

from glmha_cli.cli import options
from glmha_cli.cli.entry import Verb

MODELS_VERBS = {
    "list": Verb(
        run="glmha_cli.cli.models:list_models",
        options=options.ReportOptions,
        summary="List the models: id, task, size, source, status.",
        examples=("glmha models list --json",),
    ),
    "show": Verb(
        run="glmha_cli.cli.info:info",
        options=options.InfoOptions,
        summary="Show a model; the same as `glmha info`.",
        examples=("glmha models show derain-lite",),
    ),
    "pull": Verb(
        run="glmha_cli.cli.models:pull",
        options=options.PullOptions,
        summary="Fetch and verify models, or bundle them for a machine without network access.",
        examples=(
            "glmha models pull restormer-csa-deblur --accept-licence",
            "glmha models pull derain deblur --to weights/",
        ),
    ),
    "verify": Verb(
        run="glmha_cli.cli.models:verify",
        options=options.VerifyOptions,
        summary="Compare size and sha256 of what is on this machine with the manifest.",
        examples=(
            "glmha models verify",
            "glmha models verify derain-lite --weights-dir weights/",
            "glmha models verify derain-lite --signature derain-lite.sig --key public.pem",
        ),
    ),
    "path": Verb(
        run="glmha_cli.cli.models:path",
        options=options.PathOptions,
        summary="Print where a model's verified file is on this machine.",
        examples=("glmha models path derain-lite",),
    ),
    "import": Verb(
        run="glmha_cli.cli.release:import_released",
        options=options.ImportOptions,
        summary="Convert a released .pth (Restormer, MST, MST++) to a checkpoint.",
        examples=(
            "glmha models import deraining.pth --network restormer --task derain",
            "glmha derain in.png out.png --model deraining.safetensors",
        ),
    ),
    "publish": Verb(
        run="glmha_cli.cli.release:publish",
        options=options.PublishOptions,
        summary="Upload a model to the Hugging Face Hub; for a model with an id, pin the commit in the manifest.",
        examples=(
            "glmha models publish derain-lite --repo ORG/NAME",
            "glmha models publish runs/derain-lite/best.safetensors --repo me/my-derain --dry-run",
        ),
    ),
}

RECIPES_VERBS = {
    "list": Verb(
        run="glmha_cli.cli.recipes:list_recipes",
        options=options.ReportOptions,
        summary="List the recipes: name, task, hardware; with --json also command, time and score.",
        examples=("glmha recipes list", "glmha recipes list --json"),
    ),
    "show": Verb(
        run="glmha_cli.cli.recipes:show",
        options=options.RecipeOptions,
        summary="Print a recipe.",
        examples=("glmha recipes show derain-lite",),
    ),
    "copy": Verb(
        run="glmha_cli.cli.recipes:copy",
        options=options.CopyRecipeOptions,
        summary="Copy a recipe to a file, for editing.",
        examples=("glmha recipes copy derain-lite mine.toml", "glmha train mine.toml --images photos/"),
    ),
}

RECORD_VERBS = {
    "summary": Verb(
        run="glmha_cli.cli.records:summary",
        options=options.RecordsOptions,
        summary="Count what was done, what failed and why.",
        examples=("glmha record summary run.jsonl", "glmha record summary shard-*.jsonl --json"),
    ),
    "failed": Verb(
        run="glmha_cli.cli.records:failed",
        options=options.FailedOptions,
        summary="Print the inputs that failed or were left unfinished, to try them again.",
        examples=("glmha record failed run.jsonl -0 > again", "glmha derain --files-from again --null out/"),
    ),
    "merge": Verb(
        run="glmha_cli.cli.records:merge",
        options=options.MergeOptions,
        summary="Write the records of several runs or shards as one, which --resume takes.",
        examples=("glmha record merge shard-1.jsonl shard-2.jsonl all.jsonl",),
    ),
    "to-parquet": Verb(
        run="glmha_cli.cli.records:to_parquet",
        options=options.MergeOptions,
        summary="Write records as a Parquet table, for data tools.",
        examples=("glmha record to-parquet run.jsonl run.parquet",),
    ),
}
