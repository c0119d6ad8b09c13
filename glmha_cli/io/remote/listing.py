"""What files a store has below a URL, told while it is being asked."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from glmha_cli.errors import NoInputError
from glmha_cli.io.remote.store import attempted, opened
from glmha_cli.io.remote.url import READ_ONLY, Url, decoded

PAGE = 1000
"""Names that are listed at once."""


def listed(url: Url, *, recursive: bool) -> Iterator[str]:
    """Relative paths of the files below a URL, as the store gives them: page by page where it has pages, else folder
    by folder. NoInputError where it cannot be listed.
    """
    system, root = opened(url)
    plain = _plain if url.scheme in READ_ONLY else str
    root = root.rstrip("/")
    page = _s3_pages(system, root, recursive) if url.scheme == "s3" else _folders(system, root, recursive, plain)
    start = len(plain(root))
    while (names := attempted(url, page, failure=NoInputError, what="listed")) is not None:
        yield from (name[start:].lstrip("/") for name in names if not name.endswith("/"))


Page = Callable[[], list[str] | None]
"""Gives the next names, and None at the end; after an exception it may be called again."""


def _plain(address: str) -> str:
    """A link of a web server, decoded, without a dot: of some (Caddy) `./a.png` is `a.png`, and `./` the folder."""
    return "/".join(part for part in decoded(address).split("/") if part != ".")


def _folders(system: Any, root: str, recursive: bool, plain: Callable[[str], str]) -> Page:
    """plain: of what the store calls a file, its name; the store itself is asked by what it calls a folder."""
    waiting = [root]

    def page() -> list[str] | None:
        if not waiting:
            return None
        entries = sorted(
            (plain(entry["name"]), entry["type"], entry["name"]) for entry in system.ls(waiting[0], detail=True)
        )
        folder = plain(waiting.pop(0)).rstrip("/")
        inner = [address for name, kind, address in entries if kind == "directory" and name.rstrip("/") != folder]
        waiting[:0] = inner if recursive else []
        return [name for name, kind, _ in entries if kind == "file"]

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
