"""What files a store has below a URL, told while it is being asked."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from glmha_cli.errors import NoInputError
from glmha_cli.io.remote.store import attempted, opened
from glmha_cli.io.remote.url import Url

PAGE = 1000
"""Names that are listed at once."""


def listed(url: Url, *, recursive: bool) -> Iterator[str]:
    """Relative paths of the files below a URL, as the store gives them: page by page where it has pages, else folder
    by folder. NoInputError where it cannot be listed.
    """
    system, root = opened(url)
    root = root.rstrip("/")
    page = _s3_pages(system, root, recursive) if url.scheme == "s3" else _folders(system, root, recursive)
    while (names := attempted(url, page, failure=NoInputError, what="listed")) is not None:
        yield from (name[len(root) :].lstrip("/") for name in names if not name.endswith("/"))


Page = Callable[[], list[str] | None]
"""Gives the next names, and None at the end; after an exception it may be called again."""


def _folders(system: Any, root: str, recursive: bool) -> Page:
    waiting = [root]

    def page() -> list[str] | None:
        if not waiting:
            return None
        entries = sorted(system.ls(waiting[0], detail=True), key=lambda entry: entry["name"])
        folder = waiting.pop(0)
        inner = [entry["name"] for entry in entries if entry["type"] == "directory" and entry["name"] != folder]
        waiting[:0] = inner if recursive else []
        return [entry["name"] for entry in entries if entry["type"] == "file"]

    return page


def _s3_pages(system: Any, root: str, recursive: bool) -> Page:
    from fsspec.asyn import sync

    bucket, _, key = root.partition("/")
    choice = {"delimiter": "" if recursive else "/", "prefix": f"{key}/" if key else ""}
    entries: AsyncIterator[dict[str, Any]] | None = None
    count = 0

    async def names() -> list[str]:
        nonlocal entries
        skipped = count if entries is None else 0  # after a failure it begins anew
        entries = entries or system._iterdir(bucket, **choice)
        found = []
        async for entry in entries:
            skipped -= 1
            if skipped < 0:
                found.append(entry["name"] if entry["type"] == "file" else "/")
            if len(found) == PAGE:
                break
        return found

    def page() -> list[str] | None:
        nonlocal entries, count
        try:
            found = sync(system.loop, names)
        except BaseException:
            entries = None
            raise
        count += len(found)
        return found or None

    return page
