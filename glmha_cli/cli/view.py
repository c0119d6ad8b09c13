"""`glmha view CUBE…`: cubes on one page that needs no network, or served on this machine."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock

from glmha_cli.batch.checks import require_output
from glmha_cli.cli.compare import names_of
from glmha_cli.cli.cube_input import open_input
from glmha_cli.cli.nearby import nearby
from glmha_cli.cli.options import ViewOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.pages.cubes import ByRows, page_values, reduction, spectra
from glmha_cli.pages.page import CUBES, PAGES, rendered, write_page
from glmha_cli.pages.server import PageServer

MOST_CUBES = 3


def view(options: ViewOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if len(options.cubes) > MOST_CUBES:
        raise UsageError(f"view shows up to {MOST_CUBES} cubes beside each other, not {len(options.cubes)}")
    page = _page_of(options)
    if not options.serve:
        require_output(page, overwrite=options.overwrite, inputs=options.cubes)
    with ExitStack() as files:
        near = files.enter_context(nearby(options, output, reads=["cubes"]))
        cubes = [files.enter_context(open_input(path, near, output)) for path in near.cubes]
        names = names_of(options.cubes)
        values = page_values(names, cubes, served=options.serve)
        if options.serve:
            served = "".join(rendered("cubes.html", values, assets=CUBES._replace(connects=True)))
            return serve(served, cubes, options, output)
    write_page(page, "cubes.html", values, assets=CUBES, overwrite=options.overwrite)
    if (factor := reduction(cubes)) > 1:
        output.remark(page, f"shows the means of {factor} x {factor} pixels; --serve has the spectra of all")
    output.note(f"-> {page}")
    output.record({"inputs": list(map(str, options.cubes)), "output": str(page), "status": "ok"})


def _page_of(options: ViewOptions) -> Path:
    page = options.output or Path(options.cubes[0].with_suffix(".html").name)
    if options.serve and options.output is not None:
        raise UsageError("--serve writes no page", "leave out --output")
    if page.suffix.lower() not in PAGES:
        raise UsageError(f"'{page}' is not the name of a page", f"--output {page.with_suffix('.html')}")
    return page


def serve(page: str, cubes: Sequence[ByRows], options: ViewOptions, output: Output) -> None:
    """The page, and the spectra it asks for: of each area only its rows are read."""
    (height, width), turn = cubes[0].shape[:2], Lock()

    def answer(query: Mapping[str, str]) -> list[dict[str, list[float | None]]]:
        area = {name: int(query[name]) for name in ("x0", "y0", "x1", "y1")}
        if not (0 <= area["x0"] < area["x1"] <= width and 0 <= area["y0"] < area["y1"] <= height):
            raise ValueError("an area outside the cube")
        with turn:  # one process reads a file
            return spectra(cubes, area)

    with PageServer(page, {"spectra": answer}, port=options.port) as server:
        output.note(f"{server.url}  (Ctrl-C ends)")
        output.record({"inputs": list(map(str, options.cubes)), "url": server.url})
        with suppress(KeyboardInterrupt):
            server.serve_forever()
