"""Weights in a folder that a URL names: fetched once, and kept beside the Hub's cache under their sha256."""

import secrets
from http import HTTPStatus
from pathlib import Path

from glmha_cli.errors import NoInputError, WeightsUnavailableError
from glmha_cli.io.remote import store
from glmha_cli.io.remote.url import Url
from glmha_cli.weights.hub import client, require_home
from glmha_cli.weights.integrity import difference
from glmha_cli.weights.manifest import FileEntry


def kept(folder: str, file: FileEntry, *, offline: bool = False) -> Path | None:
    """The file of a folder, here and verified; None where the folder does not have it, or it would have to be asked.

    NoInputError where it cannot be asked; WeightsUnavailableError for a file that is not the published one.
    """
    cache = Path(client().constants.HF_HOME) / "glmha" / file.sha256
    path = cache / file.name
    if path.is_file() and not difference(path, file):
        return path
    url = Url.parse(f"{folder.rstrip('/')}/{file.name}")
    if offline or not _has(url):
        return None
    require_home(cache)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = cache / f".{secrets.token_hex(6)}"
    try:
        store.fetch(url, temporary)
        if problem := difference(temporary, file):
            raise WeightsUnavailableError(f"'{url}' is not the published file: {problem}", "replace it there")
        return temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _has(url: Url) -> bool:
    """A web server that lists nothing to strangers, as S3, answers 403 for what is not there."""
    try:
        return store.facts_of(url) is not None
    except NoInputError as error:
        if isinstance(error.__cause__, Exception) and store.status_of(error.__cause__) == HTTPStatus.FORBIDDEN:
            return False
        raise
