import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.machine.notify import POWER_SHELL, SECONDS, Notice, marked_up, notify_command, show
from hexauth.vault.quick import BUS
from tests.conftest import need
from tests.notifications import PATIENCE, Notifications, running
from tests.secret_service import bus

EVIL = 'say "x"\'; do shell script "reboot" $(reboot) `reboot` %PATH%'

NOTICE = Notice("Log in at hex.pm", "Open https://hex.pm/?a=1&b=<2>", 600, "Open")


@pytest.fixture(scope="module")
def module_service() -> Iterator[Notifications]:
    need("dbus-daemon", "dbus")
    with running() as service:
        yield service


@pytest.fixture
def service(module_service: Notifications) -> Iterator[Notifications]:
    before = vars(module_service).copy()
    yield module_service
    vars(module_service).update(before)


def put(service: Notifications, clicked: Callable[[], object] = lambda: None,
        notice: Notice = NOTICE) -> Callable[[], None]:  # fmt: skip
    return show(notice, {}, service.address, clicked, platform="linux")


@pytest.mark.parametrize(
    ("can", "text", "actions"),
    [
        (["body", "body-markup", "actions"], "Open https://hex.pm/?a=1&amp;b=&lt;2&gt;",
         ["default", "Open", "open", "Open"]),
        (["body", "actions"], NOTICE.text, ["default", "Open", "open", "Open"]),
        (["body", "body-markup"], "Open https://hex.pm/?a=1&amp;b=&lt;2&gt;", []),
    ],
)  # fmt: skip
def test_notification_says_what_the_service_can_show_and_goes_at_the_end(
    service: Notifications, can: list[str], text: str, actions: list[str]
) -> None:
    service.can = can
    close = put(service)

    shown = service.next()
    close()

    assert (shown.title, shown.text, shown.actions, shown.milliseconds) == (
        NOTICE.title, text, actions, 600_000)  # fmt: skip
    assert service.next_closed() == shown.number


def test_notification_without_a_button_offers_nothing(service: Notifications) -> None:
    close = put(service, notice=replace(NOTICE, button=""))

    assert service.next().actions == []
    close()
    service.next_closed()


@pytest.mark.parametrize("action", ["default", "open"])
def test_click_is_heard_in_whichever_place(service: Notifications, action: str) -> None:
    clicks: queue.Queue[str] = queue.Queue()
    close = put(service, lambda: clicks.put("one"))
    number = service.next().number

    service.click(number + 1, action)  # somebody else's
    service.click(number, action)

    assert clicks.get(timeout=PATIENCE) == "one"
    close()
    assert service.next_closed() == number
    assert clicks.empty()


def test_click_that_fails_keeps_the_notification_from_nothing(service: Notifications) -> None:
    clicked = threading.Event()

    def fail() -> None:
        clicked.set()
        raise OSError

    close = put(service, fail)
    number = service.next().number
    service.click(number)
    assert clicked.wait(PATIENCE)
    close()

    assert service.next_closed() == number


def test_notification_that_was_put_away_is_not_taken_away(service: Notifications) -> None:
    close = put(service)
    thread = next(each for each in threading.enumerate() if each.name == "notification")
    service.put_away(service.next().number)
    thread.join(PATIENCE)
    close()

    assert not thread.is_alive()
    assert service.closed.empty()


@pytest.mark.parametrize("fails", ["refuse", "hang"])
def test_service_that_is_out_of_order_costs_a_second_at_most(
    service: Notifications, fails: str
) -> None:
    """It is not waited for any longer, whatever becomes of the thread."""
    service.fails = fails
    waited = []
    join = threading.Thread.join

    def note(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(timeout)
        join(thread, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "join", note)
        put(service)()

    assert waited == [SECONDS]
    assert service.shown.empty()


@pytest.mark.parametrize("address", ["unix:path=/nowhere/bus", "nonsense", "tcp:host=a", ""])
def test_bus_that_is_not_there_costs_nothing(address: str) -> None:
    show(NOTICE, {}, address, lambda: None, platform="linux")()


def test_bus_without_a_service_costs_nothing() -> None:
    need("dbus-daemon", "dbus")
    with bus() as (_, environ):
        show(NOTICE, {}, environ[BUS], lambda: None, platform="linux")()


def test_nothing_is_shown_where_there_is_no_bus() -> None:
    show(NOTICE, {}, None, lambda: None, platform="linux")()


def test_text_for_markup_is_escaped() -> None:
    assert marked_up('<a href="x">&amp;</a>') == '&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;'


def test_macos_is_told_in_arguments_that_are_no_script() -> None:
    command = notify_command(Notice(EVIL, f"-e {EVIL}", 1), {"HEX_API_KEY": "k"}, "darwin")

    assert command == (
        ["/usr/bin/osascript", "-e", "on run argv",
         "-e", "display notification (item 2 of argv) with title (item 1 of argv)",
         "-e", "end run", EVIL, f"-e {EVIL}"],
        {},
    )  # fmt: skip


def test_windows_is_told_in_variables() -> None:
    environ = {"SystemRoot": r"D:\Win", "HEX_API_KEY": "k"}

    command = notify_command(Notice(EVIL, "text", 1), environ, "win32")

    assert command is not None
    words, variables = command
    assert words[0] == r"D:\Win\System32\WindowsPowerShell\v1.0\powershell.exe"
    assert words[-2] == "-Command"
    assert not any("reboot" in word for word in words)
    assert {"$env:HEXAUTH_NOTICE_TITLE", "$env:HEXAUTH_NOTICE_TEXT"} <= {
        word.strip(")") for word in POWER_SHELL.replace("(", " ").split()
    }
    assert variables == {
        "SystemRoot": r"D:\Win", "HEXAUTH_NOTICE_TITLE": EVIL, "HEXAUTH_NOTICE_TEXT": "text"
    }  # fmt: skip


def test_elsewhere_no_program_is_started() -> None:
    assert notify_command(NOTICE, {}, "linux") is None


def test_program_that_is_missing_costs_nothing(tmp_path: Path) -> None:
    """There is no such program on Linux."""
    show(NOTICE, {}, None, lambda: None, platform="darwin")()


def test_nothing_heavy_is_imported_before_a_notification_is_shown() -> None:
    code = "import sys, hexauth.login.asking; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"jeepney", "hexauth.machine.notify"} & set(done.stdout.split())
