"""What a server of the Hub may make its client do.

The client makes paths of what a server answers (`blobs/<etag>`, `snapshots/<commit>`), and sends the user's token to
several hosts. Here an answer is checked before any path is made of it, and the token goes to the Hub alone.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COMMIT = re.compile(r"[0-9a-f]{40}")
ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 of a file in Git, SHA-256 of one in its large file storage


@contextmanager
def guarded() -> Iterator[None]:
    """Requests of huggingface_hub made inside are checked, also those of sessions that it opens anew.

    ValueError for an answer whose commit or ETag is none.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    before = _http._GLOBAL_CLIENT_FACTORY  # there is no public way to ask for it

    def factory() -> Any:
        session = before()
        session.event_hooks["request"].append(keep_token_home)
        session.event_hooks["response"].append(require_identifiers)
        return session

    set_client_factory(factory)
    try:
        yield
    finally:
        set_client_factory(before)


def keep_token_home(request: Any) -> None:
    """Take the token off a request to any other scheme, host or port than those of the Hub's endpoint."""
    from huggingface_hub import constants

    home = type(request.url)(constants.ENDPOINT)
    if _origin(request.url) != _origin(home):
        request.headers.pop("authorization", None)


def _origin(url: Any) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def require_identifiers(response: Any) -> None:
    """Raise ValueError unless commit and ETag of an answer about a file are such. What only sends the client on within
    the same host passes, as the client takes neither from it.
    """
    commit = response.headers.get("X-Repo-Commit")
    moves_on = response.has_redirect_location
    if moves_on and _origin(response.url.join(response.headers["Location"])) == _origin(response.url):
        return
    if commit is not None and not COMMIT.fullmatch(commit):
        raise ValueError(f"the server's commit is none: {commit[:80]!r}")
    etag = response.headers.get("X-Linked-Etag") or response.headers.get("ETag")
    if commit is not None and etag is not None and not ETAG.fullmatch(etag.removeprefix("W/").strip('"')):
        raise ValueError(f"the server's ETag is no hash: {etag[:80]!r}")
