"""What shells complete beside names of options: models, recipes, extensions. By the name of the parameter."""

from collections.abc import Callable, Iterable, Mapping


def models() -> Iterable[tuple[str, str]]:
    """(name, what it is), of models and of the tasks that stand for them."""
    from glmha_cli.weights.manifest import load_manifest

    manifest = load_manifest()
    tasks = ((name, f"the model for {name}") for name in manifest.aliases)
    return [*tasks, *((entry.id, entry.summary) for entry in manifest.models.values())]


def recipes() -> Iterable[tuple[str, str]]:
    from glmha_cli.training.recipe import recipe_names

    return [(name, "") for name in recipe_names()]


def extensions() -> Iterable[tuple[str, str]]:
    from glmha_cli.io.photos.formats import FORMATS

    return [(suffix, row.name) for row in FORMATS.values() if row.encode for suffix in row.suffixes]


COMPLETIONS: Mapping[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "model": models,
    "models": models,
    "recipe": recipes,
    "ext": extensions,
}


def completer(parameter: str) -> Callable[[str], list[tuple[str, str]]] | None:
    """As Typer calls it, with what was typed so far; None for what shells complete by themselves, such as files."""
    if (known := COMPLETIONS.get(parameter)) is None:
        return None

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [(name, text) for name, text in known() if name.startswith(incomplete)]

    return complete
