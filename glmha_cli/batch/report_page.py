"""A run as a page to look at: each photo before and after, what was set, how long it took, what failed and why."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from glmha_cli.batch.checks import require_folder, require_makeable
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Outcome, Reporter, Summary
from glmha_cli.errors import one_line
from glmha_cli.io.atomic import refuse_existing
from glmha_cli.io.photos.read import Photo
from glmha_cli.pages.page import PAGES, Beside, Inside, duration, write_page
from glmha_cli.pages.pictures import change_of, encoded, views_of
from glmha_cli.printable import renamed

SIDES = ("before", "after")
STATUSES = ("done", "failed", "skipped")
"""As a page calls and orders them; what a record calls `ok` is done."""
SHOWN_DETAILS = ("model", "device", "precision", "tile")
"""Of the details of an outcome those that all files of a run have in common."""


class ReportPage(Reporter):
    """Collects outcomes, and writes the page when nothing more comes, also where an error or a signal ends the run.

    path: a file .html, which holds its pictures itself, or a folder for `index.html` and its pictures.
    settings: what outputs depend on. say: is told where the page is.

    Raises CannotCreateError, before any work, where the page exists (unless `overwrite`) or cannot be made.
    """

    shows = True

    def __init__(self, path: Path, *, settings: Mapping[str, Any], overwrite: bool, say: Callable[[str], None]) -> None:
        self.settings, self.overwrite, self.say = dict(settings), overwrite, say
        is_file = path.suffix.lower() in PAGES
        self.path = path if is_file else path / "index.html"
        require_folder(path.parent) if is_file else require_makeable(path)
        refuse_existing(self.path, overwrite=overwrite)
        self.pictures = Inside() if is_file else Beside(self.path, overwrite=overwrite)
        self.names: dict[str, str] = {}
        self.remarks: defaultdict[str, list[str]] = defaultdict(list)
        self.rows: list[dict[str, Any]] = []
        self.shown: dict[Job, dict[str, Any]] = {}
        self.summary: Summary | None = None

    def rename(self, path: str, name: str) -> None:
        self.names[path] = name

    def remark(self, path: PurePath, text: str) -> None:
        self.remarks[str(path)].append(text)

    def started(self, summary: Summary) -> None:
        self.summary = summary

    def restored(self, job: Job, before: Photo, after: Photo) -> None:
        photos = [before, after]
        views = [view.described([self.pictures.add(file) for file in encoded(view)]) for view in views_of(photos)]
        self.shown[job] = {"views": views, "change": change_of(photos)}

    def settled(self, outcome: Outcome) -> None:
        job, details = outcome.job, outcome.details
        height, width = details.get("height", 0), details.get("width", 0)
        shown = self.shown.pop(job, {"views": [], "change": 0.0})
        for name in SHOWN_DETAILS:
            if name in details:
                self.settings.setdefault(name, details[name])
        facts = [
            f"{width} x {height}" if details else "",
            duration(outcome.seconds) if details else "",
            f"scale {details['scale']}" if details.get("scale", "1") != "1" else "",
            f"changed by {shown['change']:.1%}" if shown["views"] else "",
        ]
        self.rows.append(
            {
                "name": self.names.get(str(job.source), job.relative.as_posix()),
                "status": "done" if outcome.status == "ok" else outcome.status,
                "facts": [fact for fact in facts if fact],
                "reason": renamed(one_line(outcome.error), self.names) if outcome.error is not None else "",
                "remarks": self.remarks.pop(str(job.source), []),
                "seconds": round(outcome.seconds, 3),
                "pixels": height * width,
                **shown,
            }
        )

    def finished(self) -> None:
        summary = self.summary
        if summary is None or summary.dry_run:
            return
        self.path.parent.mkdir(exist_ok=True)
        counts = {status: count for status in STATUSES if (count := sum(row["status"] == status for row in self.rows))}
        values = {
            "task": summary.task,
            "total": summary.total,
            "not_tried": summary.not_tried,
            "figures": self._figures(counts),
            "settings": {name.replace("_", " "): value for name, value in self.settings.items() if value is not None},
            "statuses": [{"name": name, "count": count} for name, count in counts.items()],
            "sides": SIDES,
            "rows": self.rows,
        }
        overwrite = self.overwrite or self.pictures.began
        write_page(self.path, "report.html", values, pictures=self.pictures, overwrite=overwrite)
        self.say(f"report: {self.path}")

    def _figures(self, counts: Mapping[str, int]) -> list[tuple[str, Any]]:
        seconds = sum(row["seconds"] for row in self.rows)
        megapixels = sum(row["pixels"] for row in self.rows) / 1e6
        figures: list[tuple[str, Any]] = list(counts.items())
        if seconds:
            figures.append(("time of work", duration(seconds)))
        if megapixels:
            figures += [("megapixels", f"{megapixels:.1f}"), ("megapixels a second", f"{megapixels / seconds:.2f}")]
        return figures
