"""Options of the verbs that train, and that damage photos as training does."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from glmha_cli.attention import ATTENTIONS
from glmha_cli.cli.options.shared import FILES, MaxPixels, Overwrite, ReportOptions, WeightsOptions
from glmha_cli.io.photos.size import MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class DegradeOptions(ReportOptions):
    kind: Annotated[
        str, typer.Argument(help="Degradation, or the task that undoes it: rain or derain.", show_default=False)
    ]
    input: Annotated[Path, typer.Argument(help="Photo to degrade.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write, or a folder.", show_default=False)]
    seed: Annotated[
        int, typer.Option(help="Seed of the random degradation; the same seed gives the same result.", min=0)
    ] = 0
    validation: Annotated[
        bool,
        typer.Option(
            "--validation", help="Use the generator of the validation sets instead of that of the training data."
        ),
    ] = False
    validation_set: Annotated[
        str | None,
        typer.Option(
            "--set", help="Name of the validation set, if there are several. Default: the first.", show_default=False
        ),
    ] = None
    gallery: Annotated[
        int | None,
        typer.Option(
            help="Number of seeds, starting at --seed, shown side by side in one picture.", min=1, show_default=False
        ),
    ] = None
    max_pixels: MaxPixels = MAX_PIXELS
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output if it exists.", rich_help_panel=FILES)
    ] = False


@dataclass(frozen=True, kw_only=True)
class DataOptions(WeightsOptions):
    """What is trained on."""

    images: Annotated[
        list[Path],
        typer.Option(
            help=(
                "Folder of clean photos, searched recursively, or a .zip of them (tools/pack_photos.py); may be "
                "given several times."
            ),
            show_default=False,
        ),
    ] = field(default_factory=list)
    pairs: Annotated[
        list[Path],
        typer.Option(
            help=(
                "Folder of pairs to train on, searched recursively for input/ and target/, or blur/ and sharp/; "
                "may be given several times."
            ),
            show_default=False,
        ),
    ] = field(default_factory=list)
    spectra: Annotated[
        list[Path],
        typer.Option(
            help=(
                "Measured reflectances, to make cubes of photos: .npz or .mat with `reflectance` and `wavelength_nm`, "
                "an .npz may name the `source` of each; may be given several times."
            ),
            show_default=False,
        ),
    ] = field(default_factory=list)
    cubes: Annotated[
        list[Path],
        typer.Option(
            help="Folder of reflectance cubes, for rgb2hsi and sci; may be given several times.", show_default=False
        ),
    ] = field(default_factory=list)
    masks: Annotated[
        list[Path], typer.Option(help="Mask of the camera, for sci; may be given several times.", show_default=False)
    ] = field(default_factory=list)
    validate_pairs: Annotated[
        list[Path],
        typer.Option(
            help="Folder with input/ and target/, used for validation as well; may be given several times.",
            show_default=False,
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TrainOptions(DataOptions):
    recipe: Annotated[
        str, typer.Argument(help="Name of a bundled recipe, or the path of a .toml file.", show_default=False)
    ]
    run_dir: Annotated[
        Path | None,
        typer.Option(
            help=(
                "Folder for the checkpoint, the weights and curve.csv (step, minutes, score, PSNR of each validation "
                "set; see docs/training.md). Default: runs/RECIPE."
            ),
            show_default=False,
        ),
    ] = None
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Start from the weights of this model (id or path; it may be of another task), with a new schedule.",
            show_default=False,
        ),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint of the run.")] = False
    steps: Annotated[
        int | None,
        typer.Option(help="Total number of training steps, instead of the recipe's.", min=1, show_default=False),
    ] = None
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate, instead of the recipe's.", min=0, show_default=False)
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of weights and batches, instead of the recipe's.", min=0, show_default=False),
    ] = None
    attention: Annotated[
        str | None,
        typer.Option(
            help=f"Channel attention of the network, instead of the recipe's: {', '.join(ATTENTIONS)}.",
            show_default=False,
        ),
    ] = None
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop after this many minutes, including reading the data, with a checkpoint to resume from.",
            min=0,
            show_default=False,
        ),
    ] = None
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device to compute on.")] = "auto"
    precision: Annotated[Literal["bf16-mixed", "32-true"], typer.Option(help="Precision of the network.")] = (
        "bf16-mixed"
    )
    devices: Annotated[
        int, typer.Option(help="Number of GPUs, or of CPU processes; each takes its share of a batch.", min=1)
    ] = 1
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the network first, which takes minutes; for long runs on a GPU.")
    ] = False
    workers: Annotated[int, typer.Option(help="Number of processes that prepare data.", min=0)] = 1


@dataclass(frozen=True, kw_only=True)
class RecipeOptions(ReportOptions):
    recipe: Annotated[
        str, typer.Argument(help="Recipe of the package, or the path of a .toml file.", show_default=False)
    ]


@dataclass(frozen=True, kw_only=True)
class CopyRecipeOptions(RecipeOptions):
    output: Annotated[
        Path | None,
        typer.Argument(help="The .toml file to write, or a folder. Default: RECIPE.toml here.", show_default=False),
    ] = None
    overwrite: Overwrite = False
