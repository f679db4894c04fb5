"""Calls that hang, print, or end long after their time."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import NoReturn

import pytest

from hexauth.errors import VaultError
from hexauth.vault.bounded import Bounded


def explain(error: BaseException) -> VaultError:
    return VaultError(f"explained {type(error).__name__}")


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Hand out what hanging calls wait for, and let them go at the end."""
    event = threading.Event()
    yield event
    event.set()


def late(event: threading.Event) -> Bounded:
    """Return a caller with one call that has run out of time."""
    bounded = Bounded(0.05, explain)
    with pytest.raises(VaultError, match=r"The keyring has not answered for 0\.05 s\."):
        bounded.call(event.wait)
    return bounded


def test_answer_is_passed_on() -> None:
    """The bound costs nothing when the call ends in time."""
    assert Bounded(60, explain).call(lambda: "answer") == "answer"


def test_error_is_explained() -> None:
    """Only the explanation reaches the caller."""
    with pytest.raises(VaultError, match="explained ZeroDivisionError"):
        Bounded(60, explain).call(lambda: 1 / 0)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_foreign_code_cannot_end_the_program(error: type[BaseException]) -> None:
    """Even `sys.exit` in a backend is one failed call."""

    def leave() -> NoReturn:
        raise error

    with pytest.raises(VaultError, match="explained"):
        Bounded(60, explain).call(leave)


def test_error_brings_no_traceback_of_the_call() -> None:
    """The frames of the call hold secrets."""
    with pytest.raises(VaultError) as caught:
        Bounded(60, explain).call(lambda: 1 / 0)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_hanging_call_ends_within_its_time(hanging: threading.Event) -> None:
    """A window nobody sees holds nobody up."""
    begin = time.monotonic()
    late(hanging)

    assert time.monotonic() - begin < 5


def test_calls_after_a_late_one_fail_at_once(hanging: threading.Event) -> None:
    """Threads do not pile up behind a keyring that hangs."""
    bounded = late(hanging)

    with pytest.raises(VaultError, match="has not answered an earlier call"):
        bounded.call(lambda: "never run")


def test_settle_waits_for_a_late_call(hanging: threading.Event) -> None:
    """After it, nothing is written any more."""
    bounded = late(hanging)
    timer = threading.Timer(0.05, hanging.set)
    timer.start()
    bounded.settle(60)
    timer.join()

    assert bounded.call(lambda: "answer") == "answer"


def test_settle_gives_up_in_time(hanging: threading.Event) -> None:
    """It waits as long as it was told to."""
    bounded = late(hanging)
    begin = time.monotonic()
    bounded.settle(0.1)

    assert 0.1 <= time.monotonic() - begin < 5


def test_settle_waits_for_no_reader(hanging: threading.Event) -> None:
    """What changes nothing may go on behind everybody's back."""
    bounded = Bounded(0.05, explain)
    with pytest.raises(VaultError):
        bounded.call(hanging.wait, changes=False)

    bounded.settle(3600)

    assert not hanging.is_set()


def chatter() -> None:
    print("out")  # noqa: T201  (the subject)
    print("err", file=sys.stderr)  # noqa: T201
    sys.stdout.write("out again")
    logging.getLogger("foreign").warning("log")


def test_call_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output may be git's protocol, and logs may show secrets."""
    Bounded(60, explain).call(chatter)

    assert capfd.readouterr() == ("", "")


def test_call_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The debug log of a D-Bus library shows what is sent."""
    Bounded(60, explain).call(chatter)

    assert caplog.records == []


def test_caller_still_prints_while_a_call_is_late(
    hanging: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error about the late call has to be seen."""
    late(hanging)
    print("seen")  # noqa: T201  (the subject)

    assert capsys.readouterr().out == "seen\n"


def test_streams_are_put_back() -> None:
    """Afterwards all is as before."""
    before = (sys.stdout, sys.stderr)
    Bounded(60, explain).call(chatter)

    assert (sys.stdout, sys.stderr) == before


INTERRUPTED = """
import os, threading
from hexauth.errors import VaultError
from hexauth.vault.bounded import Bounded

def hang():
    os.write(1, b"hanging\\n")
    threading.Event().wait()

try:
    Bounded(60, lambda error: VaultError("never")).call(hang)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_works_while_a_call_hangs() -> None:
    """The person need not wait for the bound, and the program ends while the call hangs."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=10)

    assert out == "interrupted\n"
