"""An HTTP proxy that wants a password and lets through what asks by CONNECT (RFC 9110, 9.3.6)."""

import select
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Proxy(ThreadingTCPServer):
    """What it was asked, and whom it lets through."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.credential = b"Basic " + b64encode(f"{user}:{password}".encode())
        self.tls: ssl.SSLContext | None = None
        self.asked: list[str] = []
        self.refusal = b""
        """What is said to everybody instead, if anything."""
        self.leads_to: tuple[str, int] | None = None
        """Where everybody is led, wherever they want to go."""

    @property
    def place(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *call: object) -> None:
        """Say nothing: whoever breaks off a connection has a reason."""


class Handler(StreamRequestHandler):
    server: Proxy

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        line = self.rfile.readline().decode("latin-1")
        headers = {}
        while (header := self.rfile.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            headers[name.lower()] = value.strip()
        self.server.asked.append(line.rpartition(" ")[0])  # without the version
        if headers.get(b"proxy-authorization") != self.server.credential:
            self.wfile.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
            )
        elif self.server.refusal:
            self.wfile.write(self.server.refusal)
            self.request.shutdown(socket.SHUT_WR)
            with suppress(OSError):  # closed with something unread, it would be reset
                while self.request.recv(4096):
                    pass
        else:
            host, _, port = line.split()[1].rpartition(":")
            with socket.create_connection(self.server.leads_to or (host, int(port))) as there:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                with suppress(OSError):
                    self._tunnel(there)

    def _tunnel(self, there: socket.socket) -> None:
        ends = {self.request: there, there: self.request}
        while True:
            pending = isinstance(self.request, ssl.SSLSocket) and self.request.pending()
            for end in [self.request] if pending else select.select(list(ends), [], [])[0]:
                if not (data := end.recv(65536)):
                    return
                ends[end].sendall(data)


@contextmanager
def proxy(user: str, password: str) -> Iterator[Proxy]:
    """Serve a proxy for as long as the block takes."""
    with Proxy(user, password) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield served
        finally:
            served.shutdown()
            thread.join()
