"""Git's credential protocol: what a request says, and that no answer can say more than it should.

Values are bytes to git, so they are compared as bytes wherever they are not plain ASCII.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hexauth.errors import MalformedRequest
from hexauth.model import Credential, Kind, Target
from hexauth.protocols.git import Description, parse, render

HEX = Target("https", "hex.pm")

VALUE = st.binary().filter(lambda value: not set(value) & set(b"\n\r\0"))
"""Bytes that one line of git's can hold."""

PIECES = (
    b"url=", b"https", b"://", b"me:pw@", b"host=", b"/", b"?", b"%", b"%0a", b"%00", b"[]", b"=",
    b"capability[]=authtype", b"password_expiry_utc=", b"9", b"\n", b"\r\n", b"\r", b"\0", b"\xff",
)  # fmt: skip

REQUEST = st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join)


def text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def test_request_says_what_git_says_in_its_order() -> None:
    request = (
        b"capability[]=authtype\ncapability[]=state\nauthtype=Negotiate\ncredential=c==\n"
        b"ephemeral=1\nprotocol=https\nhost=git.test:8443\npath=a/b.git\nusername=me\n"
        b"password=p=w\noauth_refresh_token=r\npassword_expiry_utc=1893456000\n"
        b'wwwauth[]=Basic realm="x"\ncontinue=1\nstate[]=other.s=1\n\n'
    )

    assert parse(request) == Description(
        Target("https", "git.test:8443", "a/b.git", "me"),
        password="p=w",
        authtype="Negotiate",
        credential="c==",
        expires_at=1893456000,
        refresh_token="r",
        ephemeral=True,
        capabilities=("authtype", "state"),
    )


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (b"", Target()),
        (b"\n", Target()),
        (b"host=a", Target(host="a")),
        (b"host=a\n", Target(host="a")),
        (b"host=a\r\n\r\n", Target(host="a")),
        (b"host=a\n\nhost=b\n", Target(host="a")),
        (b"host=a\n\r\nnonsense\0", Target(host="a")),
        (b"host=a\nhost=b\n", Target(host="b")),
        (b"host=\nusername=\n", Target(host="", username="")),
        (b"path=a=b", Target(path="a=b")),
        (b"host= a\t", Target(host=" a\t")),
        (b"Host=a\nunknown=1\nhost[]=b\n=c\n", Target()),
    ],
)
def test_request_ends_at_an_empty_line_or_at_its_end(request_: bytes, target: Target) -> None:
    """Fields that are absent and fields that are empty stay apart; unknown ones are ignored."""
    assert parse(request_) == Description(target)


@pytest.mark.parametrize("line", ["a\x0bb", "a\x0cb", "a\x85b", "a\u2028b", "a\x1cb\x1d\x1e"])
def test_what_only_unicode_calls_a_line_end_is_part_of_a_value(line: str) -> None:
    """Splitting there has sent credentials to other hosts (CVE-2024-52006)."""
    request = f"host=git.test\npath={line}\nhost=hex.pm".encode()

    assert parse(request).target == Target(host="hex.pm", path=line)


@pytest.mark.parametrize(
    "request_",
    [
        b"host",
        b"host=hex.pm\nS3CRET\n",
        b"host=hex\r.pm\n",
        b"\rhost=hex.pm\n",
        b"host=hex.pm\r\r\n",
        b"\r\r\n",
        b"password=S3CRET\0\n",
        b"ho\0st=hex.pm",
        b"unknown=\rS3CRET\n",
        b"host=" + b"x" * 65531 + b"\n",
        b"unknown=" + b"x" * 65528,
    ],
    ids=lambda request: repr(request[:20]),
)
def test_line_that_readers_may_take_apart_is_malformed_and_not_quoted(request_: bytes) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(request_)

    assert "S3CRET" not in f"{caught.value} {caught.value.hint}"


def test_longest_line_that_git_sends_is_read_whole() -> None:
    assert len(parse(b"password=" + b"x" * 65526 + b"\n").password or "") == 65526


@given(REQUEST)
@example(b"url=%://\xff")
def test_any_bytes_are_a_request_or_malformed(request_: bytes) -> None:
    """No other error ever reaches git, and no text it was given can hold a line's end."""
    try:
        target = parse(request_).target
    except MalformedRequest:
        return

    assert not set("\n\r\0") & set(f"{target.protocol}{target.host}{target.path}{target.username}")


@given(VALUE, VALUE, VALUE)
def test_bytes_of_a_request_come_back_unchanged(host: bytes, user: bytes, secret: bytes) -> None:
    """UTF-8 or not: what was stored under a name must be found and answered under it."""
    asked = parse(b"host=%s\nusername=%s\npassword=%s\n" % (host, user, secret))

    answer = render(Credential(asked.target, asked.target.username or "", asked.password or ""))

    assert (text(host), b"username=%s\npassword=%s\n" % (user, secret)) == (
        asked.target.host,
        answer,
    )


@pytest.mark.parametrize(
    ("lines", "capabilities"),
    [
        (b"", ()),
        (b"capability[]=authtype", ("authtype",)),
        (b"capability[]=new\ncapability[]=authtype", ("new", "authtype")),
        (b"capability[]=authtype\ncapability[]=", ()),
        (b"capability[]=authtype\ncapability[]=\ncapability[]=state", ("state",)),
        (b"capability=authtype", ()),
        (b"state[]=authtype", ()),
    ],
)
def test_empty_item_empties_the_list(lines: bytes, capabilities: tuple[str, ...]) -> None:
    assert parse(lines).capabilities == capabilities


@pytest.mark.parametrize(
    ("url", "target", "password"),
    [
        (b"https://hex.pm", HEX, None),
        (b"https://hex.pm/", HEX, None),
        (b"https://git.test:8443//a/b.git/", Target("https", "git.test:8443", "a/b.git"), None),
        (b"https://me:p:w@hex.pm/", Target("https", "hex.pm", None, "me"), "p:w"),
        (b"https://me%40work:%70w@hex.pm", Target("https", "hex.pm", None, "me@work"), "pw"),
        (b"https://:pw@hex.pm", Target("https", "hex.pm", None, ""), "pw"),
        (b"https://hex.pm/a@b:c", Target("https", "hex.pm", "a@b:c"), None),
        (b"https://evil.test?@hex.pm/", Target("https", "evil.test", "?@hex.pm"), None),
        (b"https://evil.test#@hex.pm/", Target("https", "evil.test", "#@hex.pm"), None),
        (b"https://hex.pm/%ff\xfe%", Target("https", "hex.pm", "\udcff\udcfe%"), None),
        (b"cert:///etc/key", Target("cert", "", "etc/key"), None),
        (b"http://[::1]:4000/", Target("http", "[::1]:4000"), None),
    ],
)
def test_url_stands_for_its_parts(url: bytes, target: Target, password: str | None) -> None:
    assert parse(b"url=" + url) == Description(target, password=password)


def test_later_line_replaces_a_part_of_the_url() -> None:
    request = b"username=early\nhost=early\nurl=https://hex.pm/a\npath=late\n"

    assert parse(request).target == Target("https", "hex.pm", "late", "early")


@pytest.mark.parametrize(
    "url", ["", "hex.pm", "://hex.pm", "https:/hex.pm", "https://hex.pm/%0a", "https://%0D",
            "https://me%00:pw@hex.pm", "https://me:pw%0Ahost=x@hex.pm"]
)  # fmt: skip
def test_url_that_readers_may_take_apart_is_malformed(url: str) -> None:
    with pytest.raises(MalformedRequest):
        parse(f"url={url}".encode())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1893456000", 1893456000), ("1", 1), ("0", None), ("000", None), ("", None), ("oops", None),
     ("-1", None), ("1e9", None), ("12 ", None), ("\u0661", None), ("\u00b2", None),
     ("9" * 12, 10**12 - 1), ("9" * 13, None)],
)  # fmt: skip
def test_expiry_that_makes_no_sense_counts_as_not_given(value: str, seconds: int | None) -> None:
    """As in git, where it means that the password never expires."""
    assert parse(f"password_expiry_utc={value}".encode()).expires_at == seconds


@pytest.mark.parametrize(
    ("value", "is_ephemeral"),
    [("1", True), ("true", True), ("Yes", True), ("0", False), ("false", False), ("", False)],
)
def test_ephemeral_is_what_git_calls_true(value: str, is_ephemeral: bool) -> None:
    assert parse(f"ephemeral={value}".encode()).ephemeral is is_ephemeral


@pytest.mark.parametrize(
    ("request_", "secret"),
    [(b"password=p\ncredential=c", "p"), (b"password=\ncredential=c", ""), (b"credential=c", "c"),
     (b"host=x", None)],
)  # fmt: skip
def test_secret_is_the_password_if_there_is_one(request_: bytes, secret: str | None) -> None:
    assert parse(request_).secret == secret


BEARER = Credential(HEX, "oauth2", "TOKEN", Kind.BEARER, expires_at=1893456000)
KEY = Credential(HEX, "oauth2", "KEY", Kind.KEY)
PASSWORD = Credential(HEX, "", "", expires_at=0, refresh_token="r")
TICKET = Credential(HEX, "me", "T==", authtype="Negotiate")


@pytest.mark.parametrize(
    ("credential", "capabilities", "answer"),
    [
        (BEARER, (), b"username=oauth2\npassword=TOKEN\npassword_expiry_utc=1893456000\n"),
        (
            BEARER,
            ("state", "authtype"),
            b"capability[]=authtype\nauthtype=Bearer\ncredential=TOKEN\nephemeral=1\n"
            b"password_expiry_utc=1893456000\n",
        ),
        (KEY, ("authtype",), b"username=oauth2\npassword=KEY\n"),
        (
            PASSWORD,
            ("authtype",),
            b"username=\npassword=\npassword_expiry_utc=0\noauth_refresh_token=r\n",
        ),
        (TICKET, ("authtype",), b"capability[]=authtype\nauthtype=Negotiate\ncredential=T==\n"),
        (TICKET, ("state",), b"username=me\npassword=T==\n"),
    ],
)
def test_answer_is_pre_encoded_only_where_that_was_announced(
    credential: Credential, capabilities: tuple[str, ...], answer: bytes
) -> None:
    assert render(credential, capabilities) == answer


@pytest.mark.parametrize("capabilities", [(), ("authtype",)])
@pytest.mark.parametrize(
    "secret", ["S3CRET\nhost=evil.test", "S3CRET\r", "\0S3CRET", "a\n\n", "\n"]
)
def test_secret_that_would_be_two_lines_is_refused_and_not_quoted(
    secret: str, capabilities: tuple[str, ...]
) -> None:
    with pytest.raises(MalformedRequest) as caught:
        render(Credential(HEX, "me", secret, Kind.BEARER), capabilities)

    assert "S3CRET" not in str(caught.value)


@given(st.binary().map(text), st.binary().map(text), st.binary().map(text))
def test_answer_has_the_lines_it_should_and_no_more(user: str, secret: str, other: str) -> None:
    """Whatever a tool once stored, it adds no line to the answer, and cuts none in two."""
    try:
        answer = render(Credential(HEX, user, secret, refresh_token=other))
    except MalformedRequest:
        assert set("\n\r\0") & set(user + secret + other)
        return

    assert [line.partition(b"=")[0] for line in answer.split(b"\n")] == [
        b"username",
        b"password",
        b"oauth_refresh_token",
        b"",
    ]
    assert not set(b"\r\0") & set(answer)


def test_half_a_character_is_no_answer() -> None:
    """As a drawer may hold it that somebody has damaged."""
    with pytest.raises(MalformedRequest, match="half a character"):
        render(Credential(HEX, "me", "\ud800"))
