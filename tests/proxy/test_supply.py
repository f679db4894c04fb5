"""Whom the proxy serves with which credential: at the sandbox, which counts and remembers."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hexauth.credentials import keys
from hexauth.credentials.keys import KeyKind
from hexauth.proxy.routes import Route
from hexauth.sandbox.faults import parse
from hexauth.sandbox.journal import mask
from hexauth.sandbox.serve import Sandbox
from hexauth.servers.repositories import find_repository
from hexauth.vault.home import Home
from tests.conftest import Serve
from tests.homes import home, log_in
from tests.proxy.parts import Heard, Origin, Proxy, chunked, proxying

Start = Callable[..., tuple[Proxy, Home]]

BODY = json.dumps({"name": "ci"}).encode()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a proxy before a sandbox, with nobody there to be asked unless `visible` is said."""
    with ExitStack() as stack:

        def start(
            sandbox: Sandbox, *, visible: bool = False, toml: str = "", **environ: str
        ) -> tuple[Proxy, Home]:
            surroundings = {"HEX_API_URL": sandbox.api_url, "HEXAUTH_CACHE": "off", **environ}
            of = home(tmp_path, surroundings, toml)
            return stack.enter_context(proxying(tmp_path, surroundings, visible=visible)), of

        yield start


def seen(sandbox: Sandbox, *kinds: str) -> list[tuple[str, str | None]]:
    """Return the kind and the masked credential of each request of these kinds."""
    return [
        (each["kind"], each["authorization"])
        for each in sandbox.journal.log()
        if each["kind"] in kinds
    ]


def counts(sandbox: Sandbox, *kinds: str) -> tuple[int, ...]:
    found = sandbox.journal.counts()
    return tuple(found[kind] for kind in kinds)


def make_key(proxy: Proxy, *, is_chunked: bool = False, **headers: str) -> Heard:
    """Send the write that the sandbox knows; return the answer."""
    framing = {"Transfer_Encoding": "chunked"} if is_chunked else {"Content_Length": str(len(BODY))}
    head = proxy.head("/api/keys", "POST", Content_Type="application/json", User_Agent="x",
                      **framing, **headers)  # fmt: skip
    return proxy.send(head + (chunked(BODY[:5], BODY[5:]) if is_chunked else BODY), "POST")


# Whose it is


def test_what_everybody_may_have_goes_bare(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    log_in(of, sandbox)

    assert proxy.get("/repo/names", User_Agent="x").body == b"names of hexpm\n"
    assert seen(sandbox, "names") == [("names", None)]


def test_the_api_and_organizations_get_the_login_s_token(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    token = log_in(of, sandbox)

    me = proxy.get("/api/users/me", User_Agent="x", Accept="application/json")
    names = proxy.get("/repo/repos/acme/names", User_Agent="x")

    marked = mask(f"Bearer {token.access}")
    assert json.loads(me.body)["username"] == "alice"
    assert names.body == b"names of acme\n"
    assert seen(sandbox, "users_me", "names") == [("users_me", marked), ("names", marked)]


@pytest.mark.parametrize(
    ("set_by", "passed"), [(-86400, 2000), (86400, 0)], ids=["set back", "set ahead, or suspended"]
)
def test_a_token_is_not_kept_for_longer_than_it_lives_by_either_clock(
    serve: Serve, start: Start, set_by: float, passed: float
) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    moved = [0.0, 0.0]
    proxy.supply.now = lambda: time.time() + moved[0]
    proxy.supply.monotonic = lambda: time.monotonic() + moved[1]
    route = Route(of.settings.api_url, "hexpm", is_api=True)
    log_in(of, sandbox)
    first = proxy.supply.at_hand(route)
    log_in(of, sandbox)
    kept = proxy.supply.at_hand(route)
    moved[:] = set_by, passed

    assert kept == first
    assert first != proxy.supply.at_hand(route)


@pytest.mark.parametrize("path", ["/api/oauth/token", "/api/%6fauth/token", "/api/oauth/revoke"])
def test_oauth_never_gets_a_credential(serve: Serve, start: Start, path: str) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    log_in(of, sandbox)

    proxy.get(path, "POST", User_Agent="x", Authorization=proxy.routes.secret)

    assert counts(sandbox, "authorization_on_oauth") == (0,)


@pytest.mark.parametrize("path", ["/api/users/me", "/repo/names", "/repo/repos/acme/names"])
@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer  {}"])
@pytest.mark.parametrize("is_logged_in", [True, False])
def test_the_proxys_own_secret_stays_here(
    serve: Serve, start: Start, path: str, form: str, is_logged_in: bool
) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    token = log_in(of, sandbox) if is_logged_in else None

    proxy.get(path, User_Agent="x", Authorization=form.format(proxy.routes.secret))

    is_ours = token is not None and path != "/repo/names"
    sent = mask(f"Bearer {token.access}") if token is not None and is_ours else None
    assert [each for _, each in seen(sandbox, "users_me", "names")] == [sent]


def test_a_clients_own_credential_gives_way(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    token = log_in(of, sandbox)

    assert proxy.get("/api/users/me", User_Agent="x", Authorization="Bearer own").status == 200
    assert seen(sandbox, "users_me") == [("users_me", mask(f"Bearer {token.access}"))]


def test_a_clients_own_credential_is_used_where_there_is_no_other(
    serve: Serve, start: Start
) -> None:
    sandbox = serve()
    proxy, _ = start(sandbox)
    key = sandbox.hexpm.add_key("api")

    assert proxy.get("/api/users/me", User_Agent="x", Authorization=key).status == 200


def test_a_key_of_an_organization_is_exchanged(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    key = sandbox.hexpm.add_key("repository:acme repositories")
    keys.add(of, find_repository("hexpm:acme", of.settings), KeyKind.AUTH, key)

    found = [proxy.get("/repo/repos/acme/names", User_Agent="x").body for _ in range(3)]

    assert found == [b"names of acme\n"] * 3
    assert counts(sandbox, "client_credentials", "names") == (1, 3)
    assert mask(key) not in [sent for _, sent in seen(sandbox, "names")]


def test_a_key_that_does_not_work_is_said_to_be_one(serve: Serve, start: Start) -> None:
    """It is no answer of a person's: nobody is taken to have said no."""
    sandbox = serve()
    proxy, of = start(sandbox)
    keys.add(of, find_repository("hexpm:acme", of.settings), KeyKind.AUTH, "0" * 32)

    got = proxy.get("/repo/repos/acme/names", User_Agent="x")

    line = (
        f"hexauth: {sandbox.api_url} does not take the key for hexpm:acme: invalid_client. "
        "Check the key, and replace it with `hexauth key add`.\n"
    )
    assert (got.status, got.body.decode(), proxy.said) == (500, line, [line])


def test_a_server_is_trusted_by_its_certificate(
    serve: Serve, start: Start, certificate: Path, tls: ssl.SSLContext
) -> None:
    sandbox = serve(tls=tls)
    proxy, of = start(sandbox, HEX_CACERTS_PATH=str(certificate))
    log_in(of, sandbox)

    assert proxy.get("/api/users/me", User_Agent="x").status == 200


def test_a_server_without_a_certificate_gets_nothing(
    serve: Serve, start: Start, tls: ssl.SSLContext
) -> None:
    sandbox = serve(tls=tls)
    proxy, _ = start(sandbox, HEX_API_KEY="key")

    got = proxy.get("/api/users/me", User_Agent="x")

    line = (
        f"hexauth: {sandbox.url} cannot be reached: its certificate is signed by nobody but "
        "itself. If its authority is to be trusted, name the authority's certificate in "
        "HEX_CACERTS_PATH.\n"
    )
    assert (got.status, got.body.decode(), sandbox.journal.log()) == (502, line, [])


def test_an_untrusted_mirror_gets_nothing(serve: Serve, start: Start) -> None:
    sandbox = serve()
    with Origin() as mirror:
        proxy, of = start(sandbox, HEX_MIRROR_URL=mirror.url, HEX_REPOS_KEY="key")
        log_in(of, sandbox)

        proxy.get("/repo/names")
        proxy.get("/repo/repos/acme/names")

        assert [(each.target, each.all("authorization")) for each in mirror.asked] == [
            ("/names", []),
            ("/repos/acme/names", []),
        ]


def test_a_trusted_mirror_gets_the_token(serve: Serve, start: Start) -> None:
    sandbox = serve()
    with Origin() as mirror:
        proxy, of = start(sandbox, HEX_TRUSTED_MIRROR_URL=mirror.url)
        token = log_in(of, sandbox)

        proxy.get("/repo/repos/acme/names")

        assert mirror.asked[0].all("authorization") == [f"Bearer {token.access}"]


def test_a_key_for_another_place_is_not_sent_here(serve: Serve, start: Start) -> None:
    """An organization whose repository stands elsewhere is not fetched from there."""
    sandbox = serve()
    toml = '[repositories."hexpm:acme"]\nurl = "https://acme.example"\n'
    proxy, of = start(sandbox, toml=toml)
    keys.add(of, find_repository("hexpm:acme", of.settings), KeyKind.REPO, "key")

    assert proxy.get("/repo/repos/acme/names", User_Agent="x").status == 401
    assert seen(sandbox, "names") == [("names", None)]


# A token that does not work any more


@pytest.mark.parametrize("fault", ["", "token-expired@users_me=1", "invalid-token@users_me=1"])
def test_a_rejected_token_is_renewed_once(serve: Serve, start: Start, fault: str) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    old = log_in(of, sandbox)
    if fault:
        sandbox.faults.add(parse(fault))
    else:
        sandbox.hexpm.reject_access_tokens()

    statuses = [proxy.get("/api/users/me", User_Agent="x").status for _ in range(2)]

    sent = [each for _, each in seen(sandbox, "users_me")]
    assert (statuses, counts(sandbox, "users_me", "refresh")) == ([200, 200], (3, 1))
    assert (sent[0], sent[1] == sent[2] != sent[0]) == (mask(f"Bearer {old.access}"), True)


def test_a_server_that_rejects_every_token_is_asked_twice(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    log_in(of, sandbox)
    sandbox.faults.add(parse("token-expired@users_me=9"))

    got = proxy.get("/api/users/me", User_Agent="x")

    assert got.all("www-authenticate") == ['Bearer realm="hex", error="token_expired"']
    assert (got.status, counts(sandbox, "users_me", "refresh")) == (401, (2, 1))


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_is_sent_once_more(serve: Serve, start: Start, is_chunked: bool) -> None:
    sandbox = serve(otp="123456")
    proxy, of = start(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()

    got = make_key(proxy, is_chunked=is_chunked, X_Hex_OTP="123456", Accept="application/json")

    assert (got.status, json.loads(got.body)["name"]) == (201, "ci")
    assert counts(sandbox, "keys", "refresh") == (2, 1)


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 3_000_000])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_of_any_size_is_the_same_the_second_time(
    serve: Serve, start: Start, size: int, is_chunked: bool
) -> None:
    """The server refuses the first request after it has read all of it."""
    sandbox, body = serve(), bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    refused = b"HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=hex\r\nContent-Length: 0\r\n\r\n"
    with Origin(refused, b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok") as mirror:
        proxy, of = start(sandbox, HEX_TRUSTED_MIRROR_URL=mirror.url)
        log_in(of, sandbox)
        framing: dict[str, Any] = {"Content_Length": str(size)}
        if is_chunked:
            framing = {"Transfer_Encoding": "chunked"}
        head = proxy.head("/repo/repos/acme/x", "PUT", **framing)
        chunks = [each for each in (body[: size // 3], body[size // 3 :]) if each]

        got = proxy.send(head + (chunked(*chunks) if is_chunked else body), "PUT")

        assert (got.body, [each.body == body for each in mirror.asked]) == (b"ok", [True, True])


def test_a_server_that_does_not_renew_is_said_to_be_down(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()
    sandbox.faults.add(parse("503@refresh=9"))

    got = proxy.get("/api/users/me", User_Agent="x")

    assert (got.status, len(proxy.said), counts(sandbox, "users_me")) == (502, 1, (1,))


def test_one_time_passwords_are_between_client_and_server(serve: Serve, start: Start) -> None:
    sandbox = serve(otp="123456")
    proxy, of = start(sandbox)
    log_in(of, sandbox)

    statuses = [make_key(proxy).status, make_key(proxy, X_Hex_OTP="123456").status]

    assert (statuses, counts(sandbox, "keys", "refresh", "prompts")) == ([401, 201], (2, 0, 1))


# Asking a person


def test_nobody_is_logged_in_and_nobody_to_be_asked(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, _ = start(sandbox)

    got = proxy.get("/api/users/me", User_Agent="x")

    assert (got.status, got.all("www-authenticate")) == (401, ["Basic realm=hex"])
    assert (counts(sandbox, "users_me", "prompts"), proxy.said) == ((1, 0), [])


def test_what_needs_no_login_asks_for_none(serve: Serve, start: Start) -> None:
    sandbox = serve(approve_after=0)
    proxy, _ = start(sandbox, visible=True)

    assert proxy.get("/api/packages", User_Agent="x").status == 200
    assert counts(sandbox, "packages", "prompts") == (1, 0)


def test_a_person_logs_in_on_the_way(serve: Serve, start: Start) -> None:
    sandbox = serve(approve_after=0)
    proxy, _ = start(sandbox, visible=True)

    assert [proxy.get("/api/users/me", User_Agent="x").status for _ in range(2)] == [200, 200]
    assert counts(sandbox, "users_me", "prompts") == (3, 1)


def test_a_change_waits_for_the_login(serve: Serve, start: Start) -> None:
    """No server allows everybody changes: it is asked once, with the credential."""
    sandbox = serve(approve_after=0, otp="123456")
    proxy, _ = start(sandbox, visible=True)

    assert make_key(proxy, X_Hex_OTP="123456").status == 201
    assert counts(sandbox, "keys", "prompts") == (1, 1)


def test_eight_at_once_are_one_question(serve: Serve, start: Start) -> None:
    sandbox = serve(approve_after=0.3)
    proxy, _ = start(sandbox, visible=True)

    assert crowd(proxy) == [200] * 8
    assert counts(sandbox, "prompts") == (1,)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_no_is_for_all_and_is_not_asked_again(serve: Serve, start: Start, method: str) -> None:
    sandbox = serve(deny_after=0.3)
    proxy, _ = start(sandbox, visible=True)

    assert crowd(proxy, method) == [401] * 8
    assert crowd(proxy, method) == [401] * 8
    assert (counts(sandbox, "prompts"), proxy.said) == ((1,), [])


def test_one_renewal_is_enough_for_all(serve: Serve, start: Start) -> None:
    sandbox = serve()
    proxy, of = start(sandbox)
    log_in(of, sandbox)
    sandbox.hexpm.reject_access_tokens()

    assert crowd(proxy) == [200] * 8
    assert counts(sandbox, "refresh") == (1,)


def crowd(proxy: Proxy, method: str = "GET", size: int = 8) -> list[int]:
    """Return the statuses that so many clients get, which ask at one moment."""
    barrier = threading.Barrier(size)
    path = {"GET": "/api/users/me", "POST": "/api/keys"}[method]

    def ask(_: int) -> int:
        barrier.wait()
        return proxy.get(path, method, User_Agent="x").status

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(ask, range(size)))
