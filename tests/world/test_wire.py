"""The deadline of a whole exchange, wherever a server drips, and what it leaves alone."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from hexauth.errors import Unreachable
from hexauth.login.tokens import Tokens
from hexauth.machine.clock import Deadline
from hexauth.world import wire
from hexauth.world.http import open_session, send
from hexauth.world.settings import load
from tests.conftest import Machine
from tests.homes import home
from tests.hostile.rows import GOOD, HEAD, NEW, TOKEN
from tests.hostile.run import OLD
from tests.hostile.server import Answer, Drip, Hostile, Pause, said
from tests.proxy.parts import proxying
from tests.waiting import until

GENEROUS = 20
"""Seconds in which what has 2 s ends even on a machine with much else to do."""

HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
"""How a TLS server begins to speak (RFC 8446 section 4.1.3)."""


def session(seconds: int = 1) -> requests.Session:
    return open_session(load({"HEX_HTTP_TIMEOUT": str(seconds)}, Path("/nonexistent")))


@pytest.mark.parametrize(
    "answer",
    [
        (Drip(b"HTTP/1.1 200 OK"),),
        (b"HTTP/1.1 200 OK\r\n", Drip(b"X: y\r\n")),
        (Drip(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.05),),
        (HEAD + b"Content-Length: 100000\r\n\r\n", Drip(b" ")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", Drip(b"1;x\r\n \r\n")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", Drip(b"X: y\r\n")),
    ],
    ids=["status line", "headers", "103", "body", "chunks", "trailers"],
)
def test_a_drip_ends_with_the_exchange(answer: Answer) -> None:
    began = time.monotonic()

    with (
        Hostile({"other": [answer]}) as server,
        session() as mine,
        pytest.raises(Unreachable) as no,
    ):
        send(mine, "GET", f"{server.url}/x")

    assert str(no.value) == f"{server.url} cannot be reached: no answer in time."
    assert time.monotonic() - began < GENEROUS


def test_an_answer_that_comes_bit_by_bit_is_whole_in_time() -> None:
    bits = [
        part
        for each in (b"HTTP/1.1 200 ", b"OK\r\n\r\n", b"al", b"l")
        for part in (each, Pause(0.1))
    ]

    with Hostile({"other": [bits]}) as server, session(10) as mine:
        assert send(mine, "GET", f"{server.url}/x") == (200, "", b"all")


def test_a_tls_handshake_that_drips_ends_with_the_exchange() -> None:
    """Connecting has 10 s by itself; the exchange has 2."""
    began = time.monotonic()

    with (
        Hostile({"other": [(HELLO, Drip(b"\0"))]}, deaf=True) as server,
        session() as mine,
        pytest.raises(Unreachable),
    ):
        send(mine, "GET", server.url.replace("http:", "https:"))

    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "answer",
    [(Drip(b"HTTP/1.1 200 OK"),), (b"HTTP/1.1 200 OK\r\n", Drip(b"X: y\r\n")), (Pause(),)],
    ids=["status line", "headers", "nothing"],
)
def test_a_proxy_that_drips_ends_with_the_exchange(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()

    with Hostile({"other": [answer]}, deaf=True) as proxy, session() as mine:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        with pytest.raises(Unreachable):
            send(mine, "GET", "https://hex.example/x")

    assert proxy.counts == {"other": 1}
    assert time.monotonic() - began < 8


def test_a_name_with_many_addresses_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each of them nobody answers: whoever waits there is not let in."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = full.getsockname()
        stack.enter_context(socket.create_connection(place))
        known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)] * 1000
        really = socket.getaddrinfo

        def many(name: str, *words: object, **options: object) -> object:
            return known if name == "many.example" else really(name, *words, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", many)
        mine = stack.enter_context(session())
        began = time.monotonic()

        with pytest.raises(Unreachable) as no:
            send(mine, "GET", f"http://many.example:{place[1]}/x")

    assert "no connection in time" in str(no.value)
    assert time.monotonic() - began < 8


def test_the_next_address_is_tried_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile({"other": [(said([]),)]}) as server, session() as mine:
        port = int(server.url.rpartition(":")[2])
        two = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (2, 1)]
        really = socket.getaddrinfo

        def both(name: str, *words: object, **options: object) -> object:
            return two if name == "two.example" else really(name, *words, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", both)

        assert send(mine, "GET", f"http://two.example:{port}/x")[0] == 200


def test_an_exchange_whose_time_is_up_is_not_begun() -> None:
    with (
        Hostile({"other": [(said([]),)]}) as server,
        session() as mine,
        wire.over_by(Deadline(0)),
        pytest.raises(requests.ConnectTimeout),
    ):
        mine.get(f"{server.url}/x")

    assert server.counts == {}


def test_each_thread_has_a_deadline_of_its_own() -> None:
    """Threads that share a session: whoever waits for a drip keeps nobody else from an answer."""
    drip, good = (HEAD + b"\r\n", Drip(b" ")), (said([1]),)
    with Hostile({"user": [drip], "api": [good]}) as server, session() as mine:

        def ask(path: str) -> int | str:
            try:
                return send(mine, "GET", f"{server.url}{path}")[0]
            except Unreachable as error:
                return str(error)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, ["/users/me", "/api/things"] * 4))

    assert found == [f"{server.url} cannot be reached: no answer in time.", 200] * 4


def test_a_login_is_kept_by_a_refresh_that_drips_and_ctrl_c_ends_other_requests(
    tmp_path: Path,
) -> None:
    """As somebody meets it: a byte now and then, and a Ctrl-C before the time is up."""
    drip = [(HEAD + b"Content-Length: 100000\r\n\r\n", Drip(b" "))]
    with Hostile({**GOOD, "refresh": drip, "api": drip}) as server:
        machine = Machine(tmp_path, f"{server.url}/api")
        here = home(tmp_path / "hexauth", machine.environ)
        tokens = Tokens(here, here.settings.login)
        tokens.save(OLD)

        done = machine.hexauth("get", "hexpm", "--no-login", environ={"HEX_HTTP_TIMEOUT": "1"})
        kept = tokens.load()
        with machine.start("hexauth", "api", "things", environ={"HEX_API_KEY": "key"}) as process:
            until(lambda: server.counts["api"] == 1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=GENEROUS)

    assert (done.returncode, kept, process.returncode) == (6, OLD, 130)


def test_the_proxy_waits_for_a_head_as_long_and_for_a_body_longer(tmp_path: Path) -> None:
    """A package may take its time, as long as it goes on."""
    body = [part for byte in b"package" for part in (bytes([byte]), Pause(0.4))]
    answers = [
        (b"HTTP/1.1 200 OK\r\n", Drip(b"X: y\r\n")),
        (HEAD + b"Content-Length: 7\r\n\r\n", *body),
    ]
    with Hostile({"other": answers}) as server:
        environ = {
            "HEX_API_URL": f"{server.url}/api",
            "HEX_API_KEY": "key",
            "HEX_HTTP_TIMEOUT": "1",
        }
        with proxying(tmp_path, environ) as proxy:
            late, slow = proxy.get(), proxy.get()

    assert (late.status, slow.status, slow.body) == (504, 200, b"package")


def test_a_refresh_is_whole_with_a_token() -> None:
    """What the rows hold against is what a good server says."""
    with Hostile(GOOD) as server, session() as mine:
        form = {"grant_type": "refresh_token"}
        assert send(mine, "POST", f"{server.url}/token", form=form)[2] == TOKEN

    assert NEW["access_token"].encode() in TOKEN


def test_answer_that_came_while_this_process_stood_still_is_heard_after_its_time() -> None:
    """It may be the token for which another one was spent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken")
        with wire.over_by(Deadline(0)):
            answer = wire.Whole(ours)
        answer.begin()

        assert answer.read() == b"token"
        answer.close()


def test_answer_that_goes_on_after_its_time_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, wire.over_by(Deadline(0)):
        answer = wire.Whole(ours)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        answer.begin()

        with pytest.raises(TimeoutError):
            answer.read()
        answer.close()
