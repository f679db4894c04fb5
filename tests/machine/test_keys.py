"""Keys at a real terminal, whose foreground a child process is."""

import os
import pty
import signal
import termios
from collections.abc import Callable

import pytest

from hexauth.machine.keys import Keys

WAITING = b"waiting"


def child(act: Callable[[], None]) -> tuple[int, int]:
    """Run `act` in a child at a terminal of its own; return its pid and our end of that."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid, master


def heard() -> None:
    """Say that keys are heard, and which was."""
    with Keys() as keys:
        assert keys.has_terminal
        os.write(1, WAITING)
        os.write(1, b"<" + keys.within(30).encode() + b">")


def is_plain(master: int) -> bool:
    """Tell whether a terminal hands out whole lines, and shows them."""
    both = termios.ICANON | termios.ECHO
    flags = int(termios.tcgetattr(master)[3])
    return flags & both == both


def read_until(master: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(master, 100)
    return seen


def test_a_key_is_heard_at_once_and_not_shown_and_the_terminal_is_as_before() -> None:
    pid, master = child(heard)
    read_until(master, WAITING)
    assert not is_plain(master)

    os.write(master, b"c")

    assert read_until(master, b">") == b"<c>"
    os.waitpid(pid, 0)
    assert is_plain(master)
    os.close(master)


def test_keys_that_come_together_are_heard_one_by_one() -> None:
    def both() -> None:
        with Keys() as keys:
            os.write(1, WAITING)
            heard = keys.within(30) + keys.within(30)
            os.write(1, b"<" + heard.encode() + b">")

    pid, master = child(both)
    read_until(master, WAITING)

    os.write(master, b"y\n")

    assert read_until(master, b">") == b"<y\r\n>"
    os.waitpid(pid, 0)
    os.close(master)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_terminal_is_as_before_when_a_signal_ends_the_process(number: signal.Signals) -> None:
    pid, master = child(heard)
    read_until(master, WAITING)

    os.kill(pid, number)

    os.waitpid(pid, 0)
    assert is_plain(master)
    os.close(master)


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


def test_terminal_is_as_before_while_the_process_is_stopped() -> None:
    def shell() -> None:
        pid = job(heard)
        os.waitpid(pid, os.WUNTRACED)
        os.write(1, b"stopped" if is_plain(0) else b"spoilt")
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)

    pid, master = child(shell)
    read_until(master, WAITING)
    os.write(master, b"\x1a")  # Ctrl-Z
    read_until(master, b"stopped")
    os.write(master, b"c\n")

    assert b"<c>" in read_until(master, b">")
    os.waitpid(pid, 0)
    os.close(master)


def test_terminal_that_a_killed_process_has_left_is_mended_by_the_next() -> None:
    def shell() -> None:
        pid = job(heard)
        os.waitpid(pid, 0)
        os.write(1, b"spoilt" if not is_plain(0) else b"sound")
        os.waitpid(job(heard), 0)

    pid, master = child(shell)
    read_until(master, WAITING)
    os.kill(os.tcgetpgrp(master), signal.SIGKILL)
    read_until(master, b"spoilt")
    read_until(master, WAITING)
    os.write(master, b"c")
    read_until(master, b"<c>")

    os.waitpid(pid, 0)
    assert is_plain(master)
    os.close(master)


def test_nobody_is_heard_without_a_terminal() -> None:
    with Keys("/nonexistent") as keys:
        assert (keys.has_terminal, keys.in_front, keys.within(30)) == (False, False, "")
