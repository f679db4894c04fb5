"""The proxy's side of the connection: HTTP/1.1 on loopback, refused in few words if it is odd."""

import errno
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice

import h11

from hexauth.machine.clock import Deadline
from hexauth.proxy.routes import Route, Routes
from hexauth.proxy.upstream import Headers

HEAD_BYTES = 64 * 1024
"""The longest head of a request: Hex's tokens have 400 bytes, and some servers' a few thousand."""

IDLE_SECONDS = 120
"""How long a connection may be silent."""

STRANGER_SECONDS = 10
"""How long a connection may take to show that it knows the secret; other users can make some."""

FULL_SECONDS = 0.1
"""How long it takes until another connection is tried, where there are too many."""

LINGER_SECONDS, LINGER_READS = 1, 16
"""How long, and how often, is read what still comes after a refusal."""

READ_BYTES = 256 * 1024

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Gone(Exception):
    """The client has left, or was silent for too long."""


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
    close: Callable[[], object] = lambda: None
    """Called at the end, even if the client had left before the head was sent."""


Handle = Callable[[Call], Answer]


class Connection:
    """One connection of a client, and the requests that come on it one after another."""

    def __init__(
        self,
        peer: socket.socket,
        routes: Routes,
        hosts: frozenset[str],
        patience: float = STRANGER_SECONDS,
    ) -> None:
        self._peer, self._routes, self._hosts = peer, routes, hosts
        self._stranger: Deadline | None = Deadline(patience)
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)

    def serve(self, handle: Handle) -> None:
        """Answer requests until the client, or an error, ends it."""
        try:
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._one(handle):
                self._http.start_next_cycle()
        except Gone:
            pass
        except (OSError, h11.ProtocolError):  # the answer has broken off
            self._break_off()
        finally:
            self._peer.close()

    def _one(self, handle: Handle) -> bool:
        """Answer one request; tell whether another may follow."""
        try:
            event = self._event()
            if not isinstance(event, h11.Request):
                return False
            call = self._call(event)
            answer = handle(call)
        except h11.RemoteProtocolError:
            self._refuse(400)
            return False
        except Refusal as refusal:
            self._refuse(refusal.status)
            return False
        try:
            self._send(answer)
        finally:
            answer.close()
        for _ in call.chunks:  # nobody else has read them
            pass
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _call(self, request: h11.Request) -> Call:
        """Return what `request` is; raises `Refusal` if it is not for us."""
        method = request.method.decode("ascii")
        headers = [(key.decode("ascii"), value.decode("latin-1")) for key, value in request.headers]
        named = [value for key, value in headers if key == "host"]
        size = len(request.target) + sum(len(key) + len(value) for key, value in headers)
        if request.http_version not in (b"1.0", b"1.1") or size > HEAD_BYTES:
            raise Refusal(400)
        if method not in METHODS or not request.target.startswith(b"/"):
            raise Refusal(400)
        if len(named) != 1 or named[0].lower() not in self._hosts:
            raise Refusal(403)
        if any(key in ("origin", "sec-fetch-site") for key, _ in headers):
            raise Refusal(403)  # a page in a browser
        route = self._routes.find(request.target.decode("ascii"))
        if route is None:
            raise Refusal(404)
        lengths = [int(value) for key, value in headers if key == "content-length"]
        is_chunked = any(key == "transfer-encoding" for key, _ in headers)
        if is_chunked and (lengths or request.http_version == b"1.0"):  # RFC 9112 section 6.1
            raise Refusal(400)
        if max(lengths, default=0) > sys.maxsize:
            raise Refusal(400)
        self._stranger = None
        chunks = self._chunks()
        begun = list(islice(chunks, 1))  # a body that is none is refused before anything is sent
        length = None if is_chunked else sum(lengths)
        return Call(route, method, headers, chain(begun, chunks), length)

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
            self._http.receive_data(self._read())
        return event

    def _read(self) -> bytes:
        seconds = IDLE_SECONDS if self._stranger is None else self._stranger.left()
        if seconds == 0:
            raise Gone
        try:
            self._peer.settimeout(seconds)
            return self._peer.recv(READ_BYTES)
        except OSError:
            raise Gone from None

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
        headers = [("Content-Length", "0"), ("Connection", "close")]
        self._write(self._http.send(h11.Response(status_code=status, headers=headers)))
        # Closed with something unread, it would lose the answer (RFC 9112 section 9.6).
        with suppress(OSError):
            self._peer.shutdown(socket.SHUT_WR)
            self._peer.settimeout(LINGER_SECONDS)
            for _ in range(LINGER_READS):
                if not self._peer.recv(READ_BYTES):
                    break

    def _break_off(self) -> None:
        """Let an answer that is over when the connection is not look whole: reset it instead."""
        if self._http.their_http_version != b"1.1":
            with suppress(OSError):
                now = struct.pack("ii", 1, 0)
                self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)

    def _write(self, data: bytes | None) -> None:
        try:
            self._peer.sendall(data or b"")
        except OSError:
            raise Gone from None


def serve(listener: socket.socket, routes: Routes, handle: Handle) -> None:
    """Accept connections, each in a thread of its own, until `listener` is shut down."""
    host, port = listener.getsockname()[:2]
    names = (f"[{host}]" if ":" in host else host, "localhost")
    hosts = frozenset(f"{name}:{port}" for name in names)
    while True:
        try:
            peer, _ = listener.accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL):
                return
            time.sleep(FULL_SECONDS)
            continue
        connection = Connection(peer, routes, hosts)
        try:
            threading.Thread(target=connection.serve, args=(handle,), daemon=True).start()
        except RuntimeError:  # no more threads
            peer.close()
