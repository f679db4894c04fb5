"""The endpoints, at servers that keep to the RFCs in their own ways, or not at all."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hexauth import hex as hexpm
from hexauth.errors import Refused, Unreachable
from hexauth.model import Token
from hexauth.servers.oauth import Client, Grant
from hexauth.world.http import REDIRECTS, open_session
from hexauth.world.settings import load

Answer = tuple[int, dict[str, str], bytes]
Serving = Callable[..., "Canned"]

NOW = 1_000_000.0

GRANT: dict[str, Any] = {
    "device_code": "dev",
    "user_code": "ABCDEFGH",
    "verification_uri": "https://hex.example/device",
}


class Canned:
    """A server that gives the same answers whatever is asked, and remembers what was."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        waiting = list(answers)
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.path, dict(self.headers), body))
                status, headers, answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST  # noqa: N815  (the library's name)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name too)
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serving() -> Iterator[Serving]:
    """Start a server that gives the answers handed in, the last one for ever."""
    with ExitStack() as stack:

        def start(*answers: Answer) -> Canned:
            server = Canned(*answers)
            stack.callback(server.stop)
            return server

        yield start


def ok(answer: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@contextmanager
def client(url: str) -> Iterator[Client]:
    with open_session(load({}, Path("/nonexistent"))) as session:
        yield Client(session, hexpm.endpoints(url), "me", lambda: NOW)


def authorize(url: str) -> Grant:
    with client(url) as me:
        return me.device_authorization("api", "vm")


def refresh(url: str, token: Token) -> Token:
    with client(url) as me:
        return me.refresh(token)


def test_a_grant_without_the_optional_fields_gets_the_rfc_s_defaults(serving: Serving) -> None:
    grant = authorize(serving(ok(GRANT)).url)

    assert grant == Grant(
        "dev", "ABCDEFGH", GRANT["verification_uri"], GRANT["verification_uri"], 5, 600, NOW + 600
    )


def test_numbers_may_come_as_text(serving: Serving) -> None:
    grant = authorize(serving(ok({**GRANT, "interval": "7", "expires_in": "60"})).url)

    assert (grant.interval, grant.deadline) == (7, NOW + 60)


@pytest.mark.parametrize(
    "change",
    [
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://x/\n"},
        {"verification_uri_complete": "file:///etc/passwd"},
        {"verification_uri": None},
        {"user_code": "AB\x1b[2J"},
        {"user_code": ""},
        {"user_code": 12345678},
        {"device_code": None},
        {"expires_in": -1},
        {"expires_in": "soon"},
        {"interval": 1e30},
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(serving: Serving, change: Any) -> None:
    with pytest.raises(Unreachable):
        authorize(serving(ok({**GRANT, **change})).url)


def test_no_code_is_waited_for_longer_than_a_day(serving: Serving) -> None:
    server = serving(ok({**GRANT, "expires_in": 10**9}))

    assert authorize(server.url).deadline == NOW + 24 * 3600


def test_the_request_is_a_form_with_a_user_agent_and_no_credential(serving: Serving) -> None:
    server = serving(ok(GRANT))

    authorize(server.url)

    path, headers, body = server.asked[0]
    assert (path, body) == ("/oauth/device_authorization", b"client_id=me&scope=api&name=vm")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["User-Agent"].startswith("hexauth/")
    assert "Authorization" not in headers


def test_a_refresh_keeps_what_the_answer_does_not_repeat(serving: Serving) -> None:
    server = serving(ok({"access_token": "new", "token_type": "bearer"}))

    token = refresh(server.url, Token("old", refresh="r", expires_at=1, scope="api"))

    assert token == Token("new", refresh="r", expires_at=None, scope="api", issued_at=int(NOW))


@pytest.mark.parametrize("scope", ["a\nb", "\ud800", ["a"], 1, None])
def test_a_scope_that_makes_no_sense_costs_no_login(serving: Serving, scope: object) -> None:
    """The refresh token before it is spent."""
    server = serving(ok({"access_token": "new", "scope": scope}))

    token = refresh(server.url, Token("old", refresh="r", scope="api"))

    assert (token.access, token.scope) == ("new", "api")


def test_an_error_of_oauth_s_is_refused_by_its_name(serving: Serving) -> None:
    server = serving((400, {}, b'{"error": "invalid_grant", "error_description": "\\u001b[31m"}'))

    with pytest.raises(Refused) as caught:
        refresh(server.url, Token("a", refresh="r"))

    assert caught.value.code == "invalid_grant"
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b""),
        (200, {}, b"[]"),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"access_token": ""}'),
        (200, {}, b'{"access_token": "a\\nb"}'),
        (200, {}, b'{"access_token": "a", "expires_in": "never"}'),
        (200, {}, b'{"access_token": "a", "expires_in": 1' + b"0" * 400 + b"}"),
        (307, {"Location": "//["}, b""),
        (307, {"Location": "/\xff"}, b""),
        (200, {"Transfer-Encoding": "chunked"}, b"-5\r\nhello\r\n"),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
        (200, {"Content-Length": "100"}, b'{"access_token": "a"}'),
        (204, {}, b""),
        (400, {}, b'{"error": "two\\nlines"}'),
        (400, {}, b'{"error": {"code": 1}}'),
        (429, {"x-ratelimit-reset": "1"}, b'{"error": "rate_limited"}'),
        (503, {}, b"<html>"),
    ],
)
def test_an_answer_that_makes_no_sense_is_unreachable(serving: Serving, answer: Answer) -> None:
    with pytest.raises(Unreachable):
        refresh(serving(answer).url, Token("a", refresh="secret-refresh"))


def test_a_redirect_within_the_server_is_followed(serving: Serving) -> None:
    server = serving((307, {"Location": "/elsewhere"}, b""), ok({"access_token": "a"}))

    refresh(server.url, Token(None, refresh="r"))

    assert [path for path, _, _ in server.asked] == ["/oauth/token", "/elsewhere"]


def test_a_redirect_to_another_origin_gets_nothing(serving: Serving) -> None:
    other = serving(ok({"access_token": "a"}))
    server = serving((307, {"Location": f"{other.url}/oauth/token"}, b""))

    with pytest.raises(Unreachable):
        refresh(server.url, Token(None, refresh="r"))

    assert other.asked == []


def test_redirects_without_end_are_given_up(serving: Serving) -> None:
    server = serving((307, {"Location": "/again"}, b""))

    with pytest.raises(Unreachable):
        refresh(server.url, Token(None, refresh="r"))

    assert len(server.asked) == REDIRECTS + 1


def test_revoking_a_session_sends_the_hash_of_its_refresh_token(serving: Serving) -> None:
    server = serving((200, {}, b""))

    with client(server.url) as me:
        me.end_session("abc")

    digest = b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert server.asked[0][2] == b"token_hash=" + digest
