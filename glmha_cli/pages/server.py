"""A page and what its scripts ask for, on this machine alone.

Other programs on the machine do not know the address: its path begins with a secret. Other sites' pages do not reach it
by a name of theirs for 127.0.0.1: the Host header must be the loopback address.
"""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from glmha_cli.errors import GlmhaError

LOOPBACK = "127.0.0.1"
Answer = Callable[[Mapping[str, str]], Any]


class PageServer(ThreadingHTTPServer):
    """Serves `page` at `url`, and below it `answers`: name -> what makes JSON of a query; ValueError for a bad one."""

    daemon_threads = True

    def __init__(self, page: str, answers: Mapping[str, Answer], *, port: int = 0) -> None:
        self.folder = f"/{secrets.token_urlsafe(16)}/"
        super().__init__((LOOPBACK, port), partial(_Handler, page.encode(), answers, self.folder))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where a browser has gone: it wants no answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}{self.folder}"


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, page: bytes, answers: Mapping[str, Answer], folder: str, *connection: Any) -> None:
        self.page, self.answers, self.folder = page, answers, folder
        super().__init__(*connection)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = parts.path.removeprefix(self.folder)
        address = f"{LOOPBACK}:{self.connection.getsockname()[1]}"
        if self.headers.get("Host") != address or not parts.path.startswith(self.folder):
            return self.send_error(HTTPStatus.NOT_FOUND)
        if not name:
            return self._send(self.page, "text/html; charset=utf-8")
        if name not in self.answers:
            return self.send_error(HTTPStatus.NOT_FOUND)
        try:
            answer = self.answers[name](dict(parse_qsl(parts.query)))
        except (ValueError, KeyError):
            return self.send_error(HTTPStatus.BAD_REQUEST)
        except (GlmhaError, OSError):  # as of a file that has gone
            return self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
        return self._send(json.dumps(answer).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        headers |= {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: stderr is for what concerns the user."""
