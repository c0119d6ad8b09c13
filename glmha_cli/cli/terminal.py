"""Restored photos in the terminal, where it shows pictures: kitty's protocol or sixels, by textual-image."""

import importlib.util
import sys

from PIL import Image
from rich.console import Console
from rich.text import Text

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Reporter
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.photos.read import Photo
from glmha_cli.pages.pictures import whole_of
from glmha_cli.pages.sheet import sheet
from glmha_cli.printable import printable

MOST = 4
"""So many files of a batch are shown."""
SIDE_PX = 1000
HOW = "kitty, iTerm2, WezTerm, foot and others do; elsewhere --report report.html shows all in a browser"


class TerminalPreview(Reporter):
    """Shows the first files of a run, before and after, when it is over; says how to see them where there is no way."""

    def __init__(self, output: Output) -> None:
        """Asks the terminal what it can. UsageError without textual-image."""
        if importlib.util.find_spec("textual_image") is None:
            raise UsageError("--preview needs the package textual-image", extra_command("preview"))
        self.drawn = _drawn_by_terminal()
        self.shows = self.drawn is not None
        self.kept: list[tuple[str, Image.Image]] = []
        self.more = 0
        self.output = output
        if not self.shows:
            output.warning(f"this terminal shows no pictures ({HOW})")

    def restored(self, job: Job, before: Photo, after: Photo) -> None:
        if len(self.kept) == MOST:
            self.more += 1
            return
        view = whole_of([before, after], SIDE_PX)
        self.kept.append((printable(job.relative.as_posix()), Image.fromarray(sheet([view.pictures]))))

    def finished(self) -> None:
        if self.drawn is None:
            return
        console = Console(file=sys.__stdout__, highlight=False)
        for name, picture in self.kept:
            console.print(Text(f"{name}: before and after"))
            console.print(self.drawn(picture, width="100%", height="auto"))
        if self.more:
            self.output.note(f"{self.more} more are not shown here (--report report.html shows all)")


def _drawn_by_terminal() -> type | None:
    """What draws a picture for Rich in this terminal; None where nothing does."""
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stdout__ and sys.__stdout__.isatty()):
        return None
    try:
        from textual_image.renderable import Image as Chosen  # asks the terminal
        from textual_image.renderable import SixelImage, TGPImage
    except Exception:  # a terminal that answers in no known way
        return None
    return Chosen if Chosen in (SixelImage, TGPImage) else None
