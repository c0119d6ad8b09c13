"""benchmarks/enhanced.py: a row for each variant of an enhancement, measured on all pairs, and not twice."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_row_for_each_variant(source, photos, recipe, tmp_path, monkeypatch, capsys):
    pairs = tmp_path / "dark"
    for side in ("input", "target"):
        (pairs / side).mkdir(parents=True)
        shutil.copy(photos / "0.png", pairs / side)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import enhanced

    options = {"--images": photos, "--pairs": pairs, "--recipe": recipe, "--run-dir": tmp_path / "runs"}
    steps = ["--layer-steps", 2, "--whole-steps", 1]
    variants = ["--variant", "", "--variant", 'reduction = 0.75; levels = ["level1"]']
    command = ["enhanced.py", source, *sum(options.items(), ()), *steps, *variants]
    monkeypatch.setattr(sys, "argv", [str(each) for each in command])
    tables = []
    for _ in range(2):
        enhanced.main()
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    heading, defaults, levels = (line.split() for line in tables[0].splitlines())
    assert heading[:5] == ["variant", "dark,", "init", "dark,", "taught"] and defaults[0] == "defaults"
    # Three quarters of level 1 alone are fewer of all channels than half of all levels.
    assert int(levels[-3]) > int(defaults[-3]) and all(20 < float(each) <= 99 for each in defaults[1:3])
