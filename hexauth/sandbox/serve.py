"""The sandbox as a server: threads on loopback, plain or TLS, gone when it is stopped."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from hexauth.errors import HexauthError
from hexauth.sandbox import registry
from hexauth.sandbox.app import create_app
from hexauth.sandbox.faults import Faults, parse
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.journal import Journal
from hexauth.sandbox.options import Options

HOST = "127.0.0.1"
BACKLOG = 1024
"""Connections that may wait: a stampede of processes comes within milliseconds."""

POLL_SECONDS = 0.05
"""How long it takes the server to notice that it is to stop."""

HANDSHAKE_SECONDS = 10


class Sandbox:
    """A Hex server with one user, on a free port of 127.0.0.1; use it in a `with` block.

    `now` returns unix seconds: tests hand in a clock they can move. With `tls` it speaks HTTPS.
    `address` is another one of this machine's to serve at, for hosts that reach it there. `start`
    raises `HexauthError` if the port is taken.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        address: str = HOST,
    ) -> None:
        self.options = options or Options()
        self.journal = Journal()
        self.hexpm = Hexpm(self.options, now=now, count=self.journal.count)
        self.faults = Faults(tuple(parse(text) for text in self.options.faults))
        self.url = ""
        self._tls = tls
        self._address = address
        self._stopping = threading.Event()
        self._app = create_app(
            self.hexpm,
            self.journal,
            self.faults,
            stopping=self._stopping,
            now=now,
            address=address,
        )
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._open: set[socket.socket] = set()

    @property
    def api_url(self) -> str:
        """The value for `HEX_API_URL`."""
        return f"{self.url}/api"

    @property
    def repository_url(self) -> str | None:
        """The value for `HEX_TRUSTED_MIRROR_URL`, if a registry is served."""
        return None if self.options.registry is None else f"{self.url}{registry.PREFIX}"

    def start(self) -> None:
        """Serve from now on; `url` is known when this returns."""
        with _listen(self._address, self.options.port) as listening:
            self._server = make_server(
                self._address,
                listening.getsockname()[1],
                self._app,
                threaded=True,
                request_handler=_handler(self._tls, self._open),
                fd=listening.fileno(),
            )
        self._server.ssl_context = self._tls
        port = self._server.socket.getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://{self._address}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and the port; a sandbox that never started is fine."""
        self._stopping.set()
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise HexauthError(
            f"Port {port} cannot be used: {error.strerror}.",
            hint="Choose another one with --port, or leave the option out.",
        ) from error
    return listening


def _handler(tls: ssl.SSLContext | None, open_ones: set[socket.socket]) -> type[WSGIRequestHandler]:
    """Return a request handler that is quiet, and keeps its connection in `open_ones`."""

    class Handler(WSGIRequestHandler):
        def __init__(self, *of_the_connection: Any) -> None:  # noqa: ANN401  (passed on as it is)
            """Serve one connection; one that breaks, or fails to shake hands, is its client's."""
            with suppress(OSError):
                super().__init__(*of_the_connection)

        def setup(self) -> None:
            """Shake hands here, in the connection's own thread, so that nobody else waits."""
            if tls is not None:
                self.request.settimeout(HANDSHAKE_SECONDS)
                self.request = tls.wrap_socket(self.request, server_side=True)
                self.request.settimeout(None)
            open_ones.add(self.request)
            super().setup()

        def finish(self) -> None:
            try:
                super().finish()
            finally:
                open_ones.discard(self.request)
                if tls is not None:
                    self.request.close()

        def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  (werkzeug's)
            """Say nothing: `/sandbox/log` tells it better."""

    return Handler
