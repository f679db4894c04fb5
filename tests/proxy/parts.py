"""A proxy in threads of the test, a server behind it that says any bytes, and a client that does.

What has been started is stopped at the end of its `with` block, threads included.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import h11

from hexauth.proxy import launch
from hexauth.proxy.passing import Passing
from hexauth.proxy.routes import Routes, routes
from hexauth.proxy.server import serve
from hexauth.proxy.supply import Supply
from hexauth.proxy.upstream import Upstream
from hexauth.vault.home import Home
from tests.homes import home
from tests.waiting import until

SECONDS = 30
"""The longest that a client here waits for the next bytes."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Last:
    """An answer after which the connection is closed."""

    said: bytes


@dataclass(frozen=True)
class Asked:
    """A request that the server got, whole."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


Answer = bytes | Last | Callable[[Asked], bytes]


class Origin:
    """A server that says the given answers, one after another, and the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers = list(answers or [OK])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._open.add(peer)
                self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
                self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        with closing(peer), suppress(OSError, h11.RemoteProtocolError):
            while (asked := read_request(peer)) is not None:
                self.asked.append(asked)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                said = answer(asked) if callable(answer) else answer
                peer.sendall(said.said if isinstance(said, Last) else said)
                if isinstance(said, Last):
                    break


def read_request(peer: socket.socket) -> Asked | None:
    """Return the next request of a client that does not send two at once."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
    head, body = None, b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(peer.recv(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = [(key.decode(), value.decode("latin-1")) for key, value in head.headers]
            return Asked(head.method.decode(), head.target.decode(), headers, body)
        else:
            return None


@dataclass
class Proxy:
    """A proxy that serves."""

    port: int
    base: str
    routes: Routes
    supply: Supply
    said: list[str] = field(default_factory=list)
    """What it told the person."""

    def head(self, path: str = "/repo/names", method: str = "GET", **headers: str) -> bytes:
        """Return the head of a good request, up to its empty line."""
        lines = [f"{method} /{self.routes.secret}{path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")

    def ask(self, request: bytes, *, finish: bool = True) -> bytes:
        """Send `request` on a connection of its own; return all that is said."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as client:
            with suppress(OSError):
                client.sendall(request)
                if finish:
                    client.shutdown(socket.SHUT_WR)
            return heard(client)

    def get(self, path: str = "/repo/names", method: str = "GET", **headers: str) -> "Heard":
        """Send a request without a body; return the answer."""
        return self.send(self.head(path, method, **headers), method)

    def send(self, request: bytes, method: str = "GET") -> "Heard":
        """Send a request, and return the answer to it."""
        return answers(self.ask(request), method)[0]


@dataclass(frozen=True)
class Heard:
    """An answer, as h11 understands it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_whole: bool

    def all(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


def heard(client: socket.socket) -> bytes:
    """Return what a server says until it closes the connection, or resets it."""
    found = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            found += part
    return found


def answers(said: bytes, *methods: str) -> list[Heard]:
    """Return the answers in what a server said before it closed the connection."""
    return list(_answers(said, methods))


def _answers(said: bytes, methods: Iterable[str]) -> Iterator[Heard]:
    for method in methods:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1024 * 1024)
        http.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        http.send(h11.EndOfMessage())
        http.receive_data(said)
        http.receive_data(b"")
        head, body, is_whole = None, b"", False
        with suppress(h11.RemoteProtocolError):
            while not is_whole:
                event = http.next_event()
                assert not isinstance(event, h11.ConnectionClosed), "there is no answer"
                if isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
                is_whole = isinstance(event, h11.EndOfMessage)
        assert head is not None, said
        headers = [(key.decode(), value.decode("latin-1")) for key, value in head.headers]
        yield Heard(head.status_code, headers, body, is_whole)
        said = http.trailing_data[0]


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), SECONDS)
        return client, listener.accept()[0]


def chunked(*chunks: bytes) -> bytes:
    """Return a body in chunks (RFC 9112 section 7.1)."""
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*chunks, b""))


@contextmanager
def proxying(
    folder: Path, environ: Mapping[str, str], *, ask: bool | None = None, visible: bool = False
) -> Iterator[Proxy]:
    """Serve a proxy, which the home in `folder` and `environ` belongs to."""
    started = set(threading.enumerate())
    listener = socket.socket(fileno=launch.listen().detach())
    secret = launch.new_secret()
    said: list[str] = []

    def open_home() -> Home:
        return home(folder, environ, visible=visible)

    here = open_home()
    found, supply = routes(here.settings, secret), Supply(open_home, ask)
    screen = type(here.screen)(said.append, visible=visible)
    base = launch.base(listener, secret)
    handler = Passing(Upstream(here, supply), found, base, screen)
    thread = threading.Thread(target=serve, args=(listener, found, handler.handle))
    thread.start()
    try:
        yield Proxy(listener.getsockname()[1], base, found, supply, said)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        # Each connection has a thread, which ends with it; other threads are the test's own.
        until(
            lambda: not any("(serve)" in each.name for each in set(threading.enumerate()) - started)
        )
