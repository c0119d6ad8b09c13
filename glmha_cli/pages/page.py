"""Pages made of templates: self-contained HTML whose policy lets nothing in but what is in it."""

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Protocol

from glmha_cli import __version__
from glmha_cli.errors import CannotCreateError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.printable import printable

MEDIA = "image/jpeg"
PAGES = (".html", ".htm")
GENERATOR = '<meta name="generator" content="glmha '
HEAD_BYTES = 4096
"""In these a page says who made it."""


class Assets(NamedTuple):
    """Files of the package that make a page work. connects: whether its scripts may ask the server it came from."""

    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    connects: bool = False


PHOTOS = Assets(("page.css",), ("theme.js", "img-comparison-slider.js", "page.js"))
CUBES = Assets(
    ("page.css", "uplot.css", "cube.css"),
    (
        "theme.js",
        "uplot.js",
        "cube_data.js",
        "cube_pane.js",
        "cube_plot.js",
        "cube_page.js",
        "cube_controls.js",
    ),
)


class Piece(NamedTuple):
    """Where a picture is kept, until the page is written."""

    start: int
    length: int


class Pictures(Protocol):
    """Where the pictures of a page are kept. policy: the sources that its Content-Security-Policy allows them.
    began: of ours, a file stands where the page is to be."""

    policy: str
    began: bool

    def add(self, picture: bytes) -> Any:
        """A picture, by a key for `source`."""

    def source(self, key: Any) -> str:
        """The URL of a picture on the page."""


class Inside:
    """In the page itself; until then in a nameless file, as a batch may have thousands."""

    policy = "data:"
    began = False

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - for as long as the page is made

    def add(self, picture: bytes) -> Piece:
        start = self._file.seek(0, 2)
        self._file.write(picture)
        return Piece(start, len(picture))

    def source(self, key: Piece) -> str:
        self._file.seek(key.start)
        return f"data:{MEDIA};base64,{base64.b64encode(self._file.read(key.length)).decode()}"


class Beside:
    """In files of the folder `pictures` beside the page.

    Raises CannotCreateError where there is such a folder, unless it is that of a page of ours, to be overwritten.
    """

    policy = "'self' file:"
    began = False

    def __init__(self, page: Path, *, overwrite: bool) -> None:
        self._page, self._folder, self._count = page, page.parent / "pictures", 0
        if os.path.lexists(self._folder) and not (overwrite and is_page(page)):
            raise CannotCreateError(
                f"'{self._folder}' exists already, and the page keeps its pictures there", "name another folder"
            )

    def add(self, picture: bytes) -> str:
        self._count += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._count == 1:  # whose the pictures are, should the run be killed
            with suppress(FileExistsError), self._page.open("x", encoding="utf-8") as file:
                file.write(f'{GENERATOR}{__version__}"><p>The run has not come to its end.</p>\n')
                self.began = True
        path = self._folder / f"{self._count:06}.jpg"
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_bytes(picture)
        return f"{self._folder.name}/{path.name}"

    def source(self, key: str) -> str:
        return key


def is_page(path: Path) -> bool:
    """Whether a file is a page that was made here."""
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False


def write_page(
    path: Path,
    template: str,
    values: Mapping[str, Any],
    *,
    pictures: Pictures | None = None,
    assets: Assets = PHOTOS,
    overwrite: bool = False,
) -> None:
    """A page, whole or not at all; see `atomic_output` for what is raised."""
    with atomic_output(path, overwrite=overwrite) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(rendered(template, values, pictures=pictures, assets=assets))


def rendered(
    template: str, values: Mapping[str, Any], *, pictures: Pictures | None = None, assets: Assets = PHOTOS
) -> Iterator[str]:
    """The parts of a page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("glmha_cli.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = pictures or Inside()
    environment.filters |= {"source": pictures.source, "printable": printable, "duration": duration}
    styles, scripts = [list(map(_asset, names)) for names in (assets.styles, assets.scripts)]
    return environment.get_template(template).generate(
        **values,
        version=__version__,
        policy=_policy(styles, scripts, pictures.policy, connects=assets.connects),
        styles=map(Markup, styles),
        scripts=map(Markup, scripts),
    )


@cache
def _asset(name: str) -> str:
    """A file of the package, without the note of where its source map would be, which browsers fetch."""
    return (files(__package__) / "assets" / name).read_text("utf-8").partition("\n//# sourceMappingURL")[0]


def _policy(styles: list[str], scripts: list[str], pictures: str, *, connects: bool) -> str:
    """Content-Security-Policy: our styles and scripts by their hashes, our pictures, and nothing else."""
    rules = {
        "default-src": "'none'",
        "img-src": pictures,
        "connect-src": "'self'" if connects else "'none'",
        "style-src": " ".join(map(_hash, styles)),
        "script-src": " ".join(map(_hash, scripts)),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
