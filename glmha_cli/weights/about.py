"""What a checkpoint says of itself, read from its header alone and without torch."""

import json
from pathlib import Path
from typing import Any

from glmha_cli.errors import BadDataError, NoInputError

KEY = "glmha"
HINT = "glmha models lists the known ones; glmha models import FILE.pth --task TASK makes ours of released ones"


def read_about(path: Path) -> dict[str, Any]:
    """{"task", "network", …} of a safetensors checkpoint of ours.

    Raises NoInputError if there is no file, BadDataError if it is not safetensors or not ours.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise NoInputError(f"no checkpoint at '{path}'", HINT)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BadDataError(f"'{path}' is not a safetensors file ({error})", HINT) from error
    try:
        about = json.loads(metadata[KEY])
        return {"task": about["task"], "network": about["network"], **about}
    except (KeyError, TypeError, ValueError) as error:
        raise BadDataError(f"'{path}' is safetensors, but not a glmha checkpoint", HINT) from error
