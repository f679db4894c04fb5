"""A login that nobody sees in a terminal: what the desktop tells of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hexauth.vault.quick import BUS
from tests.cli.hostile import Hostile, Reply
from tests.conftest import SECONDS, Machine, Process, need
from tests.notifications import Notifications, running
from tests.waiting import until

PENDING = Reply.saying(400, error="authorization_pending")
DENIED = Reply.saying(400, error="access_denied")


@pytest.fixture(scope="module")
def service() -> Iterator[Notifications]:
    need("dbus-daemon", "dbus")
    with running() as found:
        yield found
        assert found.shown.empty()  # what no test has expected


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        hostile.replies["/token"] = PENDING
        yield hostile


@pytest.fixture
def here(tmp_path: Path, server: Hostile, service: Notifications) -> Machine:
    """Return a machine with a desktop, and a browser that writes down what it is to open."""
    found = Machine(tmp_path, f"{server.url}/api")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/seen\n')
    browser.chmod(0o755)
    more = {"DISPLAY": ":0", BUS: service.address, "BROWSER": str(browser)}
    found.environ.update(more)
    return found


def get(here: Machine) -> Process:
    """Start a `get` as an editor does, without a terminal."""
    return here.start("hexauth", "get", "hexpm", "--format", "token")


def seen(here: Machine) -> list[str]:
    file = here.home / "seen"
    return file.read_text().splitlines() if file.exists() else []


def test_click_opens_the_page_once_and_the_end_of_the_login_takes_the_notification_away(
    here: Machine, server: Hostile, service: Notifications
) -> None:
    """The browser that was opened by itself may be behind other windows."""
    address = f"{server.url}/oauth/device?user_code=BCDFGHJK"
    with get(here) as process:
        shown = service.next()
        until(lambda: len(seen(here)) == 1)
        service.click(shown.number)
        until(lambda: len(seen(here)) == 2)
        service.click(shown.number, "open")
        del server.replies["/token"]
        out, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, out.count(b"\n")) == (0, 1), err
    assert service.next_closed() == shown.number
    assert shown.title.endswith(f" to {server.url}.")  # it may name a caller
    assert shown.text == f"Open {address}\nand check that it shows the code\nBCDF-GHJK"
    assert shown.actions == ["default", "Open", "open", "Open"]
    assert seen(here) == [address, address]


def test_click_opens_the_page_where_no_browser_could_be_started(
    here: Machine, server: Hostile, service: Notifications
) -> None:
    """As whoever else could, so that nobody opens it once more."""
    (here.home / "browser").rename(here.home / "later")
    with get(here) as process:
        shown = service.next()
        (here.home / "later").rename(here.home / "browser")
        service.click(shown.number)
        until(lambda: seen(here) != [])
        server.replies["/token"] = DENIED
        _, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, b"Your browser has been asked" in err) == (4, True)
    assert service.next_closed() == shown.number
    assert len(seen(here)) == 1


def test_page_of_another_host_is_told_with_its_doubt_and_is_not_opened_by_a_click(
    here: Machine, server: Hostile, service: Notifications
) -> None:
    other = "https://evil.example/?a=<b>&c"
    server.replies["/device_authorization"] = server.grant(
        verification_uri=other, verification_uri_complete=other
    )
    with get(here) as process:
        shown = service.next()
        service.click(shown.number)
        del server.replies["/token"]
        process.communicate(timeout=SECONDS)
    service.next_closed()

    assert shown.actions == []
    assert shown.text.splitlines() == [
        "Open https://evil.example/?a=&lt;b&gt;&amp;c",
        "and enter the code",
        "BCDF-GHJK",
        "That page is at the host evil.example, and you are logging in at 127.0.0.1.",
    ]
    assert seen(here) == []


@pytest.mark.parametrize("environ", [{"HEXAUTH_NOTIFY": "off"}, {BUS: "unix:path=/nowhere/bus"}])
def test_login_goes_on_where_no_notification_is_wanted_or_possible(
    here: Machine, server: Hostile, environ: dict[str, str]
) -> None:
    """That none was shown is seen when the module's tests have ended."""
    del server.replies["/token"]

    done = here.hexauth("get", "hexpm", "--login", "--format", "token", environ=environ)

    assert done.returncode == 0
    assert b"otification" not in done.stderr


@pytest.mark.parametrize("fails", ["hang", "refuse"])
def test_login_goes_on_where_the_service_is_out_of_order(
    here: Machine, server: Hostile, service: Notifications, fails: str
) -> None:
    del server.replies["/token"]
    service.fails = fails
    try:
        done = here.hexauth("get", "hexpm", "--format", "token")
    finally:
        service.fails = ""

    assert done.returncode == 0
    assert b"otification" not in done.stderr
