"""How fast a batch goes, and how long it will take."""

import time
from collections.abc import Callable

from glmha_cli.batch.report import Outcome, Summary

EVERY_SECONDS = 30


class Pace:
    """Files and megapixels a second since the start of the work. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.start = self.told = clock()
        self.files, self.pixels = 0, 0

    def settled(self, outcome: Outcome) -> None:
        """Files that were done before say nothing of the pace."""
        if outcome.status in ("ok", "failed"):
            self.files += 1
            self.pixels += outcome.details.get("height", 0) * outcome.details.get("width", 0)

    def is_due(self) -> bool:
        """Whether a log should hear of it again."""
        if self.clock() - self.told < EVERY_SECONDS:
            return False
        self.told = self.clock()
        return True

    def __str__(self) -> str:
        """ "0.52 files/s, 2.1 Mpx/s"; "" before the first file."""
        seconds = self.clock() - self.start
        if not self.files or seconds <= 0:
            return ""
        return f"{self.files / seconds:.2g} files/s, {self.pixels / seconds / 1e6:.2g} Mpx/s"

    def progress(self, summary: Summary) -> str:
        """A line for a log: "12 of 100 files, 0.52 files/s, 2.1 Mpx/s, about 3 min left"."""
        left = summary.not_tried * (self.clock() - self.start) / max(self.files, 1)
        length = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min" if left < 6000 else f"{left / 3600:.1f} h"
        return f"{summary.total - summary.not_tried} of {summary.total} files, {self}, about {length} left"
