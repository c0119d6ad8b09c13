"""The Hugging Face Hub through its own client: HF_HOME, HF_ENDPOINT, HF_TOKEN, mirrors and proxies work as everywhere.

The client is imported when it is used: listing models or a bundled checkpoint needs none.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from glmha_cli.errors import UsageError, WeightsUnavailableError, first_line
from glmha_cli.io.remote.url import without_secrets
from glmha_cli.weights.hub_guard import guarded
from glmha_cli.weights.manifest import Hub

READ = ("HF_", "HUGGINGFACE_", "XDG_CACHE_HOME")  # variables that the client reads
NUMBERS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")  # seconds, which the client reads when it is imported
SET_ASIDE = "set-aside-by-glmha"


def client() -> ModuleType:
    """huggingface_hub; UsageError for settings of it that are not what they must be. An empty one counts as unset."""
    for name in [name for name, value in os.environ.items() if name.startswith(READ) and not value.strip()]:
        del os.environ[name]  # an empty one would put the cache into the current folder, …
    if not os.path.isabs(os.environ.get("XDG_CACHE_HOME", os.sep)):
        del os.environ["XDG_CACHE_HOME"]  # … and so would one that the XDG base directories say to ignore
    for name in NUMBERS:
        value = os.environ.get(name, "0").strip()
        if not value.isdecimal():
            raise UsageError(f"{name} is '{value}', not a whole number of seconds", f"unset {name}")
    endpoint = os.environ.get("HF_ENDPOINT", "").strip()
    if endpoint and not _is_address(endpoint):
        raise UsageError(f"HF_ENDPOINT is '{without_secrets(endpoint)}', not the address of a Hub", "unset HF_ENDPOINT")
    import huggingface_hub
    import huggingface_hub.constants
    import huggingface_hub.errors
    import huggingface_hub.utils  # none of them is there before it is named

    return huggingface_hub


def _is_address(text: str) -> bool:
    """Whether a web server may be there."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an end, a port that is no number
        return False


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids requests."""
    return client().is_offline_mode()


def cached(hub: Hub, name: str) -> Path | None:
    """The file in the Hub's cache, not verified.

    Not by `hf_hub_download(local_files_only=True)`: its headers name the client, for which it makes a request.
    """
    hf = client()
    try:
        path = hf.try_to_load_from_cache(hub.repo_id, name, revision=hub.revision)
    except (OSError, ValueError):  # what names the newest commit is no text, or cannot be read
        return None
    return Path(path) if isinstance(path, str) else None


def download(hub: Hub, name: str, *, progress: bool) -> Path:
    """Fetch the file into the Hub's cache; WeightsUnavailableError says why that is impossible.

    The first request is our own, as the client's download waits 23 s for a server that does not answer.
    """
    hf = client()
    require_home(hf.constants.HF_HUB_CACHE)
    if not progress:
        hf.utils.disable_progress_bars()
    with explained(f"'{name}' of {hub.repo_id}"), guarded():
        hf.get_hf_file_metadata(hf.hf_hub_url(hub.repo_id, name, revision=hub.revision))
        return Path(hf.hf_hub_download(hub.repo_id, name, revision=hub.revision))


def set_aside(path: Path) -> Path:
    """Move a file of wrong bytes out of the way, within its repository's folder of the cache; returns where it is now.

    Only a regular file that lies inside the cache once all links are followed is ever moved. Raises
    WeightsUnavailableError for any other, which stays as it is: it may be anyone's.
    """
    cache = Path(client().constants.HF_HUB_CACHE).resolve()
    real = path.resolve()
    if not (real.is_file() and real.is_relative_to(cache)):
        raise WeightsUnavailableError(
            f"'{path}' is not the published file, and is a link out of the Hub's cache, to '{real}'",
            "remove that link, or set HF_HOME to another folder",
        )
    folder = cache / real.relative_to(cache).parts[0] / SET_ASIDE
    try:
        folder.mkdir(exist_ok=True)
        return real.replace(folder / real.name)
    except OSError as error:
        raise WeightsUnavailableError(
            f"'{path}' holds wrong bytes and cannot be moved aside ({error.strerror})",
            "delete it, or set HF_HOME to another folder",
        ) from error


def own_folder(name: str) -> Path:
    """A folder of ours in the Hub's cache, for what is made of downloads."""
    hf = client()
    assets = hf.constants.HF_ASSETS_CACHE
    require_home(assets)
    try:
        return hf.cached_assets_path("glmha", namespace=name, assets_dir=assets)
    except (OSError, ValueError) as error:
        raise WeightsUnavailableError(
            f"cannot create a folder in '{assets}'", "set HF_HOME to a folder that can be written"
        ) from error


def require_home(folder: str | Path) -> None:
    """WeightsUnavailableError for a folder in the home of a user without one: a folder called `~` would be made."""
    if str(folder).startswith("~"):
        raise WeightsUnavailableError("this user has no home folder to keep weights in", "set HF_HOME to a folder")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Any failure at the Hub as WeightsUnavailableError, with what helps against it."""
    hf = client()
    endpoint = without_secrets(hf.constants.ENDPOINT)
    try:
        yield
    except hf.errors.HfHubHTTPError as error:
        status = error.response.status_code
        hint = {
            401: "hf auth login, or set HF_TOKEN",
            403: "ask for access on the Hub, or set HF_TOKEN",
            404: "pip install --upgrade glmha",
        }.get(status, "try again later")
        raise WeightsUnavailableError(f"{what}: {endpoint} answers {status}", hint) from error
    except Exception as error:  # the client's connection errors share no base class, and differ between its releases
        raise WeightsUnavailableError(
            f"{what}: cannot be fetched from {endpoint} ({without_secrets(first_line(error))})",
            "check the connection, or give --weights-dir DIR",
        ) from error
