"""The arrows of ARCHITECTURE.md: a package imports only from rows above its own; heavy modules where they belong."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "glmha_cli"
LAYERS = [
    {"errors", "shapes", "allocator", "devices", "installed", "interrupts", "lookahead", "printable", "srgb"},
    {"lookup"},
    {"typed"},
    {"io", "physics", "attention"},
    {"networks", "tasks"},
    {"weights", "pages"},
    {"evaluation", "fusion"},
    {"inference", "training", "export"},
    {"batch", "api", "enhancement"},
    {"cli"},
    {"__main__"},
]
ROW = {name: row for row, names in enumerate(LAYERS) for name in names}
TORCH_FREE = {*LAYERS[0], *LAYERS[1], *LAYERS[2], "io", "physics", "tasks"}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full names of the modules a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rows_above(path):
    own = room(path)
    for name in imported(path):
        if name.startswith("glmha_cli."):
            other = name.split(".")[1]
            if other in ROW:  # else a name of glmha_cli itself, such as __version__
                assert other == own or ROW[other] < ROW[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_torch_stays_in_its_rooms(path):
    uses_torch = any(name.split(".")[0] == "torch" for name in imported(path))
    if room(path) in TORCH_FREE:
        assert not uses_torch
    if room(path) == "inference":
        assert uses_torch == (path.name in ("torch_engine.py", "cuda_graphs.py"))


def test_a_photo_by_onnx_runtime_loads_no_torch(tmp_path):
    """Loading PyTorch takes longer than restoring a photo."""
    code = (
        "import sys\nfrom PIL import Image\nfrom glmha_cli.cli.app import main\n"
        "Image.new('L', (16, 16)).save('in.png')\n"
        "sys.argv = ['glmha', 'derain', 'in.png', 'out.png', '--engine', 'onnx', '--device', 'cpu', '--quiet']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0 and (tmp_path / "out.png").is_file(), result.stderr
