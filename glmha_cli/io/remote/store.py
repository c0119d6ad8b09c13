"""What is asked of a store: what is there, get it, put it; whole or not at all, tried again, and checked afterwards.

Credentials come by the ways of the stores' own libraries alone (environment, configuration files, roles of machines).
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from glmha_cli.errors import CannotCreateError, GlmhaError, NoInputError, OutputError, UsageError
from glmha_cli.io.remote.url import READ_ONLY, Url, require_library, without_secrets

Result = TypeVar("Result")
ABSENT, DENIED = (404, 410), (401, 403)
"""Answers of web servers that stay, however often they are asked."""
PAUSES_SECONDS = (0.2, 1.0, 3.0)
"""Between the attempts of what a store refuses for the moment, or a connection loses."""
OPTIONS: Mapping[str, dict[str, Any]] = {
    # One layer tries again, this one; s3fs does so too for what S3 calls "slow down".
    "s3": {"config_kwargs": {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60}},
    # Proxies by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as all others heed them.
    "https": {"client_kwargs": {"trust_env": True}},
    "http": {"client_kwargs": {"trust_env": True}},
    "memory": {},
}
UNCHANGING = ("ETag", "etag", "md5Hash", "generation", "mtime", "created", "LastModified", "last_modified")
"""Names of what a store tells of a file that is another once the file has been written anew, the best first."""


def opened(url: Url) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path there. UsageError where its library is not installed."""
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url.address, use_listings_cache=False, **OPTIONS.get(url.scheme, {}))
    except ImportError as error:
        raise require_library(url.scheme, error) from error
    except (ValueError, OSError) as error:
        raise UsageError(f"'{url}' cannot be opened: {plainly(error, url)}") from error
    return system, path


def plainly(error: BaseException, url: Url) -> str:
    """What went wrong, on one line, without what may be secret in the address, or in one that it leads to."""
    text = without_secrets(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    for secret in filter(None, (url.query, url.user, url.user.partition(":")[2])):
        text = text.replace(secret, "…")
    return " ".join(text.split())[:300]


def origin(error: Exception) -> BaseException:
    """What was answered, or hindered the answer: fsspec says of web servers that there is no file, whatever it was."""
    cause = error.__cause__
    is_of_web = isinstance(cause, TimeoutError | ValueError) or type(cause).__module__.startswith("aiohttp")
    return cause if cause is not None and is_of_web else error


def status_of(error: Exception) -> int | None:
    """What a web server answered."""
    return getattr(origin(error), "status", None)


def is_absent(error: Exception) -> bool:
    return isinstance(origin(error), FileNotFoundError) or status_of(error) in ABSENT


def attempted(url: Url, call: Callable[[], Result], *, failure: type[GlmhaError], what: str) -> Result:
    """What `call` gives, tried again where that may help; else one clear error: `failure`, or a plainer one."""
    for pause in (*PAUSES_SECONDS, None):
        try:
            return call()
        except GlmhaError:
            raise
        except Exception as error:  # each store has its own
            if is_absent(error):
                raise NoInputError(f"'{url}' is not there") from error
            found = origin(error)
            if isinstance(found, PermissionError) or status_of(error) in DENIED:
                message = f"'{url}' cannot be {what}: access denied"
                raise failure(message, "check the address, and the credentials of this machine") from error
            if pause is None:
                times = len(PAUSES_SECONDS) + 1
                message = f"'{url}' cannot be {what}, tried {times} times: {plainly(found, url)}"
                raise failure(message, "run again with --record and --resume") from error
            time.sleep(pause * (1 + secrets.randbelow(100) / 200))
    raise AssertionError


def facts(system: Any, path: str) -> dict[str, Any]:
    """What tells a file from a changed one: `bytes` and `etag`, which is the store's own mark, whatever it calls it."""
    info = system.info(path)
    mark = next((info[name] for name in UNCHANGING if info.get(name)), "")
    return {"bytes": info.get("size"), "etag": str(mark).strip('"')}


def facts_of(url: Url) -> dict[str, Any] | None:
    """The facts of a file; None where there is none."""
    system, path = opened(url)
    try:
        return attempted(url, lambda: facts(system, path), failure=NoInputError, what="looked at")
    except NoInputError as error:
        if isinstance(error.__cause__, Exception) and is_absent(error.__cause__):
            return None
        raise


def fetch(url: Url, target: Path) -> dict[str, Any]:
    """Get a file, and its facts. NoInputError where it is not to be had, or is another before and after."""
    system, path = opened(url)

    def get() -> dict[str, Any]:
        before = facts(system, path)
        system.get_file(path, str(target))
        after = facts(system, path)
        size = target.stat().st_size
        if before != after or (before["bytes"] is not None and before["bytes"] != size):
            raise OSError(f"it changed while it was read, or {size} of {before['bytes']} bytes came")
        return {**before, "bytes": size}

    try:
        return attempted(url, get, failure=NoInputError, what="fetched")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def require_writable(url: Url) -> None:
    """CannotCreateError where nothing can be put."""
    if url.scheme in READ_ONLY:
        raise CannotCreateError(f"'{url}': {url.scheme}:// can only be read", "name an output elsewhere")


def send(source: Path, url: Url, *, overwrite: bool) -> dict[str, Any]:
    """Put a file, whole or not at all, compare what is there then, and return its facts.

    CannotCreateError where something is there and may not be replaced; OutputError where it cannot be put.
    """
    require_writable(url)
    system, path = opened(url)

    def put() -> dict[str, Any]:
        try:
            _put(system, source, path, overwrite=overwrite, in_steps=url.scheme == "sftp")
        except Exception as error:
            if not _is_taken(error):
                raise
            if not _is_same(system, path, source):  # else an earlier attempt came through, and its answer got lost
                raise CannotCreateError(f"'{url}' exists already", "--overwrite") from error
        if not _is_same(system, path, source):
            raise OSError("what is there differs from what was sent")
        return facts(system, path)

    return attempted(url, put, failure=OutputError, what="written")


def _put(system: Any, source: Path, path: str, *, overwrite: bool, in_steps: bool) -> None:
    """in_steps: where others would see a file grow, it gets its name when it is whole."""
    if not in_steps:
        system.put_file(str(source), path, mode="overwrite" if overwrite else "create")
        return
    if not overwrite and system.exists(path):
        raise FileExistsError
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.glmha-{secrets.token_hex(6)}-{name}"
    system.makedirs(folder, exist_ok=True)
    try:
        system.put_file(str(source), temporary)
        system.mv(temporary, path)
    except BaseException:
        if system.exists(temporary):
            system.rm_file(temporary)
        raise


def _is_taken(error: BaseException | None) -> bool:
    response = getattr(error.__cause__, "response", None) if error is not None else None
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return isinstance(error, FileExistsError) or code in ("PreconditionFailed", "ConditionalRequestConflict", "412")


def _is_same(system: Any, path: str, source: Path) -> bool:
    """By size, and by the MD5 that S3 and Google tell of what was put at once; where they tell none, it is read."""
    content = source.read_bytes()
    info = system.info(path)
    if info.get("size") != len(content):
        return False
    md5 = hashlib.md5(content, usedforsecurity=False)
    told = (str(info.get("ETag", "")).strip('"'), info.get("md5Hash"))
    if md5.hexdigest() in told or base64.b64encode(md5.digest()).decode() in told:
        return True
    return bool(system.cat_file(path) == content)
