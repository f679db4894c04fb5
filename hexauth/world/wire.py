"""Connections on which no server can hold anybody up, nor fill them.

urllib3 bounds each wait alone, so that a byte now and then keeps an answer coming for ever, and so
does a name with many addresses. Here each wait has what is left of the time for all of it.

http.client takes a head for whole that breaks off between two lines, so that an answer without a
body comes of it; and of the answers that come before the answer (RFC 9110 section 15.2), it passes
over 100 alone, and over any number of them.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import CONTINUE, HTTPException, HTTPResponse, IncompleteRead, LineTooLong
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from hexauth.machine.clock import Deadline

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

INTERIM = (102, 103)
"""What else may come before the answer; 101 is one itself."""

INTERIMS = 20
"""How many answers may come before the answer."""

LINE_BYTES = 65536
"""The longest line in an answer's head, as http.client has it, and between its chunks."""

PAUSES = 2
"""How many times the longest pause an answer may take, if nobody says by when it must be over."""

LATE_READS = 4
"""How often it is looked, when time is over, whether something has come already: a new token, say,
for which the old one is spent. Nothing more is waited for."""

_end: ContextVar[Deadline | None] = ContextVar("end", default=None)


@contextmanager
def over_by(end: Deadline) -> Iterator[None]:
    """Let all that this thread sends and hears inside a `with` block be over by `end`."""
    before = _end.set(end)
    try:
        yield
    finally:
        _end.reset(before)


def _left(end: Deadline, seconds: float | None) -> float:
    """Return how long to wait for what may take `seconds`; never 0, which is not to wait at all."""
    left = max(end.left(), 0.001)
    return left if seconds is None else min(seconds, left)


class _Timed(RawIOBase):
    """What a server says on `sock`, which `raw` reads, until `end`."""

    def __init__(self, sock: Any, raw: Any, end: Deadline | None) -> None:  # noqa: ANN401  (a TLS socket, too)
        self.end, self._late = end, 0
        self._sock, self._raw, self._pause = sock, raw, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  (io's)
        if self.end is not None:
            if self.end.is_over():  # what has come while this process stood still is heard yet
                self._late += 1
                if self._late > LATE_READS:
                    raise TimeoutError
            self._sock.settimeout(_left(self.end, self._pause))
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines(BufferedReader):
    """What a server says, of which a line has an end, and of which nobody takes all there is."""

    def read(self, size: int | None = -1) -> bytes:
        """Return the next `size` bytes. Raises HTTPException for no size, as a chunk may have."""
        if size is None or size < 0:
            raise HTTPException("a chunk of a negative size")
        return super().read(size)

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, or the first `size` bytes of it. Raises HTTPException."""
        is_bounded = size is not None and size >= 0
        line = super().readline(size if is_bounded else LINE_BYTES)
        if not line.endswith(b"\n") and len(line) != size:
            raise LineTooLong("line") if len(line) == LINE_BYTES else IncompleteRead(line)
        return line


class Whole(HTTPResponse):
    """An answer of which everything comes in time: in what is left, or in `PAUSES` pauses."""

    fp: Any

    def __init__(self, sock: Any, *words: Any, **options: Any) -> None:  # noqa: ANN401  (http.client's)
        super().__init__(sock, *words, **options)
        pause = sock.gettimeout()
        end = _end.get() or (Deadline(PAUSES * pause) if pause else None)
        self._timed = _Timed(sock, self.fp.detach(), end)
        self.fp = _Lines(self._timed)
        self._interims = 0

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        is_interim = status == CONTINUE or status in INTERIM
        self._interims += is_interim
        if self._interims > INTERIMS:
            raise HTTPException("an answer that does not begin")
        return version, CONTINUE if is_interim else status, reason


class Stream(Whole):
    """An answer of which the head alone has to come in time; its body may go on and on."""

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._timed.end = None


class _Connection(HTTPConnection):
    response_class = Whole

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers, as urllib3 does, while there is time."""
        name = self.host
        failure: Exception = NewConnectionError(self, "it has no address")
        for address in _addresses(name, self.port):
            self._hurry()
            self.host = address
            try:
                made = super()._new_conn()
            except (ConnectTimeoutError, NewConnectionError) as error:
                failure = error
            else:
                made.settimeout(self._left())  # TLS is next
                return made
            finally:
                self.host = name
        raise failure

    def request(self, *words: Any, **options: Any) -> None:  # noqa: ANN401  (urllib3's)
        """Send a request."""
        self._hurry()
        super().request(*words, **options)

    def _hurry(self) -> None:
        """Wait no longer than what is left. Raises ConnectTimeoutError if nothing is."""
        end = _end.get()
        if end is not None and end.is_over():
            raise ConnectTimeoutError(self, "time is up")
        self.timeout = self._left()

    def _left(self) -> float | None:
        end = _end.get()
        return self.timeout if end is None else _left(end, self.timeout)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


def _addresses(name: str, port: int | None) -> list[str]:
    try:
        found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def bound(adapter: "HTTPAdapter", answer: type[Whole]) -> "HTTPAdapter":
    """Return `adapter`, which sends a session's requests, having made it read `answer`s."""
    kinds = ((_Connection, HTTPConnectionPool), (_SecureConnection, HTTPSConnectionPool))
    pools = {}
    for connection, pool in kinds:
        mine = type("Connection", (connection,), {"response_class": answer})
        pools[pool.scheme] = type("Pool", (pool,), {"ConnectionCls": mine})
    manager_for, build = adapter.proxy_manager_for, adapter.build_response

    def proxy_manager_for(*words: Any, **options: Any) -> Any:  # noqa: ANN401  (requests')
        manager = manager_for(*words, **options)
        manager.pool_classes_by_scheme = pools
        return manager

    def build_response(request: Any, found: Any) -> Any:  # noqa: ANN401  (requests')
        # Cookies are for nobody here; requests would take seconds to read long ones.
        del found._original_response.msg["Set-Cookie"]
        return build(request, found)

    adapter.poolmanager.pool_classes_by_scheme = pools
    adapter.proxy_manager_for = proxy_manager_for  # type: ignore[method-assign]
    adapter.build_response = build_response  # type: ignore[assignment,method-assign]
    return adapter
