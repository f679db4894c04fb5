"""Keys at a real terminal, whose foreground a child process is."""

import os
import pty
import select
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hexauth.machine.keys import Keys
from tests.conftest import SECONDS

WAITING = b"waiting"


class Child:
    """A process with a terminal of its own, which does `act`; `master` is our end of that."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                act()
            finally:
                os._exit(0)
        self._unread = b""

    @property
    def is_plain(self) -> bool:
        """Whether its terminal hands out whole lines, and shows them."""
        return is_plain(self.master)

    def read_until(self, wanted: bytes) -> bytes:
        """Return what it shows up to `wanted`; what comes behind that is for the next call."""
        while wanted not in self._unread:
            assert select.select([self.master], [], [], SECONDS)[0], self._unread
            self._unread += os.read(self.master, 100)
        before, _, self._unread = self._unread.partition(wanted)
        return before + wanted

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def wait(self) -> None:
        """Wait until it has ended."""
        os.waitpid(self.pid, 0)


MakeChild = Callable[[Callable[[], None]], Child]


@pytest.fixture
def child() -> Iterator[MakeChild]:
    """Return what makes a child; its terminal is closed at the end, which ends who is left."""
    with ExitStack() as stack:

        def make(act: Callable[[], None]) -> Child:
            made = Child(act)
            stack.callback(os.close, made.master)
            return made

        yield make


def heard() -> None:
    """Say that keys are heard, and which was; until then it listens for a moment at a time."""
    with Keys() as keys:
        assert keys.has_terminal
        os.write(1, WAITING)
        while not (key := keys.within(0.1)):
            pass
        os.write(1, b"<" + key.encode() + b">")


def is_plain(master: int) -> bool:
    """Tell whether a terminal hands out whole lines, and shows them."""
    both = termios.ICANON | termios.ECHO
    flags = int(termios.tcgetattr(master)[3])
    return flags & both == both


def test_a_key_is_heard_at_once_and_not_shown_and_the_terminal_is_as_before(
    child: MakeChild,
) -> None:
    screen = child(heard)
    screen.read_until(WAITING)
    assert not screen.is_plain

    screen.type(b"c")

    assert screen.read_until(b">") == b"<c>"
    screen.wait()
    assert screen.is_plain


def test_keys_that_come_together_are_heard_one_by_one(child: MakeChild) -> None:
    def both() -> None:
        with Keys() as keys:
            os.write(1, WAITING)
            heard = keys.within(30) + keys.within(30)
            os.write(1, b"<" + heard.encode() + b">")

    screen = child(both)
    screen.read_until(WAITING)

    screen.type(b"y\n")

    assert screen.read_until(b">") == b"<y\r\n>"
    screen.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_terminal_is_as_before_when_a_signal_ends_the_process(
    child: MakeChild, number: signal.Signals
) -> None:
    screen = child(heard)
    screen.read_until(WAITING)

    os.kill(screen.pid, number)

    screen.wait()
    assert screen.is_plain


def job(act: Callable[[], None]) -> int:
    """Run `act` as shells do: in a process group of its own, in front; return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            act()
        finally:
            os._exit(0)
    return pid


def test_terminal_is_as_before_while_the_process_is_stopped(child: MakeChild) -> None:
    def shell() -> None:
        pid = job(heard)
        os.waitpid(pid, os.WUNTRACED)
        os.write(1, b"stopped" if is_plain(0) else b"spoilt")
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)

    screen = child(shell)
    screen.read_until(WAITING)
    screen.type(b"\x1a")  # Ctrl-Z
    screen.read_until(b"stopped")
    screen.type(b"c\n")

    assert b"<c>" in screen.read_until(b">")
    screen.wait()


def test_terminal_that_a_killed_process_has_left_is_mended_by_the_next(child: MakeChild) -> None:
    def shell() -> None:
        pid = job(heard)
        os.waitpid(pid, 0)
        os.write(1, b"spoilt" if not is_plain(0) else b"sound")
        os.waitpid(job(heard), 0)

    screen = child(shell)
    screen.read_until(WAITING)
    os.kill(os.tcgetpgrp(screen.master), signal.SIGKILL)
    screen.read_until(b"spoilt")
    screen.read_until(WAITING)
    screen.type(b"c")
    screen.read_until(b"<c>")

    screen.wait()
    assert screen.is_plain


def test_nobody_is_heard_without_a_terminal() -> None:
    with Keys("/nonexistent") as keys:
        assert (keys.has_terminal, keys.in_front, keys.within(30)) == (False, False, "")
