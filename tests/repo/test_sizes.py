"""Small files, small functions."""

import ast
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).parents[2] / "glmha_cli"
LONG = {"run.py:train"}  # to be divided
FILES = [path for path in PACKAGE.rglob("*.py") if path.stat().st_size]


def test_median_file_is_at_most_150_lines_and_none_over_450():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert median(lines.values()) <= 150
    assert not {path.name: count for path, count in lines.items() if count > 450}


def test_no_function_is_over_60_lines():
    long = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                long[f"{path.name}:{node.name}"] = node.end_lineno - node.lineno + 1
    assert long.keys() <= LONG
