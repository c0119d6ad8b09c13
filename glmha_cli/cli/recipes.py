"""`glmha recipes`: the recipes of the package, to read and to change."""

from pathlib import Path

from rich.table import Table

from glmha_cli.cli.options import CopyRecipeOptions, RecipeOptions, ReportOptions
from glmha_cli.cli.output import Output
from glmha_cli.io.atomic import atomic_output
from glmha_cli.training.recipe import header_of, load_recipe, recipe_names, recipe_text

COLUMNS = ("recipe", "task", "hardware")


def list_recipes(options: ReportOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    rows = [facts(name) for name in recipe_names()]
    for row in rows:
        output.record(row)
    if options.json:
        return
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(row[column] for column in COLUMNS))
    output.table(table)


def facts(name: str) -> dict[str, str]:
    """What a recipe's task is, and what its first comments say."""
    said = {word.lower(): value for word, value in header_of(recipe_text(name)).items()}
    return {"recipe": name, "task": load_recipe(name).task, **said}


def show(options: RecipeOptions) -> None:
    """The text as it is, on stdout; with --json as one string beside its name."""
    text = recipe_text(options.recipe)
    if options.json:
        Output(as_json=True).record({"recipe": options.recipe, "toml": text})
    else:
        for line in text.splitlines():
            Output().line(line)


def copy(options: CopyRecipeOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    text = recipe_text(options.recipe)
    target = options.output or Path()
    if target.is_dir():
        target = target / f"{Path(options.recipe).stem}.toml"
    with atomic_output(target, overwrite=options.overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    output.note(f"{target}: change it, then `glmha train {target} …`")
    output.record({"recipe": options.recipe, "output": str(target)})
