"""Which page a login opens, and what it says of one that it does not."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from hexauth.login.record import Record, write_record
from hexauth.login.tokens import Tokens
from tests.cli.hostile import LONG, Hostile, Reply, assert_harmless
from tests.conftest import SECONDS, Machine
from tests.homes import home
from tests.waiting import until

PENDING = Reply.saying(400, error="authorization_pending")
OTHER = "https://evil.example/oauth/device?user_code=BCDFGHJK"
OPENED = b"Your browser has been asked"


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        yield hostile


@pytest.fixture
def client(tmp_path: Path, server: Hostile) -> Machine:
    """Return a machine with a browser that writes down what it is to open."""
    here = Machine(tmp_path, f"{server.url}/api")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#" "$@" > {tmp_path}/seen.new\n'
                       f"mv {tmp_path}/seen.new {tmp_path}/seen\n")  # fmt: skip
    browser.chmod(0o755)
    here.environ["BROWSER"] = str(browser)
    return here


def leads_to(server: Hostile, address: str) -> None:
    server.replies["/device_authorization"] = server.grant(
        verification_uri=address, verification_uri_complete=address
    )


def seen(machine: Machine) -> list[str]:
    """Return the arguments that the browser was started with, once it was: their number first."""
    until((machine.home / "seen").exists)
    return (machine.home / "seen").read_text().splitlines()


def test_page_of_the_server_itself_is_opened_as_one_argument(
    client: Machine, server: Hostile
) -> None:
    address = f"{server.url}/device?a=1&b=';reboot|$(id)`id`"
    leads_to(server, address)

    done = client.hexauth("login")

    assert (done.returncode, OPENED in done.stderr) == (0, True)
    assert f"To log in, open {address}\n".encode() in done.stderr
    assert seen(client) == ["1", f"{server.url}/device?a=1&b=%27%3Breboot%7C%24%28id%29%60id%60"]


@pytest.mark.parametrize(
    ("address", "shown", "said"),
    [
        (OTHER, OTHER, "at the host evil.example, and you are logging in at 127.0.0.1."),
        ("http://evil.example/", "http://evil.example/", "It is not https: others"),
        ("https://127.0.0.1@evil.example/x", "https://127.0.0.1@evil.example/x",
         "The host is evil.example: what stands before the @ is none."),
        ("https://h\u0435x.pm/oauth", "https://xn--hx-nlc.pm/oauth", "the host xn--hx-nlc.pm,"),
        ("https://hex.pm\u3002evil.example/", "https://hex.pm.evil.example/",
         "the host hex.pm.evil.example,"),
    ],
)  # fmt: skip
def test_other_pages_are_shown_with_their_host_and_not_opened(
    client: Machine, server: Hostile, address: str, shown: str, said: str
) -> None:
    leads_to(server, address)

    done = client.hexauth("login")

    lines = done.stderr.decode().splitlines()
    assert done.returncode == 0
    assert f"To log in, open {shown}" in lines
    assert any(said in line for line in lines)
    assert OPENED not in done.stderr
    assert not (client.home / "seen").exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://hex.pm\\@evil.example/",
        "https://[",
        "javascript:alert(1)",
        "-new",
    ],
)
def test_what_is_no_address_ends_the_login(client: Machine, server: Hostile, address: str) -> None:
    leads_to(server, address)

    done = client.hexauth("login")

    assert (done.returncode, OPENED in done.stderr) == (6, False)


def start(machine: Machine, command: str = "hexauth login; echo ended $?") -> "pexpect.spawn[str]":
    """Run a shell command in a terminal of its own."""
    return pexpect.spawn(
        "bash", ["--norc", "-c", command], env=machine.environ, cwd=machine.home, timeout=SECONDS,
        encoding="utf-8", dimensions=(24, 200), echo=False,
    )  # fmt: skip


@pytest.fixture(params=["dumb", "xterm"])
def asked(
    client: Machine, server: Hostile, request: pytest.FixtureRequest
) -> "Iterator[pexpect.spawn[str]]":
    """Start a login that leads to another host, and see what its person is asked.

    At a terminal that hands out lines, and at one where each key is heard.
    """
    client.environ["TERM"] = request.param
    leads_to(server, OTHER)
    server.replies["/token"] = PENDING
    shell = start(client)
    shell.expect("at the host evil.example, and you are logging in at 127.0.0.1")
    shell.expect("To have evil.example opened in your browser, type y and press Enter")
    yield shell
    shell.close()


def test_other_page_is_opened_if_the_person_says_so(
    client: Machine, server: Hostile, asked: "pexpect.spawn[str]"
) -> None:
    asked.sendline("y")
    asked.expect("Your browser has been asked to open it")
    opened = seen(client)
    del server.replies["/token"]
    asked.expect("ended 0")

    assert opened == ["1", OTHER]


@pytest.mark.parametrize("answer", ["", "n", "yea", "Y\u0301"])
def test_other_page_is_not_opened_by_any_other_answer(
    client: Machine, server: Hostile, asked: "pexpect.spawn[str]", answer: str
) -> None:
    asked.sendline(answer)
    asked.sendline("y")  # there is one answer
    del server.replies["/token"]
    asked.expect("ended 0")

    assert "Your browser" not in asked.before
    assert not (client.home / "seen").exists()


def test_login_goes_on_while_nobody_answers(
    client: Machine, server: Hostile, asked: "pexpect.spawn[str]"
) -> None:
    del server.replies["/token"]

    asked.expect("ended 0")

    assert not (client.home / "seen").exists()


def test_nobody_is_asked_in_the_background(client: Machine, server: Hostile) -> None:
    """Whoever reads from its terminal there is stopped, with the mutex in its hands."""
    leads_to(server, OTHER)
    shell = start(client, "set -m; hexauth login & wait; echo ended $?")

    shell.expect("ended 0")

    assert "at the host evil.example" in shell.before
    assert "type y" not in shell.before


def test_what_was_typed_before_the_question_is_no_answer(client: Machine, server: Hostile) -> None:
    leads_to(server, OTHER)
    server.replies["/token"] = PENDING
    shell = start(client, "echo ready; sleep 0.5; hexauth login; echo ended $?")
    shell.expect("ready")
    shell.sendline("y")
    shell.expect("type y and press Enter")
    del server.replies["/token"]
    shell.expect("ended 0")

    assert "Your browser" not in shell.before


def test_browser_that_is_not_wanted_is_not_offered(client: Machine, server: Hostile) -> None:
    leads_to(server, OTHER)

    shell = start(client, "hexauth login --no-browser; echo ended $?")

    shell.expect("ended 0")
    assert "at the host evil.example" in shell.before
    assert "type y" not in shell.before


def test_browser_that_is_not_there_is_not_offered(client: Machine, server: Hostile) -> None:
    leads_to(server, OTHER)
    client.environ["BROWSER"] = ""

    shell = start(client)

    shell.expect("ended 0")
    assert "at the host evil.example" in shell.before
    assert "type y" not in shell.before


def test_what_another_process_has_left_is_shown_escaped_and_cut(client: Machine) -> None:
    """How a login ended is told by its record to those who have waited."""
    asked = home(client.home / "hexauth", client.environ)
    turn = Tokens(asked, asked.settings.login).login_turn
    left = Record("waiting", 1, 4711, user_code="BCDF", verification_uri_complete="https://a.x/")
    with ExitStack() as stack:
        with turn.held(SECONDS):
            write_record(turn, replace(left, deadline=time.time() + 600))
            waiter = stack.enter_context(client.start("hexauth", "login"))
            assert waiter.stderr is not None
            shown = b"".join(waiter.stderr.readline() for _ in range(3))
            seen = client.hexauth("status")
            write_record(turn, Record("Declined", 1, 4711, message=LONG))
        _, rest = waiter.communicate(timeout=SECONDS)

    assert_harmless(shown, "is waiting for you: open https://a.x/")
    assert b"at the host a.x, and you are logging in at 127.0.0.1" in shown
    assert_harmless(seen.stdout, "waits at https://a.x/")
    assert waiter.returncode == 4
    assert_harmless(rest)
