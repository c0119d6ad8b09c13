"""Scores of many images as rows: means per set and over sets, as plain records and as CSV."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from glmha_cli.evaluation.protocols import Score
from glmha_cli.io.atomic import atomic_output

MEAN = "mean"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One image of a set, or a mean: `score` of the result, `input_score` of what it was made of, if comparable.

    tile: in which the result was made, for memory can run out in between; of a mean all that there were.
    """

    set: str
    image: str
    score: Score
    input_score: Score | None = None
    tile: str = ""

    def record(self) -> dict[str, Any]:
        """Plain data. A PSNR of equal images is infinite, which JSON has no number for: null."""
        before = self.input_score.metrics if self.input_score else {}
        numbers = {**self.score.metrics, **{f"input_{name}": value for name, value in before.items()}}
        return {
            "set": self.set,
            "image": self.image,
            **{name: round(value, 6) if math.isfinite(value) else None for name, value in numbers.items()},
            **self.score.facts,
            **({"tile": self.tile} if self.tile else {}),
        }


def with_means(rows: Sequence[Row]) -> list[Row]:
    """The rows, then the mean of each set, then, of several sets, the mean of the sets' means (as papers do)."""
    names = list(dict.fromkeys(row.set for row in rows))
    means = [_mean([row for row in rows if row.set == name], name) for name in names]
    over_sets = [_mean(means, "all sets")] if len(means) > 1 else []
    return [*rows, *means, *over_sets]


def _mean(rows: Sequence[Row], name: str) -> Row:
    before = [row.input_score for row in rows if row.input_score is not None]
    return Row(
        set=name,
        image=MEAN,
        score=_mean_score([row.score for row in rows]),
        input_score=_mean_score(before) if before else None,
        tile=" and ".join(sorted({tile for row in rows for tile in row.tile.split(" and ")})),
    )


def _mean_score(scores: Sequence[Score]) -> Score:
    return Score(metrics={name: fmean(score.metrics[name] for score in scores) for name in scores[0].metrics})


def write_csv(path: Path, records: Iterable[Mapping[str, Any]], *, overwrite: bool = False) -> None:
    """One line a record; an empty cell is what a record does not have. See `atomic_output` for what is raised."""
    records = list(records)
    columns = list(dict.fromkeys(name for record in records for name in record))
    with (
        atomic_output(path, overwrite=overwrite) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(records)
