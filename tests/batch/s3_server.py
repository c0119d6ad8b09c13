"""An S3 server on loopback (moto's), and a proxy before it that does to chosen requests what networks and stores do."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], bool]
"""Answers a request itself (True), or lets it through; may change what comes back by `Handler.change`."""


@dataclass
class Proxy:
    """url: where it listens. faults: by (method, end of the path), asked each time. seen: the requests, in order."""

    url: str = ""
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def count(self, method: str, end: str) -> int:
        return sum(each == method and path.partition("?")[0].endswith(end) for each, path in self.seen)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    behind: tuple[str, int]
    change: Callable[[int, list[tuple[str, str]], bytes], tuple[int, list[tuple[str, str]], bytes]]

    def handle_any(self) -> None:
        self.proxy.seen.append((self.command, self.path))
        self.sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.change = lambda status, headers, body: (status, headers, body)
        for (method, end), fault in list(self.proxy.faults.items()):
            if method == self.command and self.path.partition("?")[0].endswith(end) and fault(self):
                return
        connection = http.client.HTTPConnection(*self.behind)
        connection.request(self.command, self.path, self.sent, dict(self.headers))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        self.answer(*self.change(response.status, response.getheaders(), body))

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection") and not (
                name.lower() == "content-length" and self.command != "HEAD"
            ):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - names of http.server

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def serving(behind: tuple[str, int]) -> Iterator[Proxy]:
    proxy = Proxy()
    handler = type("Bound", (Handler,), {"proxy": proxy, "behind": behind})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


# Faults


def error(status: int, code: str, *, times: int = 10**6) -> Fault:
    """An error of the store, the first `times` times."""
    left = [times]

    def fault(handler: Handler) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        body = b"" if handler.command == "HEAD" else f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        handler.answer(status, [("Content-Type", "application/xml")], body)
        return True

    return fault


def slow(seconds: float) -> Fault:
    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        return False

    return fault


def cut(*, times: int = 10**6) -> Fault:
    """The connection ends in the middle of the answer."""
    left = [times]

    def fault(handler: Handler) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        handler.send_response_only(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True
        return True

    return fault


def changed_headers(name: str, values: Iterator[str]) -> Fault:
    """Another value of a header in each answer."""

    def fault(handler: Handler) -> bool:
        value = next(values)

        def change(status: int, headers: list[tuple[str, str]], body: bytes) -> Any:
            return status, [(each, value if each.lower() == name.lower() else old) for each, old in headers], body

        handler.change = change
        return False

    return fault


def first(action: Callable[[], object]) -> Fault:
    """Something that happens just before the first such request."""
    done: list[object] = []

    def fault(handler: Handler) -> bool:
        if not done:
            done.append(action())
        return False

    return fault
