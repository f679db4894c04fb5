"""Targets: what servers answer, what the D-Bus session says, and what comes to the proxy."""

import atexit
import io
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from fuzz.inputs import SECRET, Target, outcome
from fuzz.keeping import LOGIN, Shelf
from fuzz.places import folder, home
from hexauth import hex as hexpm
from hexauth.errors import HexauthError, Refused, Unreachable, UsageError
from hexauth.login.record import Record
from hexauth.memory import lines
from hexauth.model import Token
from hexauth.proxy.routes import Routes
from hexauth.proxy.upstream import content
from hexauth.sandbox import bodies
from hexauth.servers import oauth
from hexauth.servers.discovery import discover
from hexauth.vault import bus, logins
from hexauth.world import wire
from hexauth.world.http import open_session


class Canned(BaseAdapter):
    """Answers every request with a status, some headers and a body: `STATUS|TYPE|LOCATION|BODY`."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        status, kind, location, self.body = [*data.split(b"|", 3), b"", b"", b""][:4]
        self.status = int(status) if status.isdigit() and len(status) == 3 else 200
        names = {"Content-Type": kind or b"application/json", "Location": location}
        self.headers = {name: value.decode("latin-1") for name, value in names.items() if value}

    def send(
        self,
        request: requests.PreparedRequest,
        *_: Any,  # noqa: ANN401  (requests says how)
        **__: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Answer `request`."""
        answer = requests.Response()
        answer.status_code = self.status
        answer.headers.update(self.headers)
        answer.raw = HTTPResponse(io.BytesIO(self.body), preload_content=False)
        answer.url = str(request.url)
        answer.request = request
        return answer

    def close(self) -> None:
        """Close nothing."""


@contextmanager
def _answering(data: bytes) -> Iterator[requests.Session]:
    with closing(open_session(home().settings)) as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, Canned(data))
        yield session


SAID = tuple(
    head + json.dumps(body).encode()
    for head in (b"200|application/json||", b"400|application/json; charset=utf-8||")
    for body in (
        {
            "device_code": SECRET,
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://hex.pm/oauth/device",
            "verification_uri_complete": "https://hex.pm/oauth/device?user_code=WDJB-MJHT",
            "interval": 5,
            "expires_in": 600,
        },
        {
            "access_token": SECRET,
            "refresh_token": SECRET,
            "token_type": "Bearer",
            "expires_in": 1800,
            "scope": "api repositories",
        },
        {"error": "authorization_pending", "error_description": SECRET},
        {
            "issuer": "https://hex.pm",
            "device_authorization_endpoint": "https://hex.pm/device",
            "token_endpoint": "https://hex.pm/token",
            "userinfo_endpoint": "https://[::1]/userinfo",
        },
    )
)

OAUTH = (
    *SAID,
    b"302||https://elsewhere.test/|",
    b"307||/other|{}",
    b"200|application/x-www-form-urlencoded||access_token=x&expires_in=1800&scope=a+b",
    b'200|||{"access_token": "x", "expires_in": 1' + b"0" * 400 + b"}",
    b'200|||{"access_token": "x", "expires_in": 1800, "scope": "\\ud800\\n"}',
    b"307||/\xff|",
    b"307||//[|",
    b"429|text/html||<html>",
    b"503|||",
)


def test_oauth(data: bytes) -> None:
    """An answer is a token, a grant or what was asked for, or is refused; a token can be kept."""
    with _answering(data) as session:
        client = oauth.Client(session, hexpm.endpoints(LOGIN.server), "id", lambda: 1780000000.5)
        kinds = (Unreachable, Refused)
        grant = outcome(lambda: client.device_authorization("api", "x"), *kinds)
        if grant is not None:
            json.dumps(vars(Record("waiting", **vars(grant))), allow_nan=False).encode()
        token = outcome(lambda: client.device_token("x"), *kinds)
        _keep(token)
        if token is not None:
            _keep(outcome(lambda: client.refresh(token), *kinds))
        outcome(lambda: client.exchange("key", "api"), *kinds)
        outcome(lambda: client.end_session("x"), *kinds)
        outcome(lambda: oauth.current_user(session, "https://hex.pm/api/users/me", "x"), *kinds)
        outcome(lambda: oauth.accepts(session, "https://hex.pm/names", "x"), *kinds)
        discover_kinds = (*kinds, UsageError)
        outcome(lambda: discover(session, "https://hex.pm", home().settings), *discover_kinds)


def _keep(token: Token | None) -> None:
    if token is None:
        return
    shelf = Shelf({})
    logins.save_login(shelf, LOGIN, token)
    assert logins.load_login(shelf, LOGIN) == token
    if token.expires_at is not None:
        assert outcome(lambda: lines.answers(token, "oauth2", 300), HexauthError) is not None
        lines.span(token, 300)


def _spoken() -> tuple[bytes, ...]:
    """Return what a bus says when there is one secret, as jeepney writes it, and parts of it."""
    from jeepney import (  # type: ignore[import-untyped]  # ships no types
        Endianness,
        Header,
        HeaderFields,
        Message,
        MessageType,
    )

    def reply(serial: int, signature: str, *values: object) -> bytes:
        fields = {HeaderFields.reply_serial: serial, HeaderFields.signature: signature}
        header = Header(Endianness.little, MessageType.method_return, 1, 1, 0, serial, fields)
        return bytes(Message(header, values).serialise())

    said = [
        b"OK " + b"0" * 32 + b"\r\n",
        reply(1, "s", ":1.1"),
        reply(2, "o", "/collection"),
        reply(3, "vo", ("s", ""), "/session"),
        reply(4, "v", ("b", False)),
        reply(5, "ao", ["/item"]),
        reply(6, "a{o(oayays)}", {"/item": ("/session", b"", SECRET.encode(), "text/plain")}),
    ]
    return b"".join(said), b"".join(said[:4]), b"".join((*said[:5], reply(5, "ao", [])))


@cache
def _listening() -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    with suppress(FileNotFoundError):
        (folder() / "bus").unlink()
    listening.bind(str(folder() / "bus"))
    listening.listen(1)
    atexit.register(listening.close)
    return listening


def test_bus(data: bytes) -> None:
    """Whatever the bus says, there is one secret, or none, or something is unusual."""
    listening = _listening()
    steps = bus.secrets(str(folder() / "bus"), ["service"], "user", 20)

    def said() -> list[str | None] | None:
        with closing(steps):
            next(steps)  # it has connected, and asked
            with listening.accept()[0] as peer:
                peer.sendall(data)
                peer.shutdown(socket.SHUT_WR)
                *_, found = steps
                return found

    found = outcome(said, bus.Unusual)
    assert found is None or (len(found) == 1 and isinstance(found[0], str | None))


ROUTES = (
    b"/secret12/api/packages/a?b=c",
    b"/secret12/repo/repos/acme/names",
    b"/secret12/api/oauth/token",
    b"https://hex.pm/api/x",
    b"//elsewhere.test/secret12/../x",
)

HERE = Routes("secret12", "https://hex.pm/api", "https://repo.hex.pm")


def test_routes(data: bytes) -> None:
    """A route leads below one of the two addresses, as the server reads it, and shows no secret."""
    from urllib.parse import unquote, urlsplit

    text = data.decode("ascii", "ignore")
    for target in (text, f"/secret12/api/{text}", f"/secret12/repo/{text}"):
        route = HERE.find(target)
        if route is None:
            continue
        place = urlsplit(route.url)
        assert route.url.startswith((f"{HERE.api_url}/", f"{HERE.repo_url}/"))
        assert place.netloc in ("hex.pm", "repo.hex.pm")
        assert not {"..", "."} & set(unquote(place.path).split("/"))
        assert HERE.secret not in unquote(route.url)
        public = unquote(place.path).startswith("/api/oauth/") or place.path == "/api/oauth"
        assert not (public and route.repository)
    HERE.here(data.decode("latin-1"), "https://hex.pm/api/x", "http://127.0.0.1/secret12")


HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.0 404 No\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
)


class _Socket:
    """A connection on which an answer comes, whatever is asked."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._data))

    def sendall(self, data: bytes) -> None:
        pass

    def settimeout(self, seconds: object) -> None:
        pass

    def gettimeout(self) -> float:
        return 5

    def close(self) -> None:
        pass


def test_heads(data: bytes) -> None:
    """An answer is read to its end by the proxy, or fails as connections do."""
    pools = wire.bound(HTTPAdapter(), wire.Stream).poolmanager.pool_classes_by_scheme
    pool: Any = pools["http"]
    connection = pool.ConnectionCls("hex.pm")
    connection.sock = _Socket(data)
    connection.request("GET", "/", preload_content=False, decode_content=False)
    raw = outcome(connection.getresponse, HTTPException, HTTPError, OSError)
    if raw is None:
        return
    assert 100 <= raw.status <= 999
    answer = requests.Response()
    answer.raw = raw
    outcome(lambda: b"".join(content(answer)), OSError)
    raw.close()


BODIES = (
    b'{"a": ["b", 1, null, true, 1.5]}',
    b"grant_type=x&device_code=a%20b",
    bodies.to_erlang({"a": [1, "b", None, {"c": True}]}),
)


def test_bodies(data: bytes) -> None:
    """A body that the sandbox is sent is an object or malformed, and is answered as it was."""
    for kind in (bodies.FORM, *bodies.ANSWERS):
        found = outcome(partial(bodies.decode, kind, data), bodies.Malformed)
        if found and kind == bodies.HEX_ERLANG:
            again = bodies.decode(kind, bodies.encode(kind, found)[1])
            assert repr(again) == repr(found)


TARGETS = (
    Target("oauth", test_oauth, OAUTH),
    Target("bus", test_bus, _spoken()),
    Target("routes", test_routes, ROUTES),
    Target("heads", test_heads, HEADS),
    Target("bodies", test_bodies, BODIES),
)
