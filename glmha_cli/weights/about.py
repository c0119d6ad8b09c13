"""What a checkpoint says of itself, read from its header alone and without torch."""

import json
from pathlib import Path
from typing import Any

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.weights.onnx_file import read_onnx_metadata

KEY = "glmha"
HINT = "glmha models lists the known ones; glmha models import FILE.pth --task TASK makes ours of released ones"


def read_about(path: Path) -> dict[str, Any]:
    """{"task", "network", …} of a checkpoint of ours, safetensors or ONNX.

    Raises NoInputError if there is no file, BadDataError if it is neither or not ours.
    """
    if not path.is_file():
        raise NoInputError(f"no checkpoint at '{path}'", HINT)
    is_onnx = path.suffix.lower() == ".onnx"
    metadata = read_onnx_metadata(path) if is_onnx else _read_safetensors_metadata(path)
    try:
        about = json.loads(metadata[KEY])
        return {"task": about["task"], "network": about["network"], **about}
    except (KeyError, TypeError, ValueError) as error:
        raise BadDataError(
            f"'{path}' is {'ONNX' if is_onnx else 'safetensors'}, but not a glmha checkpoint", HINT
        ) from error


def _read_safetensors_metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BadDataError(f"'{path}' is not a safetensors file ({error})", HINT) from error
