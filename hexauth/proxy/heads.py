"""Connections to a server whose heads are read to their end.

http.client takes a head for whole that breaks off between two lines, so that an answer without a
body comes of it; and of the answers that come before the answer (RFC 9110 section 15.2), it passes
over 100 alone.
"""

from http.client import CONTINUE, HTTPResponse, IncompleteRead
from io import BufferedReader
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

INTERIM = (102, 103)
"""What else may come before the answer; 101 is one itself."""


class _Lines(BufferedReader):
    """What a server says, of which a line has an end."""

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, or the first `size` bytes of it. Raises IncompleteRead."""
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise IncompleteRead(line)
        return line


class _Response(HTTPResponse):
    fp: Any

    def __init__(self, *words: Any, **options: Any) -> None:  # noqa: ANN401  (http.client's)
        super().__init__(*words, **options)
        self.fp = _Lines(self.fp.detach())

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, CONTINUE if status in INTERIM else status, reason


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""What urllib3's pool managers make for each scheme."""
