"""The server behind the proxy: requests as they came, but for the credential, and its answers."""

from collections.abc import Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from hexauth.errors import HexauthError
from hexauth.model import Credential
from hexauth.protocols import challenge
from hexauth.proxy.routes import Route
from hexauth.proxy.supply import Supply
from hexauth.vault.home import Home

if TYPE_CHECKING:
    import requests

Headers = Sequence[tuple[str, str]]

CHUNK_BYTES = 256 * 1024
SPOOL_BYTES = 1024 * 1024
"""How much of a request's body is kept in memory, in case that it has to be sent again."""

CONNECTIONS = 32

HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers that are for one connection alone (RFC 9110 section 7.6.1)."""

READS = frozenset(("GET", "HEAD", "OPTIONS"))


class Body:
    """A request's body, which is kept as it passes, so that it can be sent once more."""

    def __init__(self, chunks: Iterator[bytes], length: int | None) -> None:
        self.length = length
        self._chunks = chunks
        self._kept: IO[bytes] = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  (`close` closes it)
        self._begun = False

    def data(self) -> "Iterable[bytes] | None":
        """Return what requests sends, from its beginning; None if there is nothing."""
        if self.length == 0:
            return None
        chunks = self._again() if self._begun else self._first()
        self._begun = True
        return chunks if self.length is None else _Sized(chunks, self.length)

    def close(self) -> None:
        """Forget what was kept."""
        self._kept.close()

    def _first(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._kept.write(chunk)
            yield chunk

    def _again(self) -> Iterator[bytes]:
        for chunk in self._chunks:  # what the server did not want to hear the first time
            self._kept.write(chunk)
        self._kept.seek(0)
        while chunk := self._kept.read(CHUNK_BYTES):
            yield chunk


class _Sized:
    """Chunks whose length is known: requests then says it in a header."""

    def __init__(self, chunks: Iterator[bytes], length: int) -> None:
        self._chunks, self._length = chunks, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


class Upstream:
    """One pool of connections to the server, and the credentials for what it keeps to some."""

    def __init__(self, home: Home, supply: Supply) -> None:
        from hexauth.world import wire

        self._supply = supply
        self._session = home.session(CONNECTIONS, wire.Stream)
        self._session.headers.clear()
        # requests reads the body of an answer that leads elsewhere, even if it is not to follow.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]

    def send(self, route: Route, method: str, headers: Headers, body: Body) -> "requests.Response":
        """Return the server's answer, whose body is still to be read.

        A credential that is at hand goes along. Somebody is asked for one if the server refuses the
        request without, or before a change, which no server allows everybody. One that is rejected
        is renewed, and the request repeated, once. Raises `HexauthError` and what requests raises.
        """
        if not route.repository:
            return self._send(route, method, headers, body, None)
        credential, asked = self._supply.at_hand(route), False
        if credential is None and method not in READS:
            credential, asked = self._supply.asked(route), True
        answer = self._send(route, method, headers, body, credential)
        said = challenge.parse(answer.headers.get("WWW-Authenticate", ""))
        if answer.status_code != 401 or challenge.wants_password(said):
            return answer  # the program itself asks for a one-time password
        try:
            another = self._supply.renewed(route, credential) if credential is not None else None
            if another is None and not asked:
                another = self._supply.asked(route)
        except HexauthError:
            answer.close()
            raise
        if another is None or (credential is not None and another.secret == credential.secret):
            return answer
        answer.close()
        return self._send(route, method, headers, body, another)

    def _send(
        self,
        route: Route,
        method: str,
        headers: Headers,
        body: Body,
        credential: Credential | None,
    ) -> "requests.Response":
        from urllib3.util import SKIP_HEADER

        lines: dict[str, list[bytes]] = {}
        for key, value in headers:
            lines.setdefault(key, []).append(value.encode("latin-1"))
        if credential is not None:
            lines["authorization"] = [credential.authorization.encode()]
        own = dict.fromkeys(("user-agent", "accept-encoding"), SKIP_HEADER)  # none of ours
        sent = {
            key: (b"; " if key == "cookie" else b", ").join(values) for key, values in lines.items()
        }
        return self._session.request(
            method,
            route.url,
            headers={**own, **sent},
            data=body.data(),
            stream=True,
            allow_redirects=False,
        )


def passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers that go through: those of one connection stay behind."""
    headers = list(headers)
    named = {
        name.strip().lower()
        for key, value in headers
        if key.lower() == "connection"
        for name in value.split(",")
    }
    return [(key, value) for key, value in headers if key.lower() not in HOP_BY_HOP | named]


def content(answer: Any) -> Iterator[bytes]:  # noqa: ANN401  (urllib3 ships types of its own)
    """Yield the body of an answer as the server has encoded it."""
    from urllib3.exceptions import HTTPError

    try:
        yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)
    except HTTPError:
        raise ConnectionError("The answer broke off.") from None
