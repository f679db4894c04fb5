"""What a client and a server see of each other is what they would see without the proxy."""

import gzip
import json
import socket
import sys
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import Machine
from tests.proxy.conftest import Behind
from tests.proxy.parts import OK, Asked, Heard, answers, chunked, heard

MEBIBYTE = 1024 * 1024
BLOCK = bytes(range(256)) * (MEBIBYTE // 256)
DOWN, UP = 300, 100
"""Mebibytes."""


def saying(body: bytes, head: str = "", status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def echo(asked: Asked) -> bytes:
    return saying(f"{asked.method} {asked.target} ".encode() + asked.body)


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# Connections


def test_a_connection_is_kept(behind: Behind) -> None:
    proxy, origin = behind(echo)

    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(proxy.head("/repo/a"))
        first = client.recv(1000)
        client.sendall(proxy.head("/repo/b", Connection="close"))
        rest = heard(client)

    bodies = [each.body for each in answers(first + rest, "GET", "GET")]
    assert (bodies, origin.connections) == ([b"GET /a ", b"GET /b "], 1)


def test_requests_may_come_before_their_answers(behind: Behind) -> None:
    proxy, _ = behind(echo)
    post = proxy.head("/repo/b", "POST", Content_Length="3") + b"abc"

    said = proxy.ask(proxy.head("/repo/a") + post + proxy.head("/repo/c"))

    found = [each.body for each in answers(said, "GET", "POST", "GET")]
    assert found == [b"GET /a ", b"POST /b abc", b"GET /c "]


def test_a_client_that_says_close_is_left(behind: Behind) -> None:
    proxy, _ = behind(echo)

    said = proxy.ask(proxy.head(Connection="close"), finish=False)

    assert answers(said, "GET")[0].all("connection") == ["close"]


@pytest.mark.parametrize(
    "answer", [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"o", b"k")]
)
def test_a_client_of_http_1_0_is_served(behind: Behind, answer: bytes) -> None:
    """It gets no chunks, and the end of the connection is the end of the answer."""
    proxy, _ = behind(answer)

    said = proxy.ask(proxy.head().replace(b"HTTP/1.1", b"HTTP/1.0"), finish=False)

    got = answers(said, "GET")[0]
    assert (got.body, got.is_whole, got.all("transfer-encoding")) == (b"ok", True, [])


def test_eight_connections_at_once_get_their_own_answers(behind: Behind) -> None:
    proxy, _ = behind(echo)
    barrier = threading.Barrier(8)

    def bodies(number: int) -> list[bytes]:
        request = b"".join(proxy.head(f"/repo/{number}/{n}") for n in range(10))
        barrier.wait()
        return [each.body for each in answers(proxy.ask(request), *["GET"] * 10)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(bodies, range(8)))

    assert found == [[f"GET /{number}/{n} ".encode() for n in range(10)] for number in range(8)]


# What the server sees


def test_headers_reach_the_server_and_none_are_added(behind: Behind) -> None:
    proxy, origin = behind()

    proxy.get(
        User_Agent="hex_core/0.19.0 hex/2.5.2",
        Accept="application/vnd.hex+erlang",
        X_Hex_OTP="123456",
        If_None_Match='"e"',
        Via="1.1 x",
    )

    assert sorted(origin.asked[0].headers) == [
        ("accept", "application/vnd.hex+erlang"),
        ("host", origin.url.removeprefix("http://")),
        ("if-none-match", '"e"'),
        ("user-agent", "hex_core/0.19.0 hex/2.5.2"),
        ("via", "1.1 x"),
        ("x-hex-otp", "123456"),
    ]


def test_a_client_without_headers_seems_to_have_none(behind: Behind) -> None:
    """No `User-Agent` or `Accept-Encoding` of the proxy's own."""
    proxy, origin = behind()

    proxy.get()

    assert [name for name, _ in origin.asked[0].headers] == ["host"]


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (["X: a", "X: b", "x: c"], [("x", "a, b, c")]),
        (["X:"], [("x", "")]),
        (["X: \xe9\xa0"], [("x", "\xe9\xa0")]),
        (["X: \xa0a"], [("x", "\xa0a")]),
        (["X: \x85a"], [("x", "\x85a")]),
        (["X: \x1fa"], [("x", "\x1fa")]),
        (["X: @@@SKIP_HEADER@@@"], [("x", "@@@SKIP_HEADER@@@")]),
        (["User-Agent: @@@SKIP_HEADER@@@"], [("user-agent", "@@@SKIP_HEADER@@@")]),
        (["Cookie: a=1", "Cookie: b=2"], [("cookie", "a=1; b=2")]),
        (["TE: trailers", "Connection: TE, X", "X: y", "Keep-Alive: 5", "Expect: x"], []),
        (["Proxy-Authorization: Basic x", "Proxy-Connection: keep-alive"], []),
        (["X: y"] * 150, [("x", ", ".join(["y"] * 150))]),
        ([f"X{n}: y" for n in range(150)], [(f"x{n}", "y") for n in range(150)]),
    ],
)
def test_any_header_passes(behind: Behind, sent: list[str], got: list[tuple[str, str]]) -> None:
    proxy, origin = behind()
    lines = "".join(f"{line}\r\n" for line in [*sent, ""]).encode("latin-1")

    assert proxy.send(proxy.head()[:-2] + lines).status == 200
    assert [each for each in origin.asked[0].headers if each[0] != "host"] == got


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/vnd.hex+erlang", bytes.fromhex("8374000000016d00000001616d0000000162")),
        ("application/json", json.dumps({"a": "\u2603"}).encode()),
        ("application/x-www-form-urlencoded", b"a=1&b=%20&client_id=x"),
        ("application/octet-stream", bytes(range(256)) * 3000),
        ("text/plain", b"GET / HTTP/1.1\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_a_body_reaches_the_server_byte_for_byte(
    behind: Behind, method: str, kind: str, body: bytes, length: bool
) -> None:
    proxy, origin = behind()
    framing = {"Content_Length": str(len(body))} if length else {"Transfer_Encoding": "chunked"}
    sent = body if length else chunked(body[:7], body[7:8], body[8:])

    proxy.send(proxy.head("/repo/x", method, Content_Type=kind, **framing) + sent, method)

    asked = origin.asked[0]
    name, value = next(iter(framing.items()))
    assert (asked.method, asked.body, asked.all("content-type")) == (method, body, [kind])
    assert asked.all(name.lower().replace("_", "-")) == [value]


def test_who_expects_100_gets_it_before_the_body(behind: Behind) -> None:
    proxy, origin = behind(echo)

    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(proxy.head(method="PUT", Content_Length="3", Expect="100-continue"))
        first = client.recv(1000)
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        rest = heard(client)

    assert (first, answers(rest, "PUT")[0].body) == (b"HTTP/1.1 100 \r\n\r\n", b"PUT /names abc")
    assert origin.asked[0].all("expect") == []


def test_who_expects_100_for_nothing_of_ours_is_refused(behind: Behind) -> None:
    proxy, origin = behind()
    request = proxy.head("/x", "PUT", Content_Length="3", Expect="100-continue")

    assert proxy.ask(request, finish=False).startswith(b"HTTP/1.1 404 ")
    assert origin.connections == 0


@pytest.mark.parametrize(
    "path", ["/names?a=b&c=%20%2B&d=e", "/tarballs/a-1.0.0+b.tar", "/a%20b", "/(a)'!*;,@:$&="]
)
def test_a_path_reaches_the_server_as_it_is(behind: Behind, path: str) -> None:
    proxy, origin = behind()

    proxy.get(f"/repo{path}")

    assert origin.asked[0].target == path


# What the client sees

STATUSES = (
    *range(200, 209), 226, *range(300, 305), 307, 308, *range(400, 419), *range(421, 427), 428, 429,
    431, 451, *range(500, 509), 510, 511, 599,
)  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_passes(behind: Behind, status: int) -> None:
    has_body = status not in (204, 304)
    said = saying(b"body" if has_body else b"", "X: y\r\n", status)
    proxy, _ = behind(said)

    assert proxy.ask(proxy.head()) == said


def test_an_answer_passes_byte_for_byte(behind: Behind) -> None:
    """How headers are written, their order, the reason: all of it is the server's."""
    said = (
        b"HTTP/1.1 200 All  is well\r\nX-One: 1\r\nX-One: 2\r\nDATE: now\r\nServer: x\r\n"
        b'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: W/"x"\r\nContent-Length: 2\r\n\r\nok'
    )
    proxy, _ = behind(said)

    assert proxy.ask(proxy.head()) == said


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-unknown"])
@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"a" * 9999, mtime=0), b"not compressed at all", b""],
    ids=["compressed", "not compressed", "empty"],
)
def test_a_coded_body_is_left_alone(behind: Behind, coding: str, body: bytes) -> None:
    said = saying(body, f"Content-Encoding: {coding}\r\n")
    proxy, origin = behind(said)

    assert proxy.ask(proxy.head(Accept_Encoding="gzip")) == said
    assert origin.asked[0].all("accept-encoding") == ["gzip"]


@pytest.mark.parametrize("status", [200, 404])
def test_head_is_answered_by_a_head(behind: Behind, status: int) -> None:
    said = f"HTTP/1.1 {status} X\r\nContent-Length: 300\r\nX: y\r\n\r\n".encode()
    proxy, origin = behind(said)

    assert proxy.ask(proxy.head(method="HEAD") * 2) == said * 2
    assert [each.method for each in origin.asked] == ["HEAD"] * 2


def test_a_part_is_a_part(behind: Behind) -> None:
    said = saying(b"bc", "Content-Range: bytes 1-2/9\r\nAccept-Ranges: bytes\r\n", 206)
    proxy, origin = behind(said)

    assert proxy.ask(proxy.head(Range="bytes=1-2")) == said
    assert origin.asked[0].all("range") == ["bytes=1-2"]


def test_what_has_not_changed_is_not_sent(behind: Behind) -> None:
    said = b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nContent-Length: 99\r\n\r\n'
    proxy, origin = behind(said)

    assert proxy.ask(proxy.head(If_None_Match='"e"')) == said
    assert origin.asked[0].all("if-none-match") == ['"e"']


@pytest.mark.parametrize("coding", ["", "Transfer-Encoding: chunked\r\n"])
def test_an_answer_comes_while_it_is_being_said(behind: Behind, coding: str) -> None:
    """The first bytes are there before the last ones are said."""
    go_on = threading.Event()
    size = 1_000_000
    framing = coding or f"Content-Length: {size}\r\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            block = b"a" * (size // 2)
            self.wfile.write(f"HTTP/1.1 200 X\r\n{framing}\r\n".encode())
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if coding else block)
            self.wfile.flush()
            go_on.wait(30)
            self.wfile.write(chunked(block) if coding else block)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
            pass

    with served(Handler) as url:
        proxy, _ = behind(HEX_API_URL=f"{url}/api")
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.sendall(proxy.head(Connection="close"))
            said = b""
            while b"aaaa" not in said:
                said += client.recv(65536)
            go_on.set()
            got: Heard = answers(said + heard(client), "GET")[0]

    assert (len(got.body), got.is_whole) == (size, True)


# Size


class Large(BaseHTTPRequestHandler):
    """Hands out much, and counts what it gets."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(DOWN * MEBIBYTE))
        self.end_headers()
        for _ in range(DOWN):
            self.wfile.write(BLOCK)

    def do_PUT(self) -> None:
        checksum, left = 0, int(self.headers["Content-Length"])
        while left:
            part = self.rfile.read(min(left, MEBIBYTE))
            checksum, left = zlib.crc32(part, checksum), left - len(part)
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"%08x" % checksum)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        pass


CLIENT = f"""
import http.client, os, pathlib, re, zlib
from urllib.parse import urlsplit

block = bytes(range(256)) * {MEBIBYTE // 256}
base = urlsplit(os.environ["HEX_CDN"])
proxy = http.client.HTTPConnection(base.netloc)
proxy.request("GET", base.path + "/large")
got, checksum = proxy.getresponse(), 0
while part := got.read({MEBIBYTE}):
    checksum = zlib.crc32(part, checksum)
body = (block for _ in range({UP}))
proxy.request("PUT", base.path + "/large", body, {{"Content-Length": str({UP * MEBIBYTE})}})
put = proxy.getresponse().read().decode()

line = next(each for each in open("/proc/net/tcp") if f":{{base.port:04X}} 00000000:0000" in each)
link = f"socket:[{{line.split()[9]}}]"
def has_it(pid):
    try:
        return any(os.readlink(each) == link for each in (pid / "fd").iterdir())
    except OSError:
        return False
process = next(each for each in pathlib.Path("/proc").glob("[0-9]*") if has_it(each))
peak = re.search(r"VmHWM:\\s*(\\d+) kB", (process / "status").read_text())[1]
print(f"{{checksum:08x}}", put, int(peak) // 1024)
"""


@pytest.fixture
def large() -> Iterator[str]:
    with served(Large) as url:
        yield url


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_is_large_passes_through_little_memory(large: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, f"{large}/api")

    done = machine.hexauth("exec", "--", sys.executable, "-c", CLIENT)

    assert (done.returncode, done.stderr) == (0, b"")
    down, up, peak = done.stdout.split()
    assert (down, up) == (checksum(DOWN), checksum(UP))
    assert int(peak) < 120


def checksum(blocks: int) -> bytes:
    found = 0
    for _ in range(blocks):
        found = zlib.crc32(BLOCK, found)
    return b"%08x" % found
