"""URLs of files and folders; what may be secret in them is never shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import quote, unquote

from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command

SCHEMES: Mapping[str, str] = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "az": "adlfs",
    "hf": "huggingface_hub",
    "https": "aiohttp",
    "http": "aiohttp",
    "sftp": "paramiko",
    "memory": "fsspec",
}
"""The package that fsspec needs for each."""
READ_ONLY = ("http", "https")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_SECRETS = re.compile(r"(\w[\w+.-]*:/{1,2})(?:[^\s/?#'\"]*@)?([^\s?'\"<>]*)(?:\?[^\s'\"<>]*)?")
_KEPT = re.compile(r"%(?=[01][0-9A-F]|2[3F]|25[0-9A-F]{2}|3F|5C|7F)", re.IGNORECASE)  # controls # / % ? and backslash
_PERCENT = re.compile(r"%(?![0-9A-F]{2})", re.IGNORECASE)
_PLAIN = "".join(map(chr, range(33, 127)))
_AS_PATH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/([^/].*)", re.DOTALL)


def is_url(text: object) -> bool:
    return _URL.match(url_text(text)) is not None


def url_text(text: object) -> str:
    """A name as it was given: made a path, a URL has lost one of its slashes."""
    found = _AS_PATH.match(str(text)) if isinstance(text, PurePath) else None
    return str(text) if found is None else f"{found[1]}://{found[2]}"


def without_secrets(text: str) -> str:
    """A text whose addresses have lost their users and queries, such as the signature of a pre-signed one."""
    return _SECRETS.sub(r"\1\2", text)


def decoded(place: str) -> str:
    """A place as people write it, with its escapes (%C3%BC) as the signs they stand for; those that would mean
    something else are kept, and so is what is no UTF-8.
    """
    try:
        return unquote(_KEPT.sub("%25", place), errors="strict")
    except UnicodeDecodeError:
        return place


@dataclass(frozen=True)
class Url:
    """An address. place: host and path, or bucket and key. user, query: as given; only `address` has them.

    Of web servers the place is decoded, so that files have the names that people gave them. A query is what follows a
    `?` of http(s) and az; in the others it belongs to the name.
    """

    scheme: str
    place: str
    user: str = field(default="", repr=False, compare=False)
    query: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Url":
        """UsageError for a scheme that is none of `SCHEMES`, and for a place that no file can have as its name."""
        found = _URL.match(text)
        assert found is not None  # see `is_url`
        scheme, place = found[1].lower(), found[2]
        if scheme not in SCHEMES:
            raise UsageError(f"'{scheme}://' is not supported", f"use {', '.join(f'{each}://' for each in SCHEMES)}")
        query = ""
        if scheme in ("http", "https", "az"):
            place, _, query = place.partition("?")
        host, slash, path = place.partition("/")
        user, _, host = host.rpartition("@")
        path = decoded(path) if scheme in READ_ONLY else path
        return cls(scheme, host + slash + path, user, query)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"

    @property
    def address(self) -> str:
        """For the library that opens it, and for nothing else."""
        place = _PERCENT.sub("%25", quote(self.place, safe=_PLAIN)) if self.scheme in READ_ONLY else self.place
        return f"{self.scheme}://{self.user and self.user + '@'}{place}{self.query and '?' + self.query}"


def require_library(scheme: str, error: ImportError) -> UsageError:
    """What to install for a scheme."""
    package = SCHEMES[scheme]
    needed = extra_command("remote") if package in ("s3fs", "aiohttp", "fsspec") else f"pip install {package}"
    return UsageError(f"{scheme}:// needs the package {error.name or package}", needed)
