"""Single keys at the terminal, for as long as somebody is asked something there.

The terminal hands out whole lines by itself, and shows them; meanwhile it does neither (termios(3),
ICANON and ECHO). Ctrl-C and Ctrl-Z act as ever. However this process ends, but for SIGKILL, the
terminal is left as it was.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Self

TERMINAL = "/dev/tty"

ENDING = ("SIGTERM", "SIGHUP", "SIGTSTP")
"""Signals that end or stop a process without its doing anything."""


class Keys:
    """The keys that a person presses; nothing where nobody can be asked.

    Use it in a `with` block. On Windows, in the background, and without a terminal there are none.
    """

    def __init__(self, terminal: str = TERMINAL) -> None:
        self._terminal = terminal
        self._descriptor = -1
        self._before: list[object] | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Begin; what was typed before is forgotten: it was meant for something else."""
        if sys.platform == "win32":
            return self
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK
            self._descriptor = os.open(self._terminal, flags)
            self._catch()
            self._take(forget=True)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave the terminal as it was."""
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as it was found
        self._handlers = {}
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def has_terminal(self) -> bool:
        """Whether there is a terminal that this process belongs to."""
        return self._descriptor >= 0

    @property
    def in_front(self) -> bool:
        """Whether this process may read from the terminal: it is in the foreground (tcgetpgrp)."""
        try:
            return self._descriptor >= 0 and os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False

    def within(self, seconds: float) -> str:
        """Return the key that is pressed within `seconds`; empty if none is.

        That may be known at once: `in_front` tells whether there can be any. Of a letter beyond
        ASCII no more is told than that it was one. A signal that comes just before it begins to
        wait is acted on when it has waited, so `seconds` had better be few.
        """
        if not self.in_front:
            return ""
        import select

        self._take()  # it may have been in the background meanwhile
        with suppress(OSError, ValueError):  # it has hung up
            if select.select([self._descriptor], [], [], max(0.0, seconds))[0] and self.in_front:
                return os.read(self._descriptor, 1).decode("utf-8", "replace")
        return ""

    def _take(self, *, forget: bool = False) -> None:
        """Let the terminal hand out each key at once, and show none."""
        if not self.in_front or self._before is not None:
            return
        import termios

        with suppress(termios.error):
            found = termios.tcgetattr(self._descriptor)
            # A process that was killed with keys taken has left the terminal so.
            if not found[3] & termios.ICANON:
                found[3] |= termios.ICANON | termios.ECHO
            self._before = [*found[:6], list(found[6])]
            found[3] &= ~(termios.ICANON | termios.ECHO)
            found[6][termios.VMIN], found[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, found)
            if forget:
                termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def _give_back(self) -> None:
        before, self._before = self._before, None
        if before is None or not self.in_front:
            return
        import termios

        with suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)  # type: ignore[arg-type,unused-ignore]

    def _catch(self) -> None:
        """Give the terminal back before a signal has its usual effect.

        One that is ignored stays so. Only the main thread can.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        for name in ENDING:
            number = getattr(signal, name)
            if signal.getsignal(number) is signal.SIG_DFL:
                self._handlers[number] = signal.signal(number, self._end)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        signal.signal(number, self._end)  # it goes on: it had only been stopped
