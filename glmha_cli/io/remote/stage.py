"""Stand-ins of remote files: a folder on this machine whose files are there while they are needed.

`STAGE/s3/bucket/a.png` stands for `s3://bucket/a.png`. Names below it lead back to URLs, so that what works with local
files works with these; what is said of one names its URL.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from glmha_cli.errors import GlmhaError, NoInputError
from glmha_cli.io.companions import are_companions, may_have_companions
from glmha_cli.io.remote import store
from glmha_cli.io.remote.listing import listed
from glmha_cli.io.remote.url import SCHEMES, Url

FILES_AHEAD, BYTES_AHEAD = 16, 256 << 20
"""So many files are fetched before their turn, and so many bytes."""
Item = TypeVar("Item")


@dataclass
class Stage:
    """root: the folder. secret: of addresses that were given with a user or a query, by what is shown of them."""

    root: Path
    secret: dict[str, Url] = field(default_factory=dict)
    fetched: dict[Path, "Future[dict[str, Any]]"] = field(default_factory=dict)
    fetchers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(FILES_AHEAD // 2, "fetcher"))

    def place(self, text: str) -> Path:
        """What stands for a URL. NoInputError for a name that no path can have."""
        url = Url.parse(text)
        if url.user or url.query:
            self.secret[str(url)] = url
        return self.below(self.root / url.scheme, url.place.rstrip("/"), str(url))

    def below(self, folder: Path, relative: str, name: str) -> Path:
        """A path below `folder`, which nothing in the name of an object leads out of."""
        parts = relative.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise NoInputError(f"'{name}' has a name that no file can have", "rename the object")
        return folder.joinpath(*parts)

    def holds(self, path: Path) -> bool:
        """Whether the path stands for a URL."""
        return path.is_relative_to(self.root)

    def url(self, path: Path) -> Url:
        scheme, *parts = path.relative_to(self.root).parts
        shown = Url(scheme, "/".join(parts))
        for name, known in self.secret.items():
            if str(shown) == name:
                return known
            if str(shown).startswith(name.rstrip("/") + "/"):
                return Url(scheme, shown.place, known.user, known.query)
        return shown

    def named(self, text: str) -> str:
        """A text with URLs in place of what stands for them."""
        return re.sub(re.escape(f"{self.root}/") + f"({'|'.join(SCHEMES)})/", r"\1://", text)

    def renamed(self, error: GlmhaError) -> GlmhaError:
        error.message, error.hint = self.named(error.message), self.named(error.hint)
        return error

    def exists(self, path: Path) -> bool:
        return store.facts_of(self.url(path)) is not None

    def facts(self, path: Path) -> dict[str, Any] | None:
        return store.facts_of(self.url(path))

    def fetch(self, path: Path) -> dict[str, Any]:
        """Have the file here, unless it is; its facts. NoInputError."""
        self.start(path)
        return self.fetched[path].result()

    def start(self, path: Path) -> None:
        """Begin to fetch a file."""
        if path not in self.fetched:
            self.fetched[path] = self.fetchers.submit(self._fetch, path)

    def _fetch(self, path: Path) -> dict[str, Any]:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = store.fetch(self.url(path), path)
        if may_have_companions(path.name):
            self._fetch_partners(path)
        return found

    def _fetch_partners(self, path: Path) -> None:
        folder = self.url(path.parent)
        for name in listed(folder, recursive=False):
            if name != path.name and are_companions(path.name, name):
                store.fetch(self.url(path.parent / name), path.parent / name)

    def send(self, path: Path, *, overwrite: bool) -> dict[str, Any]:
        """Put what was written here where it belongs, and give its facts."""
        return store.send(path, self.url(path), overwrite=overwrite)

    def forget(self, path: Path) -> None:
        """What is no longer needed here."""
        future = self.fetched.pop(path, None)
        if future is not None and not future.cancel() and future.exception() is None:
            path.unlink(missing_ok=True)

    def ahead(self, items: Iterable[Item], path_of: Callable[[Item], Path | None]) -> Iterator[Item]:
        """The items, while the files of the next ones are being fetched."""
        waiting: deque[Item] = deque()
        for item in items:
            path = path_of(item)
            if path is not None and self.holds(path):
                self.start(path)
            waiting.append(item)
            while waiting and (len(waiting) > FILES_AHEAD or self.bytes_here() > BYTES_AHEAD):
                yield waiting.popleft()
        yield from waiting

    def bytes_here(self) -> int:
        done = [each for each in list(self.fetched.values()) if each.done() and not each.cancelled()]
        return sum(each.result()["bytes"] or 0 for each in done if each.exception() is None)

    def close(self) -> None:
        self.fetchers.shutdown(wait=True, cancel_futures=True)
