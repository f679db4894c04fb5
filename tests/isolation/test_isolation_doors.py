"""A credential leaves only for exactly the protocol, host and port that it belongs to."""

import os
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from urllib3.util import parse_url

from hexauth.credentials.http_auth import HexAuth
from hexauth.errors import HexauthError
from hexauth.library import get
from tests.conftest import SECONDS, need
from tests.homes import home
from tests.isolation.places import (
    DOORS,
    LOGINS,
    MARKS,
    Run,
    Said,
    furnish,
    keep_key,
    run,
)
from tests.isolation.rows import DESCRIPTIONS, SECRETS, URLS
from tests.proxy.parts import Origin, proxying

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs share a process of POSIX")

BIN = Path(sys.executable).parent

GIT = ("git-credential-hexauth", "get")

ONE_LOGIN = {name: "api" if name in ("repo", "acme") else name for name in SECRETS}
"""Whose secret is answered where Hex has a login, and no keys."""

KEYS = {**ONE_LOGIN, "api": "env", "acme": "acme"}
"""The same with `HEX_API_KEY` and an organization's key."""

ALL_KEYS = {**ONE_LOGIN, "api": "env", "repo": "repos", "acme": "repos"}
"""The same with `HEX_REPOS_KEY`, too."""

AS_IT_IS = "[repositories.hexpm]\noauth_exchange = false\n"


@pytest.fixture
def folder(memory: str) -> Path:
    """Return a home's folder whose name is short, as that of a file in memory tells it."""
    return Path(memory) / "h"


@pytest.fixture
def environ(folder: Path, memory: str) -> dict[str, str]:
    """Return the environment of a user who has logged in at many places."""
    return furnish(folder, memory)


def expected(name: str, secrets: dict[str, str]) -> set[str]:
    return {secrets[name]} if name else set()


def wrong(door: str, text: str, said: Said, secrets: set[str]) -> str:
    """Return what is wrong with an answer, or an empty text."""
    is_right = said.code == 0 if secrets else DOORS[door].nothing(said)
    return "" if said.secrets == secrets and is_right else f"{door} {text!r}: {said}\n"


def judged(environ: dict[str, str], door: str, secrets: dict[str, str]) -> str:
    """Return what a door has answered wrongly, or by a quick way otherwise than by the long one."""
    rows = [row for row in URLS if DOORS[door].takes(row.text)]
    asked = [DOORS[door].ask(row.text) for row in rows]
    has_quick = door != "exec" and secrets is ONE_LOGIN
    found = both(environ, asked) if has_quick else run(environ, asked)
    pairs = zip(rows, found, strict=True)
    return "".join(wrong(door, r.text, said, expected(r.at(door), secrets)) for r, said in pairs)


def both(environ: dict[str, str], asked: Sequence[Run]) -> list[Said]:
    """Return what is answered; the quick ways must give the same bytes as the long way."""
    quick = run(environ, asked)
    long = run(environ, [Run(each.words, each.give, quick=False) for each in asked])
    pairs = zip(asked, quick, long, strict=True)
    assert [each for each in pairs if not same(*each[1:])] == []
    assert not any(each.quick for each in long)
    return quick


def same(one: Said, other: Said) -> bool:
    return (one.code, one.out, one.err) == (other.code, other.out, other.err)


@pytest.mark.parametrize("door", DOORS)
def test_a_door_answers_what_the_table_says(door: str, environ: dict[str, str]) -> None:
    assert judged(environ, door, ONE_LOGIN) == ""


@pytest.mark.parametrize("door", ["get", "git", "bazel"])
def test_a_key_of_the_environment_goes_nowhere_else(door: str, environ: dict[str, str]) -> None:
    keep_key(environ)

    assert judged({**environ, "HEX_API_KEY": MARKS["env"]}, door, KEYS) == ""


@pytest.mark.parametrize("door", ["get", "git", "bazel"])
def test_a_key_for_repositories_goes_nowhere_else(door: str, folder: Path, memory: str) -> None:
    keys = {"HEX_API_KEY": MARKS["env"], "HEX_REPOS_KEY": MARKS["repos"]}
    environ = furnish(folder, memory, **keys)
    with (folder / "config.toml").open("a") as file:
        file.write(AS_IT_IS)

    assert judged(environ, door, ALL_KEYS) == ""


def test_what_git_says_is_answered_as_the_table_says(environ: dict[str, str]) -> None:
    found = both(environ, [Run(GIT, request) for request, _ in DESCRIPTIONS])

    assert sum(each.quick and each.secrets != set() for each in found) > 5
    pairs = zip(DESCRIPTIONS, found, strict=True)
    assert (
        "".join(
            wrong("git", repr(request), said, expected(name, ONE_LOGIN))
            for (request, name), said in pairs
        )
        == ""
    )


FAMILIES = {row.family: row for row in reversed(URLS) if not row.secret and not row.but}
"""The first row of each family that is answered with nothing."""


@pytest.mark.parametrize("door", DOORS)
def test_the_program_itself_answers_the_same(door: str, environ: dict[str, str]) -> None:
    """Every family goes through the real command line of each door once, beside one good row."""
    good = next(row for row in URLS if row.at(door))
    rows = [row for row in (*FAMILIES.values(), good) if DOORS[door].takes(row.text)]

    found = [as_a_program(environ, DOORS[door].ask(row.text)) for row in rows]

    pairs = zip(rows, found, strict=True)
    assert (
        "".join(
            wrong(door, row.text, said, expected(row.at(door), ONE_LOGIN)) for row, said in pairs
        )
        == ""
    )


def as_a_program(environ: dict[str, str], asked: Run, cwd: str = "/") -> Said:
    program, *words = asked.words
    done = subprocess.run(
        [BIN / os.fsdecode(program), *words],
        input=asked.give,
        capture_output=True,
        env={**environ, **asked.environ},
        cwd=cwd,
        timeout=SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr, False)


# Git itself

REAL = [
    ("https://hex.pm/", "api"),
    ("https://HEX.pm:443/a.git", "api"),
    ("https://[2001:DB8::1]:8443/a.git", "six"),
    ("https://git.test/", "git"),
    ("https://hex.pm@evil.test/", ""),
    ("https://hex.pm:443@evil.test/", ""),
    ("https://evil.test\\@hex.pm/", ""),
    ("https://hex.pm.evil.test/", ""),
    ("https://hex.pm:0443/", ""),
    ("http://hex.pm/", ""),
    ("https://hex.pm./", ""),
    ("https://\uff48\uff45\uff58.pm/", ""),
    ("https://evil.test?@hex.pm/", ""),
    ("https://evil.test%0ahost=hex.pm/", ""),
    ("https://evil.test%0dhost=hex.pm/", ""),
    ("https://evil.test\u2028host=hex.pm/", ""),
    ("https:///hex.pm", ""),
]
"""URLs as git takes them apart before it asks its helper."""


def test_git_gets_for_an_url_what_the_table_says(environ: dict[str, str]) -> None:
    need("git", "git")
    surroundings = {
        **environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
    }

    found = []
    for url, _ in REAL:
        words = ["git", "-c", "credential.helper=hexauth", "credential", "fill"]
        give = f"url={url}\n\n".encode()
        done = subprocess.run(
            words, input=give, capture_output=True, env=surroundings, check=False, timeout=SECONDS
        )
        found.append((url, Said(done.returncode, done.stdout, done.stderr, False).secrets))

    assert found == [(url, expected(name, ONE_LOGIN)) for url, name in REAL]


@pytest.mark.parametrize(
    "words",
    [
        ("hexpm",),
        ("https://hex.pm/",),
        ("--format", "token", "hexpm"),
        ("--no-login", "hexpm"),
        ("--explain", "https://hex.pm"),
        ("--repo", "hexpm"),
        ("--repo=hexpm:acme", "--format=git"),
        ("--", "hexpm"),
    ],
)
def test_git_s_configuration_names_no_target(
    environ: dict[str, str], words: tuple[str, ...]
) -> None:
    """Git asks the helper `hexauth hexpm` for every server alike, and sends what it gets."""
    asked = [
        (quick, give)
        for quick in (True, False)
        for give in (b"protocol=https\nhost=evil.test\n", b"")
    ]
    program = GIT[0]

    found = run(environ, [Run((program, *words, "get"), give, quick) for quick, give in asked])

    assert [(each.code, each.out, each.secrets) for each in found] == [(2, b"", set())] * 4


def test_git_s_configuration_may_hold_options(environ: dict[str, str]) -> None:
    asked = Run((GIT[0], "--no-login", "--format", "git", "get"), b"protocol=https\nhost=hex.pm\n")

    (found,) = run(environ, [asked])

    assert (found.code, found.secrets) == (0, {"api"})


# Programs' own requests


def test_api_sends_requests_to_its_own_server_alone(environ: dict[str, str]) -> None:
    """Offline, what would be sent fails as unreachable, and everything else as wrong usage."""
    rows = [row for row in URLS if "://" in row.text and DOORS["get"].takes(row.text)]

    found = run(environ, [Run(("hexauth", "api", row.text)) for row in rows])

    for row, said in zip(rows, found, strict=True):
        is_odd = row.text.endswith("..") or "@hex.pm" in row.text
        codes = (6,) if row.secret == "api" and not is_odd else (2,)
        assert said.code in codes, (row, said)
        assert (said.out, said.secrets) == (b"", set())


TARGETS = {"api": "hexpm", **{name: LOGINS[name][0] for name in LOGINS if name != "api"}}


def place(url: str) -> tuple[str | None, str, int]:
    """Return the scheme, host and port at which urllib3 connects for `url`."""
    found = parse_url(url)
    host = str(found.host)
    return found.scheme, str(ip_address(host[1:-1])) if host[0] == "[" else host, found.port or 443


@pytest.mark.parametrize("name", TARGETS)
def test_a_session_authenticates_what_goes_to_its_own_server_alone(
    name: str, environ: dict[str, str]
) -> None:
    """The judge is where urllib3 connects: `requests` itself spells some names anew."""
    here = home(Path(environ["HEXAUTH_HOME"]), {**environ, "HEXAUTH_CACHE": "off"})
    auth = HexAuth(TARGETS[name], ask=False, home=here)
    places = [place(SECRETS[each]) for each in ((name, "repo") if name == "api" else (name,))]
    good = 0

    for row in URLS:
        try:
            sent = requests.Request("GET", row.text, auth=auth).prepare()
        except (requests.RequestException, HexauthError, ValueError):
            continue
        if "Authorization" in sent.headers:
            good += 1
            assert place(str(sent.url)) in places, row
            assert sent.headers["Authorization"] == f"Bearer {MARKS[name]}"
        else:
            assert name not in (row.secret, {"repo": "api"}.get(row.secret)) or "@" in row.text, row

    assert good > 0


def test_the_library_answers_what_the_table_says(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    for variable in ("HEX_API_KEY", "HEX_API_URL", "CI"):
        monkeypatch.delenv(variable, raising=False)

    def secret(text: str) -> str:
        try:
            return get(text, may_ask=False).secret
        except HexauthError:
            return ""

    found = {row.text: secret(row.text) for row in URLS}

    wanted = {row.text: MARKS[ONE_LOGIN[row.secret]] if row.secret else "" for row in URLS}
    assert {text for text in found if found[text] != wanted[text]} == set()


# The proxy


def test_the_proxy_goes_to_its_own_server_alone(tmp_path: Path) -> None:
    """Whatever a program asks the proxy for: as a path, as a whole URL, as the name of a host."""
    with Origin() as own, Origin() as other:
        surroundings = {"HEX_API_URL": f"{own.url}/api", "HEX_API_KEY": MARKS["env"]}
        with proxying(tmp_path, surroundings) as proxy:
            there = other.url.removeprefix("http://")
            texts = [row.text.replace("evil.test", there) for row in URLS]
            texts = [each for each in texts if each.isprintable() and " " not in each]
            secret, port = proxy.routes.secret, proxy.port
            requests_ = [
                f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
                for text in texts
                for target, host in (
                    (f"/{secret}/api/{text}", f"127.0.0.1:{port}"),
                    (f"/{secret}/api{text}", f"127.0.0.1:{port}"),
                    (f"{text}/{secret}/api/x", f"127.0.0.1:{port}"),
                    (f"/{secret}/api/x", text.removeprefix("https://").rstrip("/")),
                )
            ]
            statuses = [said[9:12] for said in map(proxy.ask, requests_)]
            good = proxy.get("/api/users/me")

    assert (good.status, other.asked) == (200, [])
    assert {b"200", b"400", b"403", b"404"} == set(statuses)
    assert {each.all("host")[0] for each in own.asked} == {own.url.removeprefix("http://")}
    assert all(each.target.startswith("/api/") for each in own.asked)
