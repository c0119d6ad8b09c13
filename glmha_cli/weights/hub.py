"""The Hugging Face Hub through its own client: HF_HOME, HF_ENDPOINT, HF_TOKEN, mirrors and proxies work as everywhere.

The client is imported when it is used: listing models or a bundled checkpoint needs none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glmha_cli.errors import WeightsUnavailableError, first_line
from glmha_cli.weights.manifest import Hub


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids requests."""
    from huggingface_hub import is_offline_mode

    return is_offline_mode()


def cached(hub: Hub, name: str) -> Path | None:
    """The file in the Hub's cache, not verified.

    Not by `hf_hub_download(local_files_only=True)`: its headers name the client, for which it makes a request.
    """
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(hub.repo_id, name, revision=hub.revision)
    return Path(path) if isinstance(path, str) else None


def download(hub: Hub, name: str, *, progress: bool) -> Path:
    """Fetch the file into the Hub's cache; WeightsUnavailableError says why that is impossible.

    The first request is our own, as the client's download waits 23 s for a server that does not answer.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import disable_progress_bars

    if not progress:
        disable_progress_bars()
    with explained(f"'{name}' of {hub.repo_id}"):
        get_hf_file_metadata(hf_hub_url(hub.repo_id, name, revision=hub.revision))
        return Path(hf_hub_download(hub.repo_id, name, revision=hub.revision))


def discard(path: Path) -> None:
    """Delete a file of the cache: the link in the snapshot and the bytes that it leads to."""
    try:
        while path.is_symlink():
            target = path.parent / path.readlink()
            path.unlink()
            path = target
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsUnavailableError(
            f"'{path}' holds wrong bytes and cannot be deleted ({error.strerror})",
            "delete it, or set HF_HOME to another folder",
        ) from error


def own_folder(name: str) -> Path:
    """A folder of ours in the Hub's cache, for what is made of downloads."""
    from huggingface_hub import cached_assets_path, constants

    try:
        return cached_assets_path("glmha", namespace=name, assets_dir=constants.HF_ASSETS_CACHE)
    except (OSError, ValueError) as error:
        raise WeightsUnavailableError(
            f"cannot create a folder in '{constants.HF_ASSETS_CACHE}'", "set HF_HOME to a folder that can be written"
        ) from error


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Any failure at the Hub as WeightsUnavailableError, with what helps against it."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        hint = {
            401: "hf auth login, or set HF_TOKEN",
            403: "ask for access on the Hub, or set HF_TOKEN",
            404: "pip install --upgrade glmha",
        }.get(status, "try again later")
        raise WeightsUnavailableError(f"{what}: {constants.ENDPOINT} answers {status}", hint) from error
    except Exception as error:  # the client's connection errors share no base class, and differ between its releases
        raise WeightsUnavailableError(
            f"{what}: cannot be fetched from {constants.ENDPOINT} ({first_line(error)})",
            "check the connection, or give --weights-dir DIR",
        ) from error
