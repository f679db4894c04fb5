"""The proxy's side of the connection: HTTP/1.1 on loopback, refused in few words if it is odd."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import h11

from hexauth.proxy.routes import Route, Routes
from hexauth.proxy.upstream import Headers

HEAD_BYTES = 64 * 1024
"""The longest head of a request: Hex's tokens have 400 bytes, and some servers' a few thousand."""

IDLE_SECONDS = 120
"""How long a connection may be silent."""

READ_BYTES = 256 * 1024

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Refusal(Exception):
    """A request that is answered with this `status`, and without a word."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Call:
    """A request that may pass: where it goes, and what it brings along."""

    route: Route
    method: str
    headers: Headers
    chunks: Iterator[bytes]
    length: int | None
    """Bytes of the body; None if they come in chunks."""


@dataclass(frozen=True)
class Answer:
    """What is answered: a status, headers, and a body that may come bit by bit."""

    status: int
    headers: Headers
    body: Iterator[bytes]
    reason: str = ""


Handle = Callable[[Call], Answer]


class Connection:
    """One connection of a client, and the requests that come on it one after another."""

    def __init__(self, peer: socket.socket, routes: Routes, hosts: frozenset[str]) -> None:
        self._peer, self._routes, self._hosts = peer, routes, hosts
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)

    def serve(self, handle: Handle) -> None:
        """Answer requests until the client, or an error, ends it."""
        try:
            self._peer.settimeout(IDLE_SECONDS)
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._one(handle):
                self._http.start_next_cycle()
        except (OSError, h11.ProtocolError):  # it has gone, or speaks something else
            pass
        finally:
            with suppress(OSError):
                self._peer.shutdown(socket.SHUT_RDWR)
            self._peer.close()

    def _one(self, handle: Handle) -> bool:
        """Answer one request; tell whether another may follow."""
        try:
            event = self._event()
            if not isinstance(event, h11.Request):
                return False
            call = self._call(event)
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint if error.error_status_hint != 431 else 400)
            return False
        except Refusal as refusal:
            self._refuse(refusal.status)
            return False
        answer = handle(call)
        self._send(answer)
        for _ in call.chunks:  # nobody else has read them
            pass
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _call(self, request: h11.Request) -> Call:
        """Return what `request` is; raises `Refusal` if it is not for us."""
        method = request.method.decode("ascii")
        headers = [(key.decode("ascii"), value.decode("latin-1")) for key, value in request.headers]
        named = [value for key, value in headers if key == "host"]
        if method not in METHODS or not request.target.startswith(b"/"):
            raise Refusal(400)
        if len(named) != 1 or named[0].lower() not in self._hosts:
            raise Refusal(403)
        if any(key in ("origin", "sec-fetch-site") for key, _ in headers):
            raise Refusal(403)  # a page in a browser
        route = self._routes.find(request.target.decode("ascii"))
        if route is None:
            raise Refusal(404)
        lengths = [value for key, value in headers if key == "content-length"]
        is_chunked = any(key == "transfer-encoding" for key, _ in headers)
        length = None if is_chunked else int(lengths[0]) if lengths else 0
        return Call(route, method, headers, self._chunks(), length)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the body of the request that is being read."""
        if self._http.they_are_waiting_for_100_continue:
            self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        while self._http.their_state is h11.SEND_BODY:
            event = self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._peer.recv(READ_BYTES))
        return event

    def _send(self, answer: Answer) -> None:
        head = h11.Response(
            status_code=answer.status,
            headers=[
                (key.encode("ascii"), value.encode("latin-1")) for key, value in answer.headers
            ],
            reason=answer.reason.encode("latin-1"),
        )
        self._write(self._http.send(head))
        for chunk in answer.body:
            for part in self._http.send_with_data_passthrough(h11.Data(data=chunk)) or ():
                self._write(part)
        self._write(self._http.send(h11.EndOfMessage()))

    def _refuse(self, status: int) -> None:
        headers = [("Connection", "close"), ("Content-Length", "0")]
        with suppress(h11.LocalProtocolError):
            self._write(self._http.send(h11.Response(status_code=status, headers=headers)))

    def _write(self, data: bytes | None) -> None:
        if data:
            self._peer.sendall(data)


def serve(listener: socket.socket, routes: Routes, handle: Handle) -> None:
    """Accept connections for ever, each in a thread of its own; the process ends it."""
    host, port = listener.getsockname()[:2]
    names = (f"[{host}]" if ":" in host else host, "localhost")
    hosts = frozenset(f"{name}:{port}" for name in names)
    while True:
        peer, _ = listener.accept()
        connection = Connection(peer, routes, hosts)
        threading.Thread(target=connection.serve, args=(handle,), daemon=True).start()
