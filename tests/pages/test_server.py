"""The server of pages, asked by bare connections."""

import socket
import struct
import threading
from urllib.parse import urlsplit

from glmha_cli.errors import NoInputError
from glmha_cli.pages.server import PageServer


def test_a_browser_that_goes_and_a_file_that_has_gone_leave_the_server_and_stderr_alone(capfd):
    def gone(query):
        raise NoInputError("the disk was taken out")

    with PageServer("<p>", {"gone": gone, "long": lambda query: list(range(2_000_000))}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = urlsplit(server.url).path

        def asked(name):
            connection = socket.create_connection(("127.0.0.1", server.server_port))
            host = f"127.0.0.1:{server.server_port}"
            connection.sendall(f"GET {path}{name} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return connection

        with asked("long") as leaving:
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
            leaving.recv(10)
        for name, code in (("gone", b"500"), ("", b"200")):
            with asked(name) as connection:
                assert connection.recv(100).split()[1] == code
        server.shutdown()
    assert capfd.readouterr().err == ""


def test_a_fault_of_ours_is_told_and_the_server_goes_on(capfd):
    def broken(query):
        raise TypeError("a fault of ours")

    with PageServer("<p>", {"broken": broken}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, answer in (("broken", b""), ("", b"HTTP/1.0 200")):
            with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
                path, host = urlsplit(server.url).path + name, f"127.0.0.1:{server.server_port}"
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                assert connection.recv(12) == answer
        server.shutdown()
    assert "a fault of ours" in capfd.readouterr().err
