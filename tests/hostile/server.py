"""A server that says any bytes at any speed, and never more than it was asked for."""

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

MOST = 200 * 1024 * 1024
"""How much is said at most by a `Flood`: more than may ever be kept."""


@dataclass(frozen=True)
class Drip:
    """These bytes one by one, over and over, with a pause before each."""

    said: bytes
    pause: float = 0.2


@dataclass(frozen=True)
class Flood:
    """These bytes over and over, as fast as they are taken."""

    said: bytes
    most: int = MOST


@dataclass(frozen=True)
class Pause:
    """Nothing for so many seconds, or until the client leaves."""

    seconds: float = 60


@dataclass(frozen=True)
class Reset:
    """The connection is torn down."""


Step = bytes | Drip | Flood | Pause | Reset
Answer = Sequence[Step]

KINDS = {"device_code": "poll", "refresh_token": "refresh", "client_credentials": "exchange"}


class Hostile:
    """A server that answers at each endpoint what `answers` has, the last one over and over.

    `{here}` in an answer is the server's own address. The connection is closed behind an answer.
    One that is `deaf` hears no request before it says what it has for "other".
    """

    def __init__(self, answers: Mapping[str, Sequence[Answer]], *, deaf: bool = False) -> None:
        self.answers = dict(answers)
        self.deaf = deaf
        self.counts: Counter[str] = Counter()
        self.cookies = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
                self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(10)
        with closing(peer), suppress(OSError):
            endpoint = "other" if self.deaf else self._endpoint(peer)
            number = self.counts[endpoint]
            self.counts[endpoint] += 1
            answers = self.answers.get(endpoint) or [()]
            for step in answers[min(number, len(answers) - 1)]:
                self._say(peer, step)
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(0.5)
            peer.recv(65536)  # until the client has read it all and leaves

    def _endpoint(self, peer: socket.socket) -> str:
        said = b""
        while b"\r\n\r\n" not in said and (more := peer.recv(65536)):
            said += more
        head, _, body = said.partition(b"\r\n\r\n")
        path, *lines = head.decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        self.cookies += "cookie" in fields
        while len(body) < int(fields.get("content-length", 0)) and (more := peer.recv(65536)):
            body += more
        return _kind(path.split()[1], parse_qs(body.decode()))

    def _say(self, peer: socket.socket, step: Step) -> None:
        if isinstance(step, bytes):
            peer.sendall(step.replace(b"{here}", self.url.encode()))
        elif isinstance(step, Drip):
            for number in range(10**6):
                if self._over.wait(step.pause):
                    return
                at = number % len(step.said)
                peer.sendall(step.said[at : at + 1])
        elif isinstance(step, Flood):
            block = step.said * max(1, 65536 // len(step.said))
            for _ in range(step.most // len(block)):
                peer.sendall(block)
        elif isinstance(step, Pause):
            if _has_left(peer, step.seconds):
                raise ConnectionError
        else:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()


def _has_left(peer: socket.socket, seconds: float) -> bool:
    """Wait so long, and tell whether the client has left meanwhile."""
    peer.settimeout(seconds)
    try:
        return peer.recv(1) == b""
    except TimeoutError:
        return False
    finally:
        peer.settimeout(10)


def _kind(path: str, form: Mapping[str, list[str]]) -> str:
    """Return the endpoint that a request is for, by its path and grant."""
    path = path.partition("?")[0]
    if path.endswith("/token"):
        grant = form.get("grant_type", [""])[0]
        return next(kind for end, kind in KINDS.items() if grant.endswith(end))
    ends = {"/device_authorization": "device", "revoke": "revoke", "/users/me": "user"}
    ends |= {"openid-configuration": "openid", "/userinfo": "user"}
    if "oauth-authorization-server" in path:
        return "metadata"
    if "/api/things" in path:
        return "api"
    return next(
        (kind for end, kind in ends.items() if path.partition("_by_hash")[0].endswith(end)), "other"
    )


def http(body: bytes, status: str = "200 OK", *lines: str, kind: str = "application/json") -> bytes:
    """Return an answer whose length is told."""
    more = "".join(f"{line}\r\n" for line in lines)
    more += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    head = f"HTTP/1.1 {status}\r\n{more}\r\n"
    return head.encode("latin-1") + body


def said(facts: Any, status: str = "200 OK", *lines: str) -> bytes:
    """Return an answer that is JSON."""
    return http(json.dumps(facts).encode(), status, *lines)
