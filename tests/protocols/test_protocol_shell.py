"""The shell formats, read back by the real shells and the real curl."""

import json
import subprocess
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, TCPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexauth.errors import HexauthError
from hexauth.model import Credential, Kind, Target
from hexauth.protocols.shell import FORMATS, render
from tests.conftest import need

HOSTILE = [
    "'; echo pwned #",
    "$(echo pwned)",
    "`echo pwned`",
    '"; echo pwned; "',
    "'\"'\"'",
    "\\",
    "\\'",
    "${IFS}$HOME",
    "a b\tc  d ",
    "*?[a-z]~!{a,b}",
    "-n",
    "\x1b[2J\x07",
    "%s\\n\\x41\\0",
    "ünï\udcff\udcc3",
]
"""Secrets that would do something if a shell or curl read them as anything but text."""

SECRET = st.text(st.sampled_from("'\"\\$`!();&|<>{}[]*?~#%= \tab-\x01\x7f\udcff"), max_size=30)

BEARER = Credential(
    Target("https", "hex.pm", "repos/acme"),
    "oauth2",
    "TOKEN",
    Kind.BEARER,
    expires_at=1893456000,
    scope="api:read",
    source="vault",
)

SHELLS = ("sh", "bash", "zsh")

shells = pytest.mark.parametrize("shell", SHELLS)
hostile = pytest.mark.parametrize("secret", HOSTILE)


def key(secret: str) -> Credential:
    """Return a credential whose secret is the whole `Authorization` header."""
    return Credential(Target("https", "hex.pm"), "me", secret, Kind.KEY)


def run(*words: str, give: bytes) -> bytes:
    """Return what a program prints; a word of its own about `give` is a failure."""
    done = subprocess.run(words, input=give, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("token", b"TOKEN\n"),
        ("header", b"Authorization: Bearer TOKEN\n"),
        ("env", b"export HEX_API_KEY='Bearer TOKEN'\n"),
        ("curl", b'header = "Authorization: Bearer TOKEN"\n'),
        (
            "json",
            b'{"protocol": "https", "host": "hex.pm", "path": "repos/acme", "username": "oauth2",'
            b' "token": "TOKEN", "token_type": "bearer", "expires_at": 1893456000,'
            b' "scope": "api:read", "source": "vault"}\n',
        ),
    ],
)
def test_format_is_one_line(form: str, line: bytes) -> None:
    assert render(BEARER, form) == line


def test_every_format_is_shown_here() -> None:
    assert set(FORMATS) == {"token", "header", "json", "env", "curl"}


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        (key("KEY"), b"Authorization: KEY\n"),
        (Credential(BEARER.target, "me", "pw"), b"Authorization: Basic bWU6cHc=\n"),
        (
            Credential(BEARER.target, "", "T==", authtype="Negotiate"),
            b"Authorization: Negotiate T==\n",
        ),
    ],
)
def test_header_presents_each_kind_of_secret_in_its_own_way(
    credential: Credential, header: bytes
) -> None:
    assert render(credential, "header") == header


@pytest.mark.parametrize(
    ("credential", "token_type"),
    [
        (BEARER, "bearer"),
        (key("KEY"), "key"),
        (Credential(BEARER.target, "me", "pw"), "password"),
        (Credential(BEARER.target, "me", "T==", authtype="Negotiate"), "Negotiate"),
    ],
)
def test_json_says_how_the_token_is_sent(credential: Credential, token_type: str) -> None:
    assert json.loads(render(credential, "json"))["token_type"] == token_type


def test_json_has_all_its_keys_when_little_is_known() -> None:
    assert json.loads(render(Credential(Target("https", "x"), "", ""), "json")) == {
        "protocol": "https",
        "host": "x",
        "path": None,
        "username": "",
        "token": "",
        "token_type": "password",
        "expires_at": None,
        "scope": "",
        "source": "",
    }


@pytest.mark.parametrize("secret", [*HOSTILE, "a\nb\r\0", "\u2028\x85"])
def test_json_of_any_secret_is_one_line_of_ascii(secret: str) -> None:
    text = render(key(secret), "json")

    assert (text.isascii(), len(text.splitlines()), json.loads(text)["token"]) == (True, 1, secret)


@pytest.mark.parametrize("form", ["token", "header", "env", "curl"])
@pytest.mark.parametrize("secret", ["S3CRET\npwned", "S3CRET\r", "\0S3CRET", "\n"])
def test_secret_that_would_be_two_lines_is_refused_and_not_quoted(form: str, secret: str) -> None:
    with pytest.raises(HexauthError) as caught:
        render(key(secret), form)

    assert ("S3CRET" in str(caught.value), caught.value.hint) == (False, "Ask for --format json.")


def exported(shell: str, secret: str) -> bytes:
    """Return what a program sees of `HEX_API_KEY` after a shell has evaluated the line."""
    words = (need(shell, shell), "-c", 'eval "$(cat)" && printenv HEX_API_KEY')
    return run(*words, give=render(key(secret), "env"))


@hostile
@shells
def test_eval_exports_the_secret_and_does_nothing_else(shell: str, secret: str) -> None:
    assert exported(shell, secret) == f"{secret}\n".encode("utf-8", "surrogateescape")


@given(SECRET)
@settings(max_examples=20, deadline=None)
def test_eval_of_any_secret_in_any_shell_exports_just_that(secret: str) -> None:
    expected = f"{secret}\n".encode("utf-8", "surrogateescape")

    assert {exported(shell, secret) for shell in SHELLS} == {expected}


@pytest.mark.parametrize("secret", ["", "plain", "it's"])
def test_value_is_always_in_quotes(secret: str) -> None:
    """A reader sees where it begins and ends."""
    assert render(key(secret), "env").startswith(b"export HEX_API_KEY='")


class Echo(StreamRequestHandler):
    """Answers each request with its `Authorization` line, as it came."""

    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        found = [line for line in lines if line.lower().startswith(b"authorization")]
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(found))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Hand out the address of a server on loopback that answers as `Echo` says."""
    with TCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@hostile
@pytest.mark.parametrize(("form", "words"), [("curl", ("--config", "-")), ("header", ("-H", "@-"))])
def test_curl_sends_the_secret_as_it_is(
    url: str, form: str, words: tuple[str, ...], secret: str
) -> None:
    asked = (need("curl", "curl"), "-q", "-sS", "--noproxy", "*", *words, url)

    assert run(*asked, give=render(key(secret), form)) == (
        f"Authorization: {secret}\r\n".encode("utf-8", "surrogateescape")
    )


@pytest.mark.parametrize("name", [each for each in FORMATS if each != "json"])
def test_half_a_character_is_refused(name: str) -> None:
    with pytest.raises(HexauthError, match="half a character"):
        render(key("\ud800"), name)
