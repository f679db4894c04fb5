"""What other programs, other users and pages in a browser may try; nothing of it gets through.

In requests, SECRET and PORT stand for the proxy's own.
"""

import errno
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexauth.proxy.routes import Routes
from hexauth.proxy.server import HEAD_BYTES, Answer, Call, Connection, serve
from tests.proxy.parts import OK, Asked, Origin, Proxy, answers, chunked, heard, pair, proxying

Edit = tuple[int, int, bytes]
"""Where something is changed: how much is taken away, and what is put in its place."""

HOST = b"Host: 127.0.0.1:PORT\r\n"
GOOD = b"GET /SECRET/repo/names HTTP/1.1\r\n" + HOST
POST = b"POST /SECRET/repo/x HTTP/1.1\r\n" + HOST

TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(190)
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


def to(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"


HOSTILE: dict[str, tuple[int, bytes]] = {
    # Who does not know the secret
    "the root": (404, to(b"/")),
    "a path of Hex's": (404, to(b"/api/users/me")),
    "another secret": (404, to(b"/" + b"0" * 64 + b"/repo/names")),
    "the secret alone": (404, to(b"/SECRET")),
    "a prefix of the secret": (404, to(b"/SECRE/repo/names")),
    "the secret and a letter": (404, to(b"/SECRET0/repo/names")),
    "the secret in upper case": (404, to(b"/secret/repo/names")),
    "an empty secret": (404, to(b"//repo/names")),
    "the secret further back": (404, to(b"/repo/SECRET/names")),
    "the secret in the query": (404, to(b"/?SECRET/repo/names")),
    "the secret, encoded": (404, to(b"/%53ECRET/repo/names")),
    "a secret that is not ASCII": (400, to(b"/\xc3\xa9/repo/names")),
    "a secret of many bytes": (404, to(b"/" + b"a" * 9000 + b"/repo/names")),
    # Pages in a browser
    "no Host": (400, b"GET /SECRET/repo/names HTTP/1.1\r\n\r\n"),
    "no Host, HTTP/1.0": (403, b"GET /SECRET/repo/names HTTP/1.0\r\n\r\n"),
    "two Hosts": (400, GOOD + HOST + b"\r\n"),
    "two Hosts in one line": (
        403,
        b"GET /SECRET/repo/names HTTP/1.1\r\nHost: 127.0.0.1:PORT, a.example\r\n\r\n",
    ),
    "another's Host (DNS rebinding)": (
        403,
        b"GET /SECRET/repo/names HTTP/1.1\r\nHost: rebound.example:PORT\r\n\r\n",
    ),
    "Host without the port": (403, b"GET /SECRET/repo/names HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    "Host with another port": (
        403,
        b"GET /SECRET/repo/names HTTP/1.1\r\nHost: localhost:1\r\n\r\n",
    ),
    "Host with a user": (
        403,
        b"GET /SECRET/repo/names HTTP/1.1\r\nHost: x@127.0.0.1:PORT\r\n\r\n",
    ),
    "Host in two folded lines": (
        403,
        b"GET /SECRET/repo/names HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n .a.example\r\n\r\n",
    ),
    "Host over a good path, and a wrong secret": (
        403,
        b"GET /x/repo/names HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ),
    "a page's request": (403, GOOD + b"Origin: http://127.0.0.1:PORT\r\n\r\n"),
    "a page's request, sandboxed": (403, GOOD + b"Origin: null\r\n\r\n"),
    "a page's image": (403, GOOD + b"Sec-Fetch-Site: cross-site\r\n\r\n"),
    "a preflight": (
        403,
        b"OPTIONS /SECRET/repo/names HTTP/1.1\r\n" + HOST + b"Origin: https://a.example\r\n\r\n",
    ),
    "a page's websocket": (
        403,
        GOOD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://a.example\r\n\r\n",
    ),
    # Forms of targets, and methods
    "an absolute form": (400, to(b"http://127.0.0.1:PORT/SECRET/repo/names")),
    "an absolute form to elsewhere": (400, to(b"http://a.example/SECRET/repo/names")),
    "CONNECT": (400, b"CONNECT 127.0.0.1:PORT HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT with a path": (400, b"CONNECT /SECRET/repo/names HTTP/1.1\r\n" + HOST + b"\r\n"),
    "TRACE": (400, b"TRACE /SECRET/repo/names HTTP/1.1\r\n" + HOST + b"\r\n"),
    "OPTIONS *": (400, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method of its own": (400, b"PURGE /SECRET/repo/names HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method in lower case": (400, b"get /SECRET/repo/names HTTP/1.1\r\n" + HOST + b"\r\n"),
    # Paths that are read in more than one way
    "..": (404, to(b"/SECRET/repo/../api/users/me")),
    "../..": (404, to(b"/SECRET/repo/../../SECRET/repo/names")),
    ".": (404, to(b"/SECRET/repo/./names")),
    "encoded dots": (404, to(b"/SECRET/repo/%2e%2E/api/users/me")),
    "an encoded slash": (404, to(b"/SECRET/repo/a%2fb")),
    "a backslash": (404, to(b"/SECRET/repo/a\\b")),
    "an encoded backslash": (404, to(b"/SECRET/repo/a%5Cb")),
    "an encoded NUL": (404, to(b"/SECRET/repo/a%00")),
    "an encoded line end": (404, to(b"/SECRET/repo/a%0d%0aX:%20y")),
    "encoded twice": (404, to(b"/SECRET/repo/%252e%252e/x")),
    "half an escape": (404, to(b"/SECRET/repo/a%2")),
    "an empty part": (404, to(b"/SECRET/repo//repos/acme/names")),
    "a fragment": (404, to(b"/SECRET/repo/names#x")),
    "a space": (400, to(b"/SECRET/repo/na mes")),
    "a tab": (400, to(b"/SECRET/repo/na\tmes")),
    "bytes that are not ASCII": (400, to(b"/SECRET/repo/\xff")),
    "a NUL": (400, to(b"/SECRET/repo/\x00")),
    # What is no head
    "a CR alone for the lines": (400, GOOD.replace(b"\r\n", b"\r") + b"\r\r"),
    "a CR alone in a line": (400, GOOD + b"X: a\rY: b\r\n\r\n"),
    "a NUL in a line": (400, GOOD + b"X: a\x00b\r\n\r\n"),
    "a name that ends with a space": (400, GOOD + b"X : a\r\n\r\n"),
    "a line without a name": (400, GOOD + b": a\r\n\r\n"),
    "a line without a colon": (400, GOOD + b"X\r\n\r\n"),
    "a first line that is folded": (
        400,
        b"GET /SECRET/repo/names HTTP/1.1\r\n Host: 127.0.0.1:PORT\r\n\r\n",
    ),
    "one long line": (400, GOOD + b"X: " + b"a" * (2 * HEAD_BYTES) + b"\r\n\r\n"),
    "one line without an end": (400, GOOD + b"X: " + b"a" * 1_000_000),
    "many lines": (400, GOOD + b"X: aaaa\r\n" * (HEAD_BYTES // 5 + 1) + b"\r\n"),
    "a long target": (400, to(b"/SECRET/repo/" + b"a" * HEAD_BYTES)),
    "an empty line alone": (400, b"\r\n"),
    "HTTP/2": (400, HTTP_2),
    "HTTP/2 by another first line": (400, GOOD.replace(b"1.1", b"2.0") + b"\r\n"),
    "HTTP/0.9": (400, b"GET /SECRET/repo/names\r\n\r\n"),
    "HTTP/0.9 by another first line": (400, GOOD.replace(b"1.1", b"0.9") + b"\r\n"),
    "HTTP/9.9": (400, GOOD.replace(b"1.1", b"9.9") + b"\r\n"),
    "TLS": (400, TLS_HELLO),
    "SSH": (400, b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    "a head that stops in the middle": (400, GOOD[:-9]),
    # Bodies that end in more than one place
    "two lengths": (400, POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "two lengths in one line": (400, POST + b"Content-Length: 1, 2\r\n\r\nab"),
    "a length and chunks": (
        400,
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"GET /"),
    ),
    "chunks and a length": (
        400,
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + chunked(b"GET /"),
    ),
    "two codings": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked(b"a")),
    "a coding that only looks like one": (
        400,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(b"a"),
    ),
    "a coding twice": (
        400,
        POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + chunked(b"a"),
    ),
    "chunks in HTTP/1.0": (
        400,
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a"),
    ),
    "a negative length": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "a length with a sign": (400, POST + b"Content-Length: +1\r\n\r\na"),
    "a length in hex": (400, POST + b"Content-Length: 0x1\r\n\r\na"),
    "no length": (400, POST + b"Content-Length: \r\n\r\na"),
    "a length of twenty digits": (400, POST + b"Content-Length: " + b"9" * 20 + b"\r\n\r\na"),
    "a length of many digits": (400, POST + b"Content-Length: " + b"9" * 999 + b"\r\n\r\na"),
    "a body that does not come": (400, POST + b"Content-Length: 5\r\n\r\n"),
    "chunks that do not come": (400, POST + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a size that is none": (400, POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n"),
    "a negative size": (400, POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n"),
    "a size that is huge": (
        400,
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 99 + b"\r\nabc\r\n",
    ),
    "a size and LF alone": (400, POST + b"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n"),
}

UNFINISHED = {
    "a CR alone for the lines",
    "a head that stops in the middle",
    "a body that does not come",
    "chunks that do not come",
    "a size and LF alone",
}
"""Requests of which the rest might still come."""

ODD: dict[str, bytes] = {
    "LF alone": GOOD.replace(b"\r\n", b"\n") + b"X-Odd: a b\n\n",
    "a folded line": GOOD + b"X-Odd: a\r\n\tb\r\n\r\n",
    "an upgrade": GOOD + b"X-Odd: a b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "a name for this machine": GOOD.replace(b"127.0.0.1", b"LocalHost") + b"X-Odd: a b\r\n\r\n",
    "the same length twice": GOOD + b"X-Odd: a b\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a line of its own to hide": GOOD
    + b"X-Odd: a b\r\nConnection: X-Hidden\r\nX-Hidden: y\r\n\r\n",
    "the secret in another header": GOOD
    + b"X-Odd: a b\r\nReferer: http://127.0.0.1:PORT/SECRET/\r\nX-Key: SECRET\r\n\r\n",
}
"""Requests that are odd, but may be made (RFC 9112 sections 2.2 and 5.2, RFC 9110 section 7.8)."""


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def proxy(origin: Origin, tmp_path: Path) -> Iterator[Proxy]:
    with proxying(tmp_path, {"HEX_API_URL": f"{origin.url}/api"}) as proxy:
        yield proxy


def filled(request: bytes, proxy: Proxy) -> bytes:
    secret = proxy.routes.secret.encode()
    known = {b"SECRET": secret, b"SECRE": secret[:-1], b"secret": secret.upper()}
    for name, value in {**known, b"PORT": b"%d" % proxy.port}.items():
        request = request.replace(name, value)
    return request


def nobody(call: Call) -> Answer:
    """Answer no request, as none may come so far."""
    raise AssertionError(call)


def refusal(status: int) -> bytes:
    return b"HTTP/1.1 %d \r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_without_a_word(
    name: str, proxy: Proxy, origin: Origin, capfd: pytest.CaptureFixture[str]
) -> None:
    """It gets one status and the end, the server gets nothing, and whoever asks next is served."""
    status, request = HOSTILE[name]

    said = proxy.ask(filled(request, proxy))
    reached = origin.connections

    assert (said, reached) == (refusal(status), 0)
    assert proxy.get().body == b"ok"
    assert [(each.target, each.body) for each in origin.asked] == [("/names", b"")]
    assert (proxy.said, *capfd.readouterr()) == ([], "", "")


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - UNFINISHED))
def test_a_hostile_client_that_stays_is_left(name: str, proxy: Proxy) -> None:
    """The connection is closed, whether or not the client has closed its side."""
    status, request = HOSTILE[name]

    assert proxy.ask(filled(request, proxy), finish=False) == refusal(status)


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_reaches_the_server_in_plain_words(
    name: str, proxy: Proxy, origin: Origin
) -> None:
    said = proxy.ask(filled(ODD[name], proxy))

    host = origin.url.removeprefix("http://")
    assert said == OK
    assert origin.asked == [Asked("GET", "/names", [("host", host), ("x-odd", "a b")], b"")]


def test_what_comes_behind_a_body_is_no_request(proxy: Proxy, origin: Origin) -> None:
    """The request before it is good, and passes."""
    request = proxy.head(method="POST", Content_Length="3") + b"abcGARBAGE\r\n\r\n"

    assert proxy.ask(request) == OK + refusal(400)
    assert [each.body for each in origin.asked] == [b"abc"]


def test_what_is_smuggled_in_a_body_stays_a_body(proxy: Proxy, origin: Origin) -> None:
    inner = proxy.head("/repo/inner")
    request = proxy.head(method="POST", Content_Length=str(len(inner))) + inner

    assert proxy.ask(request) == OK
    assert [(each.method, each.body) for each in origin.asked] == [("POST", inner)]


@pytest.mark.parametrize("rest", [b"", b"5\r\nabc", b"zz\r\n"])
def test_a_body_that_breaks_off_is_no_body_for_the_server(
    rest: bytes, proxy: Proxy, origin: Origin
) -> None:
    head = proxy.head(method="PUT", Transfer_Encoding="chunked")

    assert proxy.ask(head + b"3\r\nabc\r\n" + rest) == refusal(400)
    assert origin.asked == []
    assert (proxy.get().body, proxy.said) == (b"ok", [])


def test_a_client_that_leaves_while_it_sends_is_nobodys_fault(proxy: Proxy, origin: Origin) -> None:
    """The person is not told that the server cannot be reached."""
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(proxy.head(method="PUT", Content_Length="100") + b"abc")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))

    assert proxy.get().body == b"ok"
    assert ([each.method for each in origin.asked], proxy.said) == (["GET"], [])


def test_an_answer_is_closed_though_its_client_has_left(proxy: Proxy) -> None:
    """Not even its head can be sent; the connection to the server is not left open."""
    client, peer = pair()
    with client:
        client.sendall(proxy.head())
    closed = []

    def handle(call: Call) -> Answer:
        peer.shutdown(socket.SHUT_WR)
        return Answer(200, [], iter([b"never sent"]), close=lambda: closed.append(call.method))

    Connection(peer, proxy.routes, frozenset({f"127.0.0.1:{proxy.port}"})).serve(handle)

    assert closed == ["GET"]


def test_a_request_may_come_byte_by_byte(proxy: Proxy, origin: Origin) -> None:
    request = proxy.head(method="POST", Content_Length="3") + b"abc"

    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            client.sendall(request[place : place + 1])
        client.shutdown(socket.SHUT_WR)
        said = heard(client)

    assert (said, [each.body for each in origin.asked]) == (OK, [b"abc"])


@pytest.mark.parametrize("said", [b"", b"GET /", b"GET / HTTP/1.1\r\nX: y\r\n"])
def test_who_does_not_show_the_secret_in_time_is_left(said: bytes, proxy: Proxy) -> None:
    """Nobody can hold connections for long without the secret."""
    client, peer = pair()
    with client:
        client.sendall(said)

        Connection(peer, proxy.routes, frozenset(), patience=0.05).serve(nobody)

        assert heard(client) == b""


def test_connections_that_say_nothing_hold_up_nobody(proxy: Proxy) -> None:
    silent = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(64)]

    assert proxy.get().body == b"ok"
    for each in silent:
        each.close()


EDITS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.integers(0, 3),
        st.sampled_from(
            [b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"/", b"..", b"%2e", b":", b"\xff"]
        )
        | st.binary(max_size=4),
    ),
    max_size=4,
)


@settings(deadline=None)
@given(st.sampled_from([GOOD + b"\r\n", POST + b"Content-Length: 3\r\n\r\nabc",
                        POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"abc")]),
       EDITS)  # fmt: skip
def test_whatever_is_sent_is_answered_or_refused(request: bytes, edits: list[Edit]) -> None:
    """No bytes raise an error, or lead anywhere but to the server."""
    for place, length, new in edits:
        request = request[:place] + new + request[place + length :]
    known = Routes("SECRET", "https://hex.example/api", "https://repo.hex.example")
    urls = []

    def handle(call: Call) -> Answer:
        list(call.chunks)
        urls.append(call.route.url)
        return Answer(200, [("Content-Length", "0")], iter([]))

    client, peer = pair()
    with client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        Connection(peer, known, frozenset(["127.0.0.1:PORT"])).serve(handle)
        statuses = re.findall(rb"HTTP/1.1 (\d+) \r\n", heard(client))

    assert statuses.count(b"200") == len(urls)
    assert set(statuses) <= {b"200", b"400", b"403", b"404"}
    assert all(
        each.startswith(("https://hex.example/", "https://repo.hex.example/")) for each in urls
    )


class Crowded(socket.socket):
    """A socket that listens, for which there are no files left, and which is closed at last."""

    def accept(self) -> tuple[socket.socket, object]:
        raise OSError(self.errors.pop(0), "No connection")

    errors: list[int]


def test_too_many_connections_are_not_the_end(proxy: Proxy) -> None:
    """Other users can make them, too."""
    with Crowded() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.errors = [errno.EMFILE, errno.ECONNABORTED, errno.EBADF]

        serve(listener, proxy.routes, nobody)

        assert listener.errors == []


@pytest.mark.parametrize("own", ["Bearer own", "Basic Zm9vOmJhcg==", "é"])
def test_a_clients_own_authorization_passes_where_there_is_no_other(
    own: str, proxy: Proxy, origin: Origin
) -> None:
    request = proxy.head(Authorization=own)

    assert answers(proxy.ask(request), "GET")[0].status == 200
    assert origin.asked[0].all("authorization") == [own]
