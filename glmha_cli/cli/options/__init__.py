"""What each verb takes: a dataclass of options; those that several verbs share are written once, in `shared`."""

from glmha_cli.cli.options.compare import CompareOptions
from glmha_cli.cli.options.cubes import (
    ConvertOptions,
    CubeExplained,
    CubeInput,
    CubeToFile,
    PreviewOptions,
    SpectrumOptions,
    ViewOptions,
)
from glmha_cli.cli.options.enhance import EnhanceOptions
from glmha_cli.cli.options.measure import AnalyzeOptions, BenchOptions, EvalOptions, ProfileOptions
from glmha_cli.cli.options.models import (
    ExportOptions,
    ImportOptions,
    InfoOptions,
    PathOptions,
    PublishOptions,
    PullOptions,
    VerifyOptions,
)
from glmha_cli.cli.options.records import FailedOptions, MergeOptions, RecordsOptions
from glmha_cli.cli.options.shared import (
    COMPUTE,
    FILES,
    REPORT,
    WEIGHTS,
    ComputeOptions,
    DeviceChoice,
    MaxPixels,
    NoOptions,
    PrecisionChoice,
    ReportOptions,
    Scale,
    WeightsDirOptions,
    WeightsOptions,
)
from glmha_cli.cli.options.training import (
    CopyRecipeOptions,
    DegradeOptions,
    RecipeOptions,
    TrainOptions,
)

__all__ = [
    "COMPUTE",
    "FILES",
    "REPORT",
    "WEIGHTS",
    "AnalyzeOptions",
    "BenchOptions",
    "CompareOptions",
    "ComputeOptions",
    "ConvertOptions",
    "CopyRecipeOptions",
    "CubeExplained",
    "CubeInput",
    "CubeToFile",
    "DegradeOptions",
    "DeviceChoice",
    "EnhanceOptions",
    "EvalOptions",
    "ExportOptions",
    "FailedOptions",
    "ImportOptions",
    "InfoOptions",
    "MaxPixels",
    "MergeOptions",
    "NoOptions",
    "PathOptions",
    "PrecisionChoice",
    "PreviewOptions",
    "ProfileOptions",
    "PublishOptions",
    "PullOptions",
    "RecipeOptions",
    "RecordsOptions",
    "ReportOptions",
    "Scale",
    "SpectrumOptions",
    "TrainOptions",
    "VerifyOptions",
    "ViewOptions",
    "WeightsDirOptions",
    "WeightsOptions",
]
