"""Servers that are broken, or want something: what the client gets of it, and who is asked what."""

import socket
from functools import partial
from pathlib import Path

import pytest

from tests.proxy.conftest import Behind
from tests.proxy.parts import OK, Answer, Asked, Last, Origin, Proxy, chunked, proxying

HEAD = b"HTTP/1.1 200 OK\r\n"


def failure(proxy: Proxy, origin: Origin, why: str) -> str:
    return f"hexauth: {origin.url} cannot be reached: {why}.\n"


# No answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Last(b""), "no connection"),
        (Last(b"HTTP/1.1 200 OK\r\nContent-Le"), "no connection"),
        (Last(b"HTTP/1.1 200 OK\r\n"), "no connection"),
        (Last(b"HTTP/1.1 200 OK\r\nX: y\r\n"), "no connection"),
        (Last(b"HTTP/1.1 200 OK"), "no connection"),
        (Last(b"HTTP/1.1 100 Continue\r\n\r\n"), "no connection"),
        (Last(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "no connection"),
        (Last(b"220 mail.example ESMTP\r\n"), "no connection"),
        (Last(b"\x15\x03\x01\x00\x02\x02\x46"), "no connection"),
        (Last(b"HTTP/1.1 abc\r\n\r\n"), "no connection"),
        (Last(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"), "no connection"),
        (Last(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 101 + b"\r\n"), "no connection"),
        (HEAD + b"X y: a\r\nContent-Length: 1\r\n\r\na", "the answer makes no sense"),
        (HEAD + b"no header\r\nContent-Length: 1\r\n\r\na", "the answer makes no sense"),
        (HEAD + b"X\xe9: a\r\nContent-Length: 1\r\n\r\na", "the answer makes no sense"),
        (b"HTTP/1.1 099 X\r\n\r\n", "no connection"),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", "the answer makes no sense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na", "the answer makes no sense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na", "the answer makes no sense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\na", "the answer makes no sense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\na", "the answer makes no sense"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + chunked(b"a"),
            "the answer makes no sense",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "no answer"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(behind: Behind, answer: Answer, why: str) -> None:
    """The client gets 502 and a line, and so does the person, once; the next request is served."""
    proxy, origin = behind(answer, answer, answer, OK)

    first, head, again = proxy.get(), proxy.get(method="HEAD"), proxy.get()

    line = failure(proxy, origin, why)
    assert (first.status, first.body.decode(), first.is_whole) == (502, line, True)
    assert first.all("content-type") == ["text/plain; charset=utf-8"]
    assert (head.status, head.body, again) == (502, b"", first)
    assert (proxy.said, proxy.get().body) == ([line], b"ok")


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with proxying(tmp_path, {"HEX_API_URL": f"{url}/api"}) as proxy:
        got = proxy.get()

    line = f"hexauth: {url} cannot be reached: no connection.\n"
    assert (got.status, got.body.decode(), proxy.said) == (502, line, [line])


def test_offline_is_said_too(behind: Behind) -> None:
    proxy, origin = behind(OK, HEX_OFFLINE="1")

    got = proxy.get()

    line = (
        b"hexauth: Nothing may be sent to any server. Unset HEX_OFFLINE (or --offline, or offline "
        b"in config.toml), then try again.\n"
    )
    assert (got.status, got.body, origin.asked) == (502, line, [])


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n"])
def test_a_head_that_does_not_come_in_time(behind: Behind, begun: bytes) -> None:
    proxy, origin = behind(begun, HEX_HTTP_TIMEOUT="1")

    got = proxy.get()

    assert (got.status, got.body.decode()) == (504, failure(proxy, origin, "no answer in time"))
    assert proxy.said == [failure(proxy, origin, "no answer in time")]


def test_what_a_server_says_unasked_is_not_heard(behind: Behind) -> None:
    """What comes behind an answer is no answer to the next request."""
    proxy, _ = behind(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" * 1000, OK)

    assert [proxy.get().body, proxy.get().body] == [b"ok", b"ok"]


# Half an answer


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 10\r\n\r\nhalf",
        HEAD + b"Content-Length: 10\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n-5\r\nwhole\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ],
)
def test_half_an_answer_is_not_made_a_whole_one(behind: Behind, answer: bytes) -> None:
    proxy, _ = behind(Last(answer), OK)

    got = proxy.get()

    assert (got.status, got.is_whole) == (200, False)
    assert (proxy.get().body, proxy.said) == (b"ok", [])


def test_half_an_answer_is_none_for_clients_who_only_see_the_end(behind: Behind) -> None:
    """For HTTP/1.0 the end of the connection is the end of the body: it is reset."""
    proxy, _ = behind(Last(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"))
    request = proxy.head().replace(b"HTTP/1.1", b"HTTP/1.0")

    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(request)

        with pytest.raises(ConnectionResetError):
            list(iter(partial(client.recv, 1000), b""))


def test_an_answer_that_ends_with_the_connection_is_whole(behind: Behind) -> None:
    proxy, _ = behind(Last(HEAD + b"\r\nall of it"))

    got = proxy.get()

    assert (got.body, got.is_whole) == (b"all of it", True)


def test_chunks_come_before_a_length(behind: Behind) -> None:
    """RFC 9112 section 6.3: a server that sends both may want to confuse somebody."""
    both = b"Content-Length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n"
    proxy, _ = behind(Last(HEAD + both + chunked(b"all ", b"of it")))

    got = proxy.get()

    assert (got.body, got.is_whole, got.all("content-length")) == (b"all of it", True, [])


def test_a_client_that_leaves_ends_the_answer(behind: Behind) -> None:
    """The server is not read on, and the next client is served."""
    proxy, _ = behind(HEAD + b"Content-Length: 20000000\r\n\r\n" + bytes(20_000_000), OK)

    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(proxy.head())
        client.recv(1000)

    assert (proxy.get().body, proxy.said) == (b"ok", [])


# Leading elsewhere


def moved(location: str, status: int = 307) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\ngone"
    return head.encode("latin-1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_leads_to_another_origin_is_handed_on(behind: Behind, status: int) -> None:
    """The proxy does not go there, and nor does the credential."""
    with Origin() as other:
        proxy, origin = behind(moved(f"{other.url}/x?y#z", status))

        got = proxy.get("/api/x")

        assert (got.status, got.body, got.is_whole) == (status, b"gone", True)
        assert got.all("location") == [f"{other.url}/x?y#z"]
        assert (len(origin.asked), other.connections) == (1, 0)


def test_what_leads_within_the_server_leads_back_to_the_proxy(behind: Behind) -> None:
    def whole(asked: Asked) -> bytes:
        return moved(f"http://{asked.all('host')[0]}/api/y")

    proxy, origin = behind(whole, moved("/z"), moved("u"))

    found = [proxy.get("/api/x").all("location") for _ in range(3)]

    base = proxy.base
    assert found == [[f"{base}/api/y"], [f"{base}/repo/z"], [f"{base}/api/u"]]
    assert [each.target for each in origin.asked] == ["/api/x"] * 3


@pytest.mark.parametrize(
    "location",
    ["https://hex.example/api/x", "http://[", "http://a:b/", "\xff\xfe", "", "http://127.0.0.1:1"],
)
def test_any_location_passes(behind: Behind, location: str) -> None:
    """A client of the server's would have to live with it."""
    proxy, origin = behind(moved(location))

    got = proxy.get("/api/x")

    assert (got.body, got.is_whole, len(origin.asked)) == (b"gone", True, 1)


# Asking for credentials


def refused(challenge: str, more: str = "") -> bytes:
    head = f"HTTP/1.1 401 X\r\nWWW-Authenticate: {challenge}\r\n{more}Content-Length: 2\r\n\r\nno"
    return head.encode()


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=hex",
        'Bearer realm="hex", error="token_expired"',
        'Bearer error="invalid_token", Negotiate YII=',
        '"' + "\\" * 5000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_always_refuses_is_asked_once_with_a_key(
    behind: Behind, challenge: str, method: str
) -> None:
    proxy, origin = behind(refused(challenge))

    got = proxy.get("/api/x", method)

    assert (got.status, got.body, got.all("www-authenticate")) == (401, b"no", [challenge])
    assert [each.all("authorization") for each in origin.asked] == [["key"]]


@pytest.mark.parametrize("error", ["totp_required", "invalid_totp"])
def test_a_server_that_wants_a_one_time_password_is_the_clients_own_affair(
    behind: Behind, error: str
) -> None:
    challenge = f'Bearer realm="hex", error="{error}"'
    proxy, origin = behind(refused(challenge, "X-More: y\r\n"))

    got = proxy.get("/api/x", "POST", X_Hex_OTP="123456")

    assert (got.status, got.all("www-authenticate"), got.all("x-more")) == (401, [challenge], ["y"])
    assert [each.all("x-hex-otp") for each in origin.asked] == [["123456"]]


# What passes, and what does not


def test_limits_pass(behind: Behind) -> None:
    lines = {
        "retry-after": "7",
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1800000000",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    proxy, origin = behind(f"HTTP/1.1 429 X\r\n{head}Content-Length: 0\r\n\r\n".encode())

    got = proxy.get("/api/x")

    assert (got.status, dict(got.headers)) == (429, {**lines, "content-length": "0"})
    assert len(origin.asked) == 1


def test_cookies_are_the_clients_and_never_the_proxys(behind: Behind) -> None:
    cookies = ["a=1; Path=/; HttpOnly", "b=2; Domain=127.0.0.1; Expires=Wed, 21 Oct 2099 07:28 GMT"]
    lines = "".join(f"Set-Cookie: {each}\r\n" for each in cookies)
    proxy, origin = behind(f"HTTP/1.1 200 X\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    got = proxy.get("/api/x", Cookie="c=3")
    proxy.get("/api/x")

    assert got.all("set-cookie") == cookies
    assert [each.all("cookie") for each in origin.asked] == [["c=3"], []]


def test_headers_of_one_connection_stay_behind(behind: Behind) -> None:
    lines = (
        "Connection: X-One, keep-alive\r\nX-One: 1\r\nKeep-Alive: timeout=5\r\nTrailer: X-Two\r\n"
        "Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-Three: 3\r\n"
    )
    proxy, _ = behind(f"HTTP/1.1 200 X\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    assert proxy.get().headers == [("x-three", "3"), ("content-length", "0")]


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (b"X: a\r\n b\r\n\tc\r\n", [("x", "a b c")]),
        (b"X: a  \r\n", [("x", "a")]),
        (b"X:\r\n", [("x", "")]),
        (b"X: a\0b\x0bc\x0cd\r\n", [("x", "a b c d")]),
        (b"X: \xe9\xff\r\n", [("x", "\xe9\xff")]),
        (b"X: a\r\nX: b\r\nx: c\r\n", [("x", "a"), ("x", "b"), ("x", "c")]),
        (b"X(y): a\r\nY: b\r\n", [("y", "b")]),
        (b"X-Many: y\r\n" * 90, [("x-many", "y")] * 90),
        (b"X: " + b"a" * 60_000 + b"\r\n", [("x", "a" * 60_000)]),
    ],
)
def test_each_header_is_one_line(
    behind: Behind, lines: bytes, headers: list[tuple[str, str]]
) -> None:
    proxy, _ = behind(HEAD + lines + b"Content-Length: 2\r\n\r\nok")

    got = proxy.get()

    assert (got.headers, got.body) == ([*headers, ("content-length", "2")], b"ok")


@pytest.mark.parametrize("reason", [b"", b"a\rX: y", b"a\0b", b"\xe9", b"a\tb "])
def test_the_reason_is_one_line(behind: Behind, reason: bytes) -> None:
    proxy, _ = behind(b"HTTP/1.1 200 " + reason + b"\r\nContent-Length: 2\r\n\r\nok")

    head, _, body = proxy.ask(proxy.head()).partition(b"\r\n\r\n")

    assert (head.count(b"\r"), head.count(b"\0"), body) == (1, 0, b"ok")


def test_a_servers_own_failure_passes(behind: Behind) -> None:
    proxy, _ = behind(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops")

    got = proxy.get()

    assert (got.status, got.body, proxy.said) == (500, b"oops", [])


@pytest.mark.parametrize("status", [100, 102, 103])
def test_a_server_may_say_something_before_its_answer(behind: Behind, status: int) -> None:
    proxy, _ = behind(b"HTTP/1.1 %d X\r\nX: y\r\n\r\n" % status * 2 + OK)

    assert [proxy.ask(proxy.head()), proxy.get().body] == [OK, b"ok"]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(behind: Behind, status: int) -> None:
    said = b'HTTP/1.1 %d X\r\nETag: "e"\r\n\r\n' % status
    proxy, _ = behind(said)

    assert proxy.ask(proxy.head() * 2) == said * 2
