"""A server on loopback for the length of a `with` block."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from hexauth.sandbox.serve import Sandbox


class Serving(ThreadingHTTPServer):
    """An HTTP server; whoever makes another one of it says how requests are handled."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


@contextmanager
def gone(sandbox: Sandbox) -> Iterator[None]:
    """Stop a sandbox, and let nobody else have its port meanwhile, where nobody answers."""
    sandbox.stop()
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, int(port)))
        yield
