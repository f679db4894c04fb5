"""No answer of a server's makes hexauth send a secret to another origin, or for somebody else."""

import base64
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path

import pytest
import requests

from hexauth.credentials.http_auth import HexAuth
from hexauth.errors import Unreachable
from hexauth.model import Endpoints, Token
from hexauth.servers.oauth import Client, current_user
from hexauth.world.http import send
from tests.homes import home
from tests.isolation.places import Run, run
from tests.proxy.parts import OK, Asked, Origin, proxying

SECRET = "S3CRET"
STATUSES = (301, 302, 303, 307, 308)
TEMPTING = (
    b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
    b'WWW-Authenticate: Bearer error="invalid_token"\r\n\r\n'
)

PLACES = {
    "another port": "http://127.0.0.1:{other}/seen",
    "another name": "http://localhost:{own}/seen",
    "a short address": "http://127.1:{own}/seen",
    "an address as a number": "http://2130706433:{own}/seen",
    "a mapped address": "http://[::ffff:127.0.0.1]:{other}/seen",
    "a user": "http://me@127.0.0.1:{own}/seen",
    "the own name as a user": "http://127.0.0.1:{own}@localhost:{other}/seen",
    "the own name and a backslash": "http://127.0.0.1:{own}\\@localhost:{other}/seen",
    "a backslash and the own name": "http://localhost:{other}\\@127.0.0.1:{own}/seen",
    "no scheme": "//localhost:{own}/seen",
    "another scheme": "https://127.0.0.1:{own}/seen",
    "a scheme of its own": "file:///etc/passwd",
    "a tab": "ht\ttp://localhost:{own}/seen",
    "a way there and back": "http://127.0.0.1:{other}/back/{status}/{n}",
    "nowhere": "http://[::1",
    "a port that is none": "http://127.0.0.1:x/seen",
}
"""What an answer may lead to. Each is the very server asked, by another name, or another one."""

BACK = "http://127.0.0.1:{own}/seen"

PATHS = [f"{status}/{n}" for status in STATUSES for n in range(len(PLACES))]
"""What is asked for below the API: the path says what is answered."""


class Pair:
    """The server that a login is for, which leads everybody elsewhere, and another one."""

    def __init__(self, stack: ExitStack) -> None:
        self.other = stack.enter_context(Origin(self.answer))
        self.own = stack.enter_context(Origin(self.answer))

    def answer(self, asked: Asked) -> bytes:
        """Return what either server says: it leads to what the path names, or tempts."""
        own, other = (each.url.rpartition(":")[2] for each in (self.own, self.other))
        found = re.search(r"(api|back)/([0-9]{3})/([0-9]+)", asked.target)
        if found is None:
            return TEMPTING
        place = list(PLACES.values())[int(found[3])] if found[1] == "api" else BACK
        location = place.format(own=own, other=other, status=found[2], n=found[3])
        head = f"HTTP/1.1 {found[2]} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        return head.encode()

    def leaks(self) -> list[Asked]:
        """Return what came with a secret to where it does not belong."""
        here = self.own.url.removeprefix("http://")
        right = [
            each
            for each in self.own.asked
            if each.all("host") == [here] and each.target.startswith("/api")
        ]
        rest = [each for each in (*self.own.asked, *self.other.asked) if each not in right]
        assert len(right) >= len(PATHS), "somebody has not asked at all"
        return [each for each in rest if _is_secret(each)]


def _is_secret(asked: Asked) -> bool:
    values = [value for _, value in asked.headers]
    basic = [value[6:] for value in values if value.startswith("Basic ")]
    texts = [asked.target, asked.body.decode("latin-1"), *values]
    texts += [base64.b64decode(each).decode("latin-1") for each in basic]
    return any(SECRET in each for each in texts)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(stack)


@pytest.fixture
def environ(pair: Pair, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user who has an API key, and passwords for all hosts in netrc."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"default login me password {SECRET}-netrc\n")
    netrc.chmod(0o600)
    return {
        "HOME": str(tmp_path),
        "HEXAUTH_HOME": str(tmp_path / "h"),
        "HEXAUTH_VAULT": "file",
        "HEXAUTH_CACHE": "off",
        "HEX_API_URL": f"{pair.own.url}/api",
        "HEX_API_KEY": f"{SECRET}-key",
        "HEX_HTTP_TIMEOUT": "20",
        "NO_PROXY": "*",
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
    }


API: dict[str, tuple[str, ...]] = {
    "get": (),
    "header": ("-H", f"X-Own: {SECRET}"),
    "form": ("-f", f"password={SECRET}"),
    "file": ("-X", "PUT", "--input", "-"),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="many runs are in one process of POSIX here")
@pytest.mark.parametrize("name", API)
def test_api_takes_its_secrets_nowhere(name: str, pair: Pair, environ: dict[str, str]) -> None:
    """Not with a redirect of any kind; a body is not sent on at all."""
    runs = [Run(("hexauth", "api", *API[name], path), SECRET.encode()) for path in PATHS]

    said = run(environ, runs)

    assert pair.leaks() == []
    assert [
        each for each in said if each.code not in (1, 6) or b"nobody expected" in each.err
    ] == []
    assert not any(SECRET.encode() in each.out + each.err for each in said)


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_takes_its_credential_nowhere(
    pair: Pair, tmp_path: Path, method: str, optional: bool
) -> None:
    """Nor is it put into what another server has chosen to have asked."""
    here = home(tmp_path, {"HEX_API_URL": f"{pair.own.url}/api", "HEX_API_KEY": f"{SECRET}-key"})

    with requests.Session() as http:
        http.trust_env = False
        for path in PATHS:
            with suppress(requests.RequestException, ValueError):  # `requests` says so to its user
                url = f"{pair.own.url}/api/{path}"
                http.request(method, url, auth=HexAuth(optional=optional, home=here))

    assert pair.leaks() == []
    sent = [each.all("authorization") for each in pair.own.asked if "/api/" in each.target]
    assert set(map(bool, sent)) == {not optional}


@pytest.mark.parametrize("status", STATUSES)
def test_an_upgrade_to_https_takes_the_credential_along_no_more(
    status: int, tmp_path: Path
) -> None:
    """At their usual ports `requests` itself takes http and https for one."""
    seen: list[tuple[str, str]] = []

    class Adapter(requests.adapters.BaseAdapter):
        def send(
            self, request: requests.PreparedRequest, *_words: object, **_options: object
        ) -> requests.Response:
            seen.append((str(request.url), str(request.headers.get("Authorization"))))
            answer = requests.Response()
            answer.request, answer.url, answer.raw = request, str(request.url), io.BytesIO()
            is_first = answer.url.startswith("http:")
            answer.status_code = status if is_first else 200
            answer.headers["location"] = "https://127.0.0.1/api/x"
            return answer

        def close(self) -> None:
            """Have nothing to close."""

    here = home(tmp_path, {"HEX_API_URL": "http://127.0.0.1/api", "HEX_API_KEY": SECRET})
    with requests.Session() as http:
        http.trust_env = False
        http.mount("http://", Adapter())
        http.mount("https://", Adapter())
        http.get("http://127.0.0.1/api/x", auth=HexAuth(home=here))

    assert seen == [("http://127.0.0.1/api/x", SECRET), ("https://127.0.0.1/api/x", "None")]


@pytest.mark.parametrize("form", ["refresh", "exchange", "device", "revocation"])
def test_a_form_goes_to_its_endpoint_alone(pair: Pair, tmp_path: Path, form: str) -> None:
    """All of OAuth's hold a secret: `refresh_token`, `client_secret`, `device_code`, `token`."""
    here = home(tmp_path, {"HEX_API_URL": f"{pair.own.url}/api"})
    try:
        for path in PATHS:
            url = f"{pair.own.url}/api/{path}"
            client = Client(here.http, Endpoints(url, url, url), "client")
            ask: dict[str, Callable[[], object]] = {
                "refresh": partial(client.refresh, Token(None, SECRET)),
                "exchange": partial(client.exchange, SECRET, "api"),
                "device": partial(client.device_token, SECRET),
                "revocation": partial(client.end_session, SECRET),
            }
            with pytest.raises(Unreachable):
                ask[form]()
    finally:
        here.close()

    assert pair.leaks() == []


def test_who_a_token_is_of_is_asked_at_its_server_alone(pair: Pair, tmp_path: Path) -> None:
    here = home(tmp_path, {"HEX_API_URL": f"{pair.own.url}/api"})
    try:
        for path in PATHS:
            with pytest.raises(Unreachable):
                current_user(here.http, f"{pair.own.url}/api/{path}", f"Bearer {SECRET}")
    finally:
        here.close()

    assert pair.leaks() == []


def test_the_proxy_follows_nobody(pair: Pair, tmp_path: Path) -> None:
    """The program behind it is told where the answer leads, and has no credential."""
    surroundings = {"HEX_API_URL": f"{pair.own.url}/api", "HEX_API_KEY": f"{SECRET}-key"}

    with proxying(tmp_path, surroundings) as proxy:
        heard = [proxy.get(f"/api/{path}") for path in PATHS]

    assert pair.leaks() == []
    assert [each.status for each in heard] == [int(path[:3]) for path in PATHS]
    assert SECRET not in repr(heard)
    assert len(pair.own.asked) == len(PATHS)
    assert pair.other.asked == []


@pytest.mark.parametrize("status", STATUSES)
def test_within_its_own_server_a_redirect_is_followed(
    status: int, environ: dict[str, str], tmp_path: Path
) -> None:
    """So that the tests above are not passed by what follows nobody; netrc takes no part in it."""

    def answer(asked: Asked) -> bytes:
        if asked.target == "/api/new":
            return OK
        return f"HTTP/1.1 {status} x\r\nLocation: /api/new\r\nContent-Length: 0\r\n\r\n".encode()

    with Origin(answer) as own:
        (said,) = run(
            {**environ, "HEX_API_URL": f"{own.url}/api"}, [Run(("hexauth", "api", "old"))]
        )
        here = home(tmp_path, {"HEX_API_URL": f"{own.url}/api"})
        followed = status in (307, 308)
        with nullcontext() if followed else pytest.raises(Unreachable):
            send(here.http, "POST", f"{own.url}/api/old", form={"a": SECRET})
        here.close()

    assert (said.code, said.out) == (0, b"ok")
    sent = [(each.target, each.all("authorization"), each.body) for each in own.asked]
    key, form = [f"{SECRET}-key"], f"a={SECRET}".encode()
    assert sent[:2] == [("/api/old", key, b""), ("/api/new", key, b"")]
    assert sent[2:] == [("/api/old", [], form), ("/api/new", [], form)][: 1 + followed]


def test_documents_that_lie_elsewhere_are_fetched_without_anything(
    environ: dict[str, str],
) -> None:
    """Hex keeps a package's documentation elsewhere."""
    with Origin() as other:
        there = f"{other.url}/docs".replace("127.0.0.1", "localhost").encode()
        said = b"HTTP/1.1 302 x\r\nLocation: " + there + b"\r\nContent-Length: 0\r\n\r\n"
        with Origin(said) as own:
            words = ("hexauth", "api", "-H", f"X-Own: {SECRET}", "docs")
            (done,) = run({**environ, "HEX_API_URL": f"{own.url}/api"}, [Run(words)])

    assert (done.code, done.out) == (0, b"ok")
    assert [_is_secret(each) for each in (*own.asked, *other.asked)] == [True, False]
