"""What a checkpoint says of itself, read from its header alone and without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from glmha_cli.errors import BadDataError, NoInputError, UsageError
from glmha_cli.networks import network_from_plain
from glmha_cli.typed import Range, converted
from glmha_cli.weights.onnx_file import read_onnx_metadata

if TYPE_CHECKING:
    from glmha_cli.networks.config import NetworkConfig

KEY = "glmha"
FIELDS: Mapping[str, Any] = {  # that we read; a checkpoint may say more
    "task": str,
    "network": Mapping[str, Any],
    "stretch_input": bool,
    "size_multiple": Annotated[int, Range(1, 1024)],
    "width": Annotated[float, Range(0.01, 4096)],
    "precision": Literal["fp32", "fp16"],
    "licence": str,
}
HINT = "glmha models lists the known ones; glmha models import FILE.pth --task TASK makes ours of released ones"


def read_about(path: Path) -> dict[str, Any]:
    """{"task", "network", …} of a checkpoint of ours, safetensors or ONNX; the values of FIELDS are of their types.

    Raises NoInputError if there is no file, BadDataError if it is neither or not ours.
    """
    if not path.is_file():
        raise NoInputError(f"no checkpoint at '{path}'", HINT)
    is_onnx = path.suffix.lower() == ".onnx"
    metadata = read_onnx_metadata(path) if is_onnx else _read_safetensors_metadata(path)
    try:
        about = json.loads(metadata[KEY])
        about = {"task": about["task"], "network": about["network"], **about}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadDataError(
            f"'{path}' is {'ONNX' if is_onnx else 'safetensors'}, but not a glmha checkpoint", HINT
        ) from error
    return about | {
        key: converted(about[key], hint, f"'{path}': {key}") for key, hint in FIELDS.items() if key in about
    }


def config_of(about: Mapping[str, Any], where: str) -> "NetworkConfig":
    """The network's config that a checkpoint or the manifest gives; BadDataError for what no network can be."""
    try:
        return network_from_plain(about["network"])
    except (BadDataError, UsageError) as error:
        raise BadDataError(f"'{where}': {error.message}", error.hint) from error


def _read_safetensors_metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BadDataError(f"'{path}' is not a safetensors file, or is damaged", HINT) from error
