"""`glmha enhance SOURCE OUTPUT`: a trained model with channel attention becomes one with GLMHA."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.progress import Progress

from glmha_cli.batch.checks import require_output
from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import EnhanceOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.train import TerminalReporter, data_of, quiet_lightning, with_masks
from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.networks import attention_from_plain
from glmha_cli.networks.replace import with_reduction
from glmha_cli.training.recipe import load_recipe
from glmha_cli.training.settings import Machine
from glmha_cli.weights.about import read_about
from glmha_cli.weights.convert import import_checkpoint
from glmha_cli.weights.store import find_weights


def enhance_verb(options: EnhanceOptions) -> None:
    try:
        from glmha_cli.enhancement.plan import Plan
        from glmha_cli.enhancement.run import enhance
    except ModuleNotFoundError as error:
        raise UsageError(f"enhancing needs the package {error.name}", extra_command("train")) from error
    output = Output(quiet=options.quiet, as_json=options.json)
    require_output(options.output, overwrite=options.overwrite, inputs=[Path(options.source)])
    folder = options.run_dir or Path("runs") / options.output.stem
    source = source_of(options, folder, output)
    plan = Plan(
        attention=attention_of(options),
        levels=tuple(options.levels.split(",")) if options.levels else None,
        steps=options.steps,
        budget_gmacs=options.budget,
        loss_at_most_db=options.loss_at_most,
        images=options.tiles,
        layer_steps=options.layer_steps,
        whole_steps=options.whole_steps,
        minutes=options.max_minutes,
        seed=options.seed,
    )
    quiet_lightning()
    with output.progress() as progress:
        made = enhance(
            source,
            options.output,
            with_masks(load_recipe(options.recipe or f"{read_about(source)['task']}-lite"), options.masks),
            data_of(options),
            plan,
            folder=folder,
            resume=options.resume,
            overwrite=options.overwrite,
            machine=Machine(device=options.device, precision=options.precision),
            reporter=EnhanceReporter(output, progress),
        )
    output.record({"weights": str(options.output), **made})
    output.note(f"{source} -> {options.output}")


def source_of(options: EnhanceOptions, folder: Path, output: Output) -> Path:
    """The checkpoint to start from; a released .pth is made ours in the run's folder."""
    path = Path(options.source)
    if path.suffix.lower() != ".pth":
        return find_weights(options.source, task=options.task, access=access_of(options, output)).path
    if options.task is None:
        raise UsageError(f"'{path}' does not say what it was trained for", "--task derain")
    folder.mkdir(parents=True, exist_ok=True)
    ours = folder / f"{path.stem}.safetensors"
    import_checkpoint(path, ours, task=options.task, overwrite=True)
    return ours


def attention_of(options: EnhanceOptions) -> Any:
    attention = attention_from_plain({"name": options.attention})
    return attention if options.reduction is None else with_reduction(attention, options.reduction, options.attention)


class EnhanceReporter(TerminalReporter):
    """A line for each part of the work beside those of training, and a bar for each."""

    def __init__(self, output: Output, progress: Progress) -> None:
        super().__init__(output, progress)
        self.parts: dict[str, Any] = {}

    def step_of(self, part: str, done: int, total: int) -> None:
        if part not in self.parts:
            for task in self.parts.values():
                self.progress.remove_task(task)
            self.parts = {part: self.progress.add_task(part, total=total)}
        self.progress.update(self.parts[part], completed=done)

    def step_done(self, done: int, total: int) -> None:
        self.step_of("whole network", done, total)

    def measured(self, row: Mapping[str, Any]) -> None:
        self.output.note(", ".join(f"{name} {value}" for name, value in row.items()))
