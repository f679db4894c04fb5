"""Requests that authenticate themselves: the behaviours of hex_core's `with_api` and `with_repo`.

All of them go from a plain `requests.Session` to the sandbox, which counts.
"""

import io
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

import hexauth
from hexauth.credentials import keys
from hexauth.credentials.http_auth import HexAuth
from hexauth.credentials.keys import KeyKind
from hexauth.errors import Declined, LoginRequired, NotReplayable, OtpRequired, Unreachable
from hexauth.login.tokens import Tokens
from hexauth.model import Token
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.servers.repositories import find_repository
from hexauth.vault.home import Home
from tests.conftest import Serve
from tests.homes import home, log_in

Make = Callable[..., Home]
NEW_KEY = {"name": "ci"}
CHALLENGES = (
    'Bearer error="totp_required"',
    'Bearer error="invalid_token"',
    "Basic realm=hex",
)


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def here(tmp_path: Path) -> Make:
    """Return a function that makes a world at a sandbox, with somebody there to be asked."""

    def make(sandbox: Sandbox, toml: str = "", *, visible: bool = True, **environ: str) -> Home:
        surroundings = {"HEX_API_URL": sandbox.api_url, **environ}
        return home(tmp_path, surroundings, toml, visible=visible)

    return make


def counts(sandbox: Sandbox, *kinds: str) -> tuple[int, ...]:
    found = sandbox.journal.counts()
    return tuple(found[kind] for kind in kinds)


def otps(sandbox: Sandbox) -> list[bool]:
    """Return for each write whether it carried a one-time password."""
    return [
        entry["one_time_password"] for entry in sandbox.journal.log() if entry["kind"] == "keys"
    ]


# One-time passwords


def test_otp_required(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox)
    log_in(of, sandbox)
    asked: list[str] = []

    def otp(error: str) -> str:
        asked.append(error)
        return "123456"

    answer = http.post(f"{sandbox.api_url}/keys", json=NEW_KEY, auth=HexAuth(otp=otp, home=of))

    assert (answer.status_code, asked, otps(sandbox)) == (201, ["totp_required"], [False, True])


def test_otp_invalid_then_right(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox)
    log_in(of, sandbox)
    codes = iter(["000000", "123456"])
    asked: list[str] = []

    def otp(error: str) -> str:
        asked.append(error)
        return next(codes)

    answer = http.post(f"{sandbox.api_url}/keys", json=NEW_KEY, auth=HexAuth(otp=otp, home=of))

    assert (answer.status_code, asked) == (201, ["totp_required", "invalid_totp"])


@pytest.mark.parametrize("none", [None, ""])
def test_otp_cancelled(serve: Serve, here: Make, http: requests.Session, none: str | None) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox)
    log_in(of, sandbox)

    with pytest.raises(Declined, match="No one-time password was given"):
        http.post(f"{sandbox.api_url}/keys", auth=HexAuth(otp=lambda error: none, home=of))

    assert otps(sandbox) == [False]


def test_otp_too_many(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox)
    log_in(of, sandbox)

    with pytest.raises(Declined, match="3 one-time passwords were wrong"):
        http.post(f"{sandbox.api_url}/keys", auth=HexAuth(otp=lambda error: "000000", home=of))

    assert otps(sandbox) == [False, True, True, True]


def test_otp_of_the_environment_is_tried_once(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox, visible=False, HEX_OTP="000000")
    log_in(of, sandbox)

    with pytest.raises(OtpRequired):
        http.post(f"{sandbox.api_url}/keys", auth=HexAuth(home=of))

    assert otps(sandbox) == [False, True]


def test_otp_that_nobody_can_be_asked_for(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox, visible=False)
    log_in(of, sandbox)

    with pytest.raises(OtpRequired):
        http.post(f"{sandbox.api_url}/keys", auth=HexAuth(home=of))


# A token that does not work any more


def test_token_expired_is_refreshed(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()

    answer = http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(home=of))

    assert (answer.status_code, counts(sandbox, "users_me", "refresh", "prompts")) == (
        200,
        (2, 1, 1),
    )


def test_token_that_somebody_else_has_refreshed_is_taken(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)
    auth = HexAuth(home=of)
    sandbox.hexpm.reject_access_tokens()
    http.get(f"{sandbox.api_url}/users/me", auth=auth)

    http.get(f"{sandbox.api_url}/users/me", auth=auth)

    assert counts(sandbox, "users_me", "refresh") == (3, 1)


def test_login_again_accepted(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(approve_after=0)
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.end_sessions()

    answer = http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(home=of))

    assert (answer.status_code, counts(sandbox, "users_me", "refresh", "prompts")) == (
        200,
        (2, 1, 2),
    )


def test_login_again_declined(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(deny_after=0)
    of = here(sandbox)
    Tokens(of, of.settings.login).save(Token("t", "r", int(of.now()) + 1800, "", int(of.now())))

    with pytest.raises(Declined):
        http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(home=of))

    assert counts(sandbox, "users_me", "refresh", "denials") == (1, 1, 1)


def test_login_again_not_allowed(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(approve_after=0)
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.end_sessions()

    with pytest.raises(LoginRequired):
        http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(ask=False, home=of))

    assert counts(sandbox, "users_me", "refresh", "prompts") == (1, 1, 1)


def test_login_in_the_first_place(serve: Serve, here: Make, http: requests.Session) -> None:
    """hex_core's `auth_inline`, and the device flow."""
    sandbox = serve(approve_after=0)

    answer = http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(home=here(sandbox)))

    assert (answer.status_code, counts(sandbox, "users_me", "prompts")) == (200, (1, 1))


def test_login_that_may_not_be_asked_for(serve: Serve, here: Make, http: requests.Session) -> None:
    sandbox = serve(approve_after=0)

    with pytest.raises(LoginRequired):
        http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(ask=False, home=here(sandbox)))

    assert counts(sandbox, "users_me", "prompts") == (0, 0)


@pytest.mark.parametrize("fault", ["503", "half-json", "drop"])
def test_refresh_that_fails_keeps_the_login(
    serve: Serve, here: Make, http: requests.Session, fault: str
) -> None:
    sandbox = serve()
    of = here(sandbox)
    token = log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()
    sandbox.faults.add(parse(f"{fault}@refresh=1"))

    refused: list[requests.Response] = []

    def auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.register_hook("response", lambda answer, **_: refused.append(answer))  # type: ignore[no-untyped-call,unused-ignore]
        return HexAuth(home=of)(request)

    with pytest.raises(Unreachable):
        http.get(f"{sandbox.api_url}/users/me", auth=auth)

    kept = Tokens(of, of.settings.login).load()
    assert kept is not None
    assert (kept.refresh, counts(sandbox, "prompts")) == (token.refresh, (1,))
    assert [each.raw.closed for each in refused] == [True]


# Optional credentials


@pytest.mark.parametrize("path", ["api/nothing", "names"])
def test_optional_is_tried_without_a_credential(
    serve: Serve, here: Make, http: requests.Session, path: str
) -> None:
    """Once for the API and once for the repository."""
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)

    http.get(f"{sandbox.url}/{path}", auth=HexAuth(optional=True, home=of))

    assert sandbox.journal.log()[-1]["authorization"] is None


@pytest.mark.parametrize("path", ["api/users/me", "repos/acme/names"])
def test_optional_authenticates_when_it_is_refused(
    serve: Serve, here: Make, http: requests.Session, path: str
) -> None:
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)

    answer = http.get(f"{sandbox.url}/{path}", auth=HexAuth(optional=True, home=of))

    assert [answer.status_code, *(each.status_code for each in answer.history)] == [200, 401]


@pytest.mark.parametrize("path", ["api/users/me", "repos/acme/names"])
def test_optional_after_a_failed_refresh_returns_the_answer(
    serve: Serve, here: Make, http: requests.Session, path: str
) -> None:
    sandbox = serve(approve_after=0)
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.end_sessions()

    answer = http.get(f"{sandbox.url}/{path}", auth=HexAuth(optional=True, home=of))

    assert (answer.status_code, counts(sandbox, "refresh", "prompts")) == (401, (1, 1))


def test_optional_without_any_login_returns_the_answer(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve()

    answer = http.get(
        f"{sandbox.api_url}/users/me", auth=HexAuth(optional=True, ask=False, home=here(sandbox))
    )

    assert (answer.status_code, counts(sandbox, "users_me")) == (401, (1,))


# Repositories


def test_trusted_repository_is_authenticated(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)

    answer = http.get(f"{sandbox.url}/repos/acme/names", auth=HexAuth("hexpm:acme", home=of))

    assert (answer.status_code, answer.text) == (200, "names of acme\n")


def test_exchanged_token_that_was_rejected_is_exchanged_anew(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve()
    of = here(sandbox)
    key = sandbox.hexpm.add_key("repositories")
    keys.add(of, find_repository("hexpm", of.settings), KeyKind.AUTH, key)
    auth = HexAuth("hexpm:acme", home=of)
    http.get(f"{sandbox.url}/repos/acme/names", auth=auth)
    sandbox.hexpm.reject_access_tokens()

    answer = http.get(f"{sandbox.url}/repos/acme/names", auth=auth)

    assert (answer.status_code, counts(sandbox, "names", "client_credentials")) == (200, (3, 2))


# At most so many requests


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("challenges", list(itertools.product(CHALLENGES, repeat=3)))
def test_no_server_makes_it_go_on_for_ever(
    tmp_path: Path, http: requests.Session, challenges: tuple[str, ...], optional: bool
) -> None:
    """1, 1 after a refresh, 1 after a login, and 3 with one-time passwords."""
    with refusing(challenges) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        of = home(tmp_path, {"HEX_API_URL": f"{url}/api"}, visible=True)
        Tokens(of, of.settings.login).save(Token("t", "r", int(of.now()) + 1800, "", int(of.now())))

        given: list[str] = []

        def otp(error: str) -> str:
            given.append(error)
            return "123456"

        with suppress(Declined):
            http.get(f"{url}/api/users/me", auth=HexAuth(otp=otp, optional=optional, home=of))

    assert (1 <= server.asked <= 6, len(given) <= 3) == (True, True)


class Server(ThreadingHTTPServer):
    """Refuses what it is asked, with the next challenge each time; hands out any token."""

    asked = 0
    challenges: Iterator[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        # hexauth itself also asks, whose the token of a new login is.
        self.server.asked += "python-requests" in self.headers["User-Agent"]
        self.send_response(401)
        self.send_header("WWW-Authenticate", next(self.server.challenges))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = {
            "access_token": f"token-{self.server.asked}",
            "refresh_token": f"refresh-{self.server.asked}",
            "expires_in": 1800,
            "device_code": "code",
            "user_code": "BCDFGHJK",
            "verification_uri": "http://127.0.0.1/device",
            "interval": 0.1,
        }
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        pass


@contextmanager
def refusing(challenges: Iterable[str]) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.challenges = itertools.cycle(challenges)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_key_that_is_refused_is_sent_once(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve()

    answer = http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(key="0" * 32, home=here(sandbox)))

    assert (answer.status_code, counts(sandbox, "users_me")) == (401, (1,))


# Bodies


@pytest.mark.parametrize("kind", ["bytes", "file", "json"])
def test_a_body_is_replayed(
    serve: Serve, here: Make, http: requests.Session, kind: str, tmp_path: Path
) -> None:
    sandbox = serve(otp="123456")
    of = here(sandbox, HEX_OTP="123456")
    log_in(of, sandbox)
    text = b'....{"name": "replayed"}'
    file = io.BytesIO(text)
    file.seek(4)
    bodies: dict[str, dict[str, Any]] = {
        "bytes": {"data": text[4:]},
        "file": {"data": file},
        "json": {"json": {"name": "replayed"}},
    }

    answer = http.post(
        f"{sandbox.api_url}/keys",
        auth=HexAuth(home=of),
        headers={"Content-Type": "application/json"},
        **bodies[kind],
    )

    assert (answer.status_code, answer.json()["name"]) == (201, "replayed")


def test_a_body_that_is_gone_is_not_sent_again(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve(approve_after=0)
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.end_sessions()

    with pytest.raises(NotReplayable):
        http.post(
            f"{sandbox.api_url}/keys",
            data=iter([b'{"name":', b'"x"}']),
            headers={"Content-Type": "application/json"},
            auth=HexAuth(home=of),
        )

    assert counts(sandbox, "keys", "refresh", "prompts") == (1, 0, 1)


# Hosts


@pytest.mark.parametrize("target", ["hexpm", "hexpm:acme"])
def test_another_origin_gets_nothing(
    serve: Serve, here: Make, http: requests.Session, target: str
) -> None:
    sandbox, other = serve(), serve()
    of = here(sandbox)
    log_in(of, sandbox)

    http.get(f"{other.api_url}/users/me", auth=HexAuth(target, home=of))

    assert other.journal.log()[-1]["authorization"] is None


def test_a_redirect_carries_the_credential_nowhere_else(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    """The fault `redirect` leads to another origin, which is the same server by another name."""
    sandbox = serve(otp="123456")
    of = here(sandbox, HEX_OTP="123456")
    log_in(of, sandbox)
    sandbox.faults.add(parse("redirect@users_me=1"))

    http.get(f"{sandbox.api_url}/users/me", auth=HexAuth(home=of))

    entry = sandbox.journal.log()[-1]
    assert (entry["kind"], entry["authorization"], entry["one_time_password"]) == (
        "elsewhere",
        None,
        False,
    )


# Many at once


def test_a_concurrent_refresh_happens_once(serve: Serve, here: Make) -> None:
    sandbox = serve()
    of = here(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()

    assert crowd(sandbox, of) == {200}
    assert counts(sandbox, "refresh", "prompts") == (1, 1)


def test_a_concurrent_login_happens_once(serve: Serve, here: Make) -> None:
    sandbox = serve(approve_after=0.5)

    assert crowd(sandbox, here(sandbox)) == {200}
    assert counts(sandbox, "prompts") == (1,)


def test_a_concurrent_exchange_happens_once(serve: Serve, here: Make) -> None:
    sandbox = serve()
    of = here(sandbox)
    key = sandbox.hexpm.add_key("repositories")
    keys.add(of, find_repository("hexpm", of.settings), KeyKind.AUTH, key)

    assert crowd(sandbox, of, "repos/acme/names") == {200}
    assert counts(sandbox, "client_credentials") == (1,)


def crowd(sandbox: Sandbox, of: Home, path: str = "api/users/me", size: int = 12) -> set[int]:
    """Return the statuses that so many threads get, which ask at one moment."""
    barrier = threading.Barrier(size)

    def ask(_: int) -> int:
        own = Home(of.environ, of.settings, of.places, of.screen)
        barrier.wait()
        auth = HexAuth(home=own)
        return requests.get(f"{sandbox.url}/{path}", auth=auth, timeout=60).status_code

    with ThreadPoolExecutor(size) as pool:
        return set(pool.map(ask, range(size)))


# All of it


def test_a_session_lives_through_token_death_otp_and_another_login(
    serve: Serve, here: Make, http: requests.Session
) -> None:
    sandbox = serve(otp="123456", approve_after=0)
    of = here(sandbox)
    http.auth = HexAuth(home=of, otp=lambda error: "123456")

    assert http.get(f"{sandbox.api_url}/users/me").status_code == 200
    assert counts(sandbox, "users_me", "prompts") == (1, 1)
    sandbox.hexpm.reject_access_tokens()
    assert http.post(f"{sandbox.api_url}/keys", json=NEW_KEY).status_code == 201
    assert counts(sandbox, "keys", "refresh", "prompts") == (3, 1, 1)
    sandbox.hexpm.end_sessions()
    assert http.post(f"{sandbox.api_url}/keys", json=NEW_KEY).status_code == 201
    assert counts(sandbox, "keys", "refresh", "prompts") == (6, 2, 2)


def test_programs_import_it_from_the_package() -> None:
    assert hexauth.HexAuth is HexAuth
