"""Options that several verbs share, each written once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

COMPUTE, FILES, REPORT, WEIGHTS = "Computing", "Files", "Reporting", "Weights"

DeviceChoice = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.", rich_help_panel=COMPUTE)
]
PrecisionChoice = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(
        help="Arithmetic of the network; auto: bf16 on CUDA, fp16 on CPUs made for it, else fp32.",
        rich_help_panel=COMPUTE,
    ),
]
MaxPixels = Annotated[int, typer.Option(help="Refuse photos with more pixels than this.", min=1, rich_help_panel=FILES)]


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line on stdout.", rich_help_panel=REPORT)
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=REPORT)] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class WeightsDirOptions(ReportOptions):
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="GLMHA_WEIGHTS_DIR",
            help="Folder to look for weights in first (made by: glmha models pull ID --to DIR).",
            show_default=False,
            rich_help_panel=WEIGHTS,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class WeightsOptions(WeightsDirOptions):
    offline: Annotated[bool, typer.Option("--offline", help="Make no request.", rich_help_panel=WEIGHTS)] = False
    accept_licence: Annotated[
        bool,
        typer.Option("--accept-licence", help="Agree to the terms of the model; remembered.", rich_help_panel=WEIGHTS),
    ] = False


@dataclass(frozen=True, kw_only=True)
class ComputeOptions(WeightsOptions):
    """Which model runs, where and in what tiles."""

    model: Annotated[
        str | None,
        typer.Option(
            help="Model id (see: glmha models), or the path of a .safetensors or .onnx file. Default: the task's.",
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None
    engine: Annotated[
        Literal["auto", "onnx", "torch"],
        typer.Option(
            help="What computes; auto: ONNX Runtime for one input on a CPU if the model has such a file, else PyTorch.",
            rich_help_panel=COMPUTE,
        ),
    ] = "auto"
    tile: Annotated[
        str, typer.Option(help="Side of the tiles in px, `whole` for none, or `auto`.", rich_help_panel=COMPUTE)
    ] = "auto"
    overlap: Annotated[
        int | None,
        typer.Option(
            help="Px shared by neighbouring tiles. Default: 32, or half of a small tile.",
            min=0,
            show_default=False,
            rich_help_panel=COMPUTE,
        ),
    ] = None
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"


@dataclass(frozen=True, kw_only=True)
class BenchOptions(WeightsOptions):
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model ids, tasks, or paths of .safetensors files. Default: all that are bundled.", show_default=False
        ),
    ] = ()
    engine: Annotated[
        list[str],
        typer.Option(
            help="Engine; may be given several times. Default: all.", show_default=False, rich_help_panel=COMPUTE
        ),
    ] = ()
    size: Annotated[int, typer.Option(help="Side of the tile in px.", min=64, rich_help_panel=COMPUTE)] = 256
    photo: Annotated[
        int, typer.Option(help="Side in px of the input that a cold start restores.", min=1, rich_help_panel=COMPUTE)
    ] = 512
    repeat: Annotated[int, typer.Option(help="Runs of a tile, after a first one.", min=1, rich_help_panel=COMPUTE)] = 5
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"


@dataclass(frozen=True, kw_only=True)
class DegradeOptions(ReportOptions):
    kind: Annotated[
        str, typer.Argument(help="Degradation, or the task that undoes it: rain or derain.", show_default=False)
    ]
    input: Annotated[Path, typer.Argument(help="A photo.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write, or a folder.", show_default=False)]
    seed: Annotated[int, typer.Option(help="The same seed does the same.", min=0)] = 0
    validation: Annotated[
        bool, typer.Option("--validation", help="As validation sets are made, by another mechanism than in training.")
    ] = False
    validation_set: Annotated[
        str | None,
        typer.Option(
            "--set", help="Which validation set, where there are several. Default: the first.", show_default=False
        ),
    ] = None
    gallery: Annotated[
        int | None,
        typer.Option(help="So many seeds, from --seed on, side by side as one picture.", min=1, show_default=False),
    ] = None
    max_pixels: MaxPixels = 400_000_000
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output if it exists.", rich_help_panel=FILES)
    ] = False


@dataclass(frozen=True, kw_only=True)
class CubeToFile(ReportOptions):
    input: Annotated[Path, typer.Argument(help="A cube: .tif, .hdr, .img, .mat, .npy or .npz.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)]
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(CubeToFile):
    mat_version: Annotated[
        Literal["5", "7.3"] | None,
        typer.Option(help="Version of a .mat output. Default: 5, from 2 GB on 7.3.", show_default=False),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PreviewOptions(CubeToFile):
    bands: Annotated[
        str | None,
        typer.Option(
            help="Three bands, counted from 0, as red, green and blue, instead of the colours an observer sees.",
            show_default=False,
        ),
    ] = None
    gain: Annotated[float, typer.Option(help="Brightness: values are multiplied by this.", min=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class SpectrumOptions(ReportOptions):
    input: Annotated[Path, typer.Argument(help="A cube: .tif, .hdr, .img, .mat, .npy or .npz.", show_default=False)]
    at: Annotated[
        list[str],
        typer.Option(help="Pixel x,y (column and row, from 0); may be given several times.", show_default=False),
    ]
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values instead of a table.")] = False
    plot: Annotated[Path | None, typer.Option(help="Draw the spectra here (.png).", show_default=False)] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the plot if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class InfoOptions(ReportOptions):
    model: Annotated[
        str, typer.Argument(help="Model id, task, or the path of a .safetensors file.", show_default=False)
    ]


@dataclass(frozen=True, kw_only=True)
class ExportOptions(WeightsOptions):
    model: Annotated[
        str, typer.Argument(help="Model id, task, or the path of a .safetensors file.", show_default=False)
    ]
    output: Annotated[Path, typer.Argument(help="The .onnx file to write.", show_default=False)]
    tile: Annotated[
        int,
        typer.Option(help="Side in px at which the network is traced and compared; others are compared too.", min=16),
    ] = 256
    precision: Annotated[Literal["fp32", "fp16"], typer.Option(help="Arithmetic of the network; fp16 is for GPUs.")] = (
        "fp32"
    )
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class PullOptions(WeightsOptions):
    models: Annotated[list[str], typer.Argument(help="Model ids or tasks.", show_default=False)]
    to: Annotated[
        Path | None,
        typer.Option(
            help="Copy the files into this folder, for --weights-dir on a machine without network.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(WeightsDirOptions):
    models: Annotated[
        list[str], typer.Argument(help="Model ids or tasks. Default: all that are on this machine.", show_default=False)
    ] = ()


@dataclass(frozen=True, kw_only=True)
class PathOptions(WeightsDirOptions):
    model: Annotated[str, typer.Argument(help="Model id or task.", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class ImportOptions(ReportOptions):
    source: Annotated[Path, typer.Argument(help="A released .pth file.", show_default=False)]
    task: Annotated[str, typer.Option(help="What the checkpoint was trained for.", show_default=False)]
    network: Annotated[
        str | None,
        typer.Option(
            help="Network that the file has to hold; without it the names and shapes tell.", show_default=False
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write. Default: beside the source, with the extension .safetensors.", show_default=False
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class PublishOptions(WeightsDirOptions):
    model: Annotated[str, typer.Argument(help="Model id.", show_default=False)]
    repo: Annotated[
        str, typer.Option(help="Repository on the Hub, ORG/NAME; created if there is none.", show_default=False)
    ]


@dataclass(frozen=True, kw_only=True)
class TrainOptions(WeightsOptions):
    recipe: Annotated[
        str, typer.Argument(help="Recipe of the package, or the path of a .toml file.", show_default=False)
    ]
    images: Annotated[
        list[Path],
        typer.Option(
            help=(
                "Folder of clean photos, searched through, or a .zip of them (tools/pack_photos.py); may be "
                "given several times."
            ),
            show_default=False,
        ),
    ] = ()
    pairs: Annotated[
        list[Path],
        typer.Option(
            help=(
                "Folder of pairs to train on, searched through for input/ and target/, or blur/ and sharp/; "
                "may be given several times."
            ),
            show_default=False,
        ),
    ] = ()
    spectra: Annotated[
        Path | None,
        typer.Option(
            help=(
                "Measured reflectances that make cubes of photos: .npz or .mat with `reflectance` and `wavelength_nm`."
            ),
            show_default=False,
        ),
    ] = None
    cubes: Annotated[
        list[Path],
        typer.Option(
            help="Folder of reflectance cubes, for rgb2hsi and sci; may be given several times.", show_default=False
        ),
    ] = ()
    masks: Annotated[
        list[Path], typer.Option(help="Mask of the camera, for sci; may be given several times.", show_default=False)
    ] = ()
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Where checkpoint, curve and weights go. Default: runs/RECIPE.", show_default=False),
    ] = None
    validate_pairs: Annotated[
        list[Path],
        typer.Option(
            help="Folder with input/ and target/ to validate on as well; may be given several times.",
            show_default=False,
        ),
    ] = ()
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Go on from the weights of this model (id or path; also one of another task), with a new schedule.",
            show_default=False,
        ),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False
    steps: Annotated[
        int | None,
        typer.Option(help="Train for so many steps in all, instead of the recipe's.", min=1, show_default=False),
    ] = None
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop after so long, reading the data included, with a checkpoint to resume from.",
            min=0,
            show_default=False,
        ),
    ] = None
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")] = "auto"
    precision: Annotated[Literal["bf16-mixed", "32-true"], typer.Option(help="Arithmetic of the network.")] = (
        "bf16-mixed"
    )
    devices: Annotated[
        int, typer.Option(help="So many GPUs, or processes on a CPU, each with its share of a batch.", min=1)
    ] = 1
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the network first: minutes, for long runs on a GPU.")
    ] = False
    workers: Annotated[int, typer.Option(help="Processes that prepare data.", min=0)] = 1


@dataclass(frozen=True, kw_only=True)
class EvalOptions(ComputeOptions):
    task: Annotated[str, typer.Argument(help="The task whose inputs and outputs these are.", show_default=False)]
    pairs: Annotated[
        list[Path],
        typer.Option(
            help="Folder with input/ and target/, files matched by stem; may be given several times, for several sets.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = ()
    results: Annotated[
        Path | None,
        typer.Option(
            help="Folder of results that are there already, instead of --pairs.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    targets: Annotated[
        Path | None,
        typer.Option(help="Folder of what --results are measured against.", show_default=False, rich_help_panel=FILES),
    ] = None
    protocol: Annotated[
        str | None,
        typer.Option(
            help="derain, gopro, arad or kaist. Default: the task's.", show_default=False, rich_help_panel=REPORT
        ),
    ] = None
    tta: Annotated[
        bool,
        typer.Option(
            "--tta", help="Mean over all flips and turns of the input: eight times the work.", rich_help_panel=COMPUTE
        ),
    ] = False
    project: Annotated[
        bool,
        typer.Option(
            "--project/--no-project",
            help="Make cubes agree with their input, as the task's verb does.",
            rich_help_panel=COMPUTE,
        ),
    ] = True
    mask: Annotated[
        Path | None, typer.Option(help="The mask of the camera, for sci.", show_default=False, rich_help_panel=FILES)
    ] = None
    step: Annotated[
        int, typer.Option(help="Px that each band is shifted further, for sci.", min=0, rich_help_panel=COMPUTE)
    ] = 2
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write the scores of every image and the means here too.", show_default=False, rich_help_panel=REPORT
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the CSV file.", rich_help_panel=REPORT)] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class ProfileOptions(ReportOptions):
    model: Annotated[
        str,
        typer.Argument(
            help="Model id, task, path of a .safetensors file, or a network: restormer, mst, mst_plus_plus.",
            show_default=False,
        ),
    ]
    attention: Annotated[
        str | None,
        typer.Option(help="Another attention: csa, glmha, linformer, performer or reformer.", show_default=False),
    ] = None
    reduction: Annotated[
        float | None,
        typer.Option(help="Share of channels that GLMHA drops from keys and values.", min=0, show_default=False),
    ] = None
    levels: Annotated[
        str | None,
        typer.Option(help="Only at these, with CSA at the others: level1,level2,…,bottleneck.", show_default=False),
    ] = None
    size: Annotated[str, typer.Option(help="Height x width of the input in px.")] = "256x256"


@dataclass(frozen=True, kw_only=True)
class AnalyzeOptions(WeightsOptions):
    model: Annotated[
        str, typer.Argument(help="Model id, task, or the path of a .safetensors file.", show_default=False)
    ]
    images: Annotated[list[Path], typer.Argument(help="Inputs of the model's task.", show_default=False)]
    plot: Annotated[Path | None, typer.Option(help="Draw the curves here (.png).", show_default=False)] = None
    csv: Annotated[Path | None, typer.Option(help="Write the curves here.", show_default=False)] = None
    mask: Annotated[Path | None, typer.Option(help="The mask of the camera, for sci.", show_default=False)] = None
    step: Annotated[int, typer.Option(help="Px that each band is shifted further, for sci.", min=0)] = 2
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")] = False
