"""The commands while the clock is set, by hours and days, and on a machine that is suspended."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_handover import record, until_asked
from tests.conftest import SECONDS, Machine, Process, Serve, need, unix
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="faketime and memory are Linux's")

DAY = 86400
GET = ("get", "hexpm", "--format", "token", "--no-login")

KEPT = {"NO_FAKE_STAT": "1"}
"""What setting a clock leaves alone: the times of files."""


def at(here: Machine, seconds: float, *words: str) -> Process:
    """Start `hexauth` with a clock that is fast by these seconds."""
    program = need("faketime", "faketime")
    return here.start(program, "-f", f"{seconds:+}s", "hexauth", *words, environ=KEPT)


def token(here: Machine, seconds: float) -> str:
    """Return what `hexauth get` prints with such a clock; it must work."""
    with at(here, seconds, *GET) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, b"")
    return out.decode()


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    """Start a server that approves every login at once."""
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, logged_in: Make, memory: str) -> Machine:
    """Log in on a machine whose memory is its own."""
    found = logged_in(sandbox)
    found.environ["XDG_RUNTIME_DIR"] = memory
    return found


def refreshes(sandbox: Sandbox) -> int:
    """Return how often the login was refreshed; it must be the one there was."""
    assert len(sandbox.hexpm.sessions()) == 1
    assert sandbox.journal.counts()["device_authorization"] == 1
    return sandbox.journal.counts()["refresh"]


@pytest.mark.parametrize("cache", ["on", "off"])
@pytest.mark.parametrize("away", [DAY, -DAY], ids=["a day ahead", "a day back"])
def test_a_clock_that_is_set_costs_one_refresh_each_time(
    sandbox: Sandbox, here: Machine, away: int, cache: str
) -> None:
    """Set to another day and back, it is not known how long the token has lived."""
    here.environ["HEXAUTH_CACHE"] = cache
    moments = [0, 0, away, away, 0, 0]

    seen = [(token(here, seconds), refreshes(sandbox)) for seconds in moments]

    assert [count for _, count in seen] == [0, 0, 1, 1, 2, 2]
    assert [text for text, _ in seen[::2]] == [text for text, _ in seen[1::2]]
    assert len({text for text, _ in seen}) == 3


@pytest.mark.parametrize("away", [50, -50])
def test_a_clock_that_is_put_right_by_less_than_a_minute_costs_nothing(
    sandbox: Sandbox, here: Machine, away: int
) -> None:
    assert (token(here, away), refreshes(sandbox)) == (token(here, 0), 0)


@pytest.mark.parametrize("away", [3600, -3600, 40 * DAY, -40 * DAY])
def test_the_clock_of_a_server_does_not_count(
    sandbox: Sandbox, machine: Make, away: int, memory: str
) -> None:
    """Its tokens say when they end, and it says what time it is: by a clock that is wrong."""
    here = machine(sandbox)
    here.environ["XDG_RUNTIME_DIR"] = memory
    with at(here, away, "login", "--no-browser") as process:
        process.communicate(timeout=SECONDS)
    first = token(here, away)
    with at(here, away, "status", "--json") as process:
        out, _ = process.communicate(timeout=SECONDS)
    (login,) = json.loads(out)["logins"]

    assert (token(here, away), refreshes(sandbox)) == (first, 0)
    assert login["state"] == "ok"
    assert abs(unix(login["access_token_expires_at"]) - time.time() - away - 1800) < SECONDS
    assert abs(unix(login["session_expires_at"]) - time.time() - away - 30 * DAY) < SECONDS


def test_what_an_attempt_has_left_for_those_who_wait_is_not_believed_on_another_day(
    sandbox: Sandbox, here: Machine
) -> None:
    """It is good for five seconds, which have not begun yet."""
    sandbox.faults.add(parse("503@refresh"))
    with at(here, DAY, *GET) as process:
        process.communicate(timeout=SECONDS)

    assert (process.returncode, token(here, 0)[:3], refreshes(sandbox)) == (6, "eyJ", 1)


def test_a_code_from_another_day_is_nobody_s_to_carry_on(serve: Serve, machine: Make) -> None:
    """Its process was killed; by the clock of today the code is good for a day."""
    sandbox = serve()
    here = machine(sandbox)
    ask = (*GET[:-1], "--login")
    with at(here, DAY, *ask) as first:
        until(lambda: sandbox.journal.counts()["poll"] > 0)
        os.kill(record(here)["pid"], signal.SIGKILL)  # `first` is faketime, which has started it
        first.communicate(timeout=SECONDS)
    first_code = sandbox.hexpm.grants()[0].user_code
    with here.start("hexauth", *ask) as second:
        until_asked(here, second)
        until(lambda: len(sandbox.hexpm.grants()) == 2)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[1], approve=True)
        out, err = second.communicate(timeout=SECONDS)

    assert (second.returncode, out[:3]) == (0, b"eyJ")
    assert first_code.encode() not in err.replace(b"-", b"")


def test_a_machine_that_sleeps_through_the_approval_has_it_when_it_wakes(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start("hexauth", "login", "--no-browser") as process:
        until(lambda: sandbox.journal.counts()["poll"] > 0)
        process.send_signal(signal.SIGSTOP)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=SECONDS)

    assert (process.returncode, here.token()[:3]) == (0, "eyJ")


def test_a_machine_that_sleeps_while_it_refreshes_keeps_what_it_has_got(
    sandbox: Sandbox, here: Machine
) -> None:
    """So do those who wait for it."""
    here.reject_token(sandbox)
    sandbox.faults.add(parse("slow:1@refresh"))
    with here.start("hexauth", *GET) as first, here.start("hexauth", *GET) as second:
        until(lambda: sandbox.journal.counts()["refresh"] == 1)
        for process in (first, second):
            process.send_signal(signal.SIGSTOP)
        time.sleep(1.2)  # until the answer has come
        for process in (second, first):
            process.send_signal(signal.SIGCONT)
        answers = {process.communicate(timeout=SECONDS) for process in (first, second)}

    assert answers == {(here.token().encode() + b"\n", b"")}
    assert refreshes(sandbox) == 1
