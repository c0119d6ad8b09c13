"""How this copy of glmha was installed: hints name the command that works here."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def is_checkout() -> bool:
    """Whether the package runs from a checkout of its repository, as `make` and `pip install -e` have it."""
    return (ROOT / "pyproject.toml").is_file()


def extra_command(extra: str) -> str:
    """The command that installs what an optional part needs.

    `glmha[extra]` is right wherever glmha is installed, from an index or not: pip then takes the installed copy.
    """
    return f"pip install -e '{ROOT}[{extra}]'" if is_checkout() else f"pip install 'glmha[{extra}]'"


def repair_command(file: Path) -> str:
    """The command that puts back a file of the package that is missing or changed."""
    return f"git -C '{ROOT}' restore '{file}'" if is_checkout() else "pip install --force-reinstall glmha"


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not loaded."""
    return importlib.util.find_spec("torch") is not None
