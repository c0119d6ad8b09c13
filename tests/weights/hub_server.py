"""A small Hugging Face Hub on the loopback interface: real HTTP, files in memory, faults on demand."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def flipped(data: bytes) -> bytes:
    """Other bytes of the same size."""
    return data[:-1] + bytes([data[-1] ^ 1])


@dataclass
class HubServer:
    """files: by (repository, name). fault: what the next answers to downloads suffer.

    `wrong`: wrong bytes of the right size, `wrong once`: in the first download alone, `cut once`: the connection
    ends half-way in the first download, `cut`: in all, and what is left cannot be had; 401, 404, 500: statuses.
    lfs: downloads are redirected to storage, which refuses tokens. token: without it all else is refused. requests:
    "GET /path", and tokens: what came with each. etag: of every file, instead of its hash; anything_goes: also below
    no revision that there is. get_goes_to: where only GET is sent on to.
    """

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    fault: str | int = ""
    lfs: bool = False
    token: str = ""
    commit: str = COMMIT
    etag: str = ""
    anything_goes: bool = False
    get_goes_to: str = ""
    requests: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    repositories: set[str] = field(default_factory=set)
    url: str = ""
    storage_url: str = ""

    def bytes_to_send(self, data: bytes) -> bytes:
        if self.fault in ("wrong", "wrong once"):
            self.fault = "wrong" if self.fault == "wrong" else ""
            return flipped(data)
        return data

    def downloads(self) -> int:
        return sum(request.startswith("GET ") for request in self.requests)


@contextmanager
def running(hub: HubServer) -> Iterator[HubServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.storage_url = f"http://localhost:{server.server_port}/storage"  # another host, as the Hub's storage is
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Tests read `requests` instead."""

    def do_HEAD(self) -> None:
        self.answer_download()

    def do_GET(self) -> None:
        self.answer_download()

    def answer_download(self) -> None:
        path = self.noted()
        if path.startswith("/storage/"):
            leaked = "Authorization" in self.headers
            return self.reply(400) if leaked else self.send_file(self.hub.stored[path.removeprefix("/storage/")], {})
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            return self.reply(401)
        if isinstance(self.hub.fault, int):
            return self.reply(self.hub.fault)
        repository, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        data = self.hub.files.get((repository, name))
        if data is None or not (self.hub.anything_goes or revision in ("main", self.hub.commit)):
            return self.reply(404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": self.hub.commit})
        sha256 = hashlib.sha256(data).hexdigest()
        etag = self.hub.etag or sha256
        about = {"X-Repo-Commit": self.hub.commit, "ETag": f'"{etag}"'}
        self.hub.stored[sha256] = data
        if self.hub.get_goes_to and self.command == "GET":
            return self.reply(302, headers={**about, "Location": f"{self.hub.get_goes_to}/{sha256}"})
        if not self.hub.lfs:
            return self.send_file(data, about)
        linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
        self.reply(302, headers={**about, **linked, "Location": f"{self.hub.storage_url}/{sha256}"})

    def send_file(self, data: bytes, headers: dict[str, str]) -> None:
        if self.command == "HEAD":
            return self.reply(200, headers=headers, size=len(data))
        data = self.hub.bytes_to_send(data)
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        body, status = data[start:], 206 if start else 200
        if start:
            headers = {**headers, "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        if self.hub.fault in ("cut", "cut once"):
            end = 0 if start else len(body) // 2
            self.hub.fault = "" if self.hub.fault == "cut once" else "cut"
            self.close_connection = True
            return self.reply(status, body[:end], headers=headers, size=len(body))
        self.reply(status, body, headers=headers)

    def do_POST(self) -> None:
        path = self.noted()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            return self.reply(401)
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.reply_json({"errors": [], "warnings": []})
        if "/preupload/" in path:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if is_large(file["path"]) else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in json.loads(body)["files"]
            ]
            return self.reply_json({"files": files})
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.hub.storage_url}/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return self.reply_json({"transfer": "basic", "objects": objects})
        if "/commit/" in path:
            return self.commit(path.removeprefix("/api/models/").split("/commit/")[0], body)
        self.reply(404)

    def do_PUT(self) -> None:
        oid = self.noted().removeprefix("/storage/")
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b"".join(chunks(self.rfile))
        else:
            data = self.rfile.read(int(self.headers["Content-Length"]))
        if hashlib.sha256(data).hexdigest() != oid:
            return self.reply(422)
        self.hub.stored[oid] = data
        self.reply(200)

    def create(self, wanted: dict) -> None:
        repository = f"{wanted['organization']}/{wanted['name']}"
        status = 409 if repository in self.hub.repositories else 200
        self.hub.repositories.add(repository)
        self.reply_json({"url": f"{self.hub.url}/{repository}"}, status=status)

    def commit(self, repository: str, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.hub.files[repository, value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.hub.files[repository, value["path"]] = self.hub.stored[value["oid"]]
        self.hub.commit = hashlib.sha1(body).hexdigest()
        self.reply_json(
            {
                "commitUrl": f"{self.hub.url}/{repository}/commit/{self.hub.commit}",
                "commitOid": self.hub.commit,
                "pullRequestUrl": None,
            }
        )

    def noted(self) -> str:
        """The path, of a plain request and of one to a proxy."""
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.tokens.append(self.headers.get("Authorization"))
        return path

    def reply_json(self, data: object, *, status: int = 200) -> None:
        self.reply(status, json.dumps(data).encode(), headers={"Content-Type": "application/json"})

    def reply(
        self, status: int, body: bytes = b"", *, headers: dict[str, str] | None = None, size: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        self.wfile.write(body)


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".onnx"))


def chunks(stream) -> Iterator[bytes]:
    """The parts of a chunked body."""
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()
