"""Signals, and ends of this process, that wait while something must not be cut off."""

import signal
import time
from _thread import allocate_lock
from collections.abc import Iterator
from contextlib import contextmanager

FINISH_SECONDS = 90
"""The longest that a renewal under way is waited for: one request, and its save."""

_gate, _inside = allocate_lock(), list[None]()


@contextmanager
def signals_held() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait until the `with` block is done.

    For the time between asking a server for a new token, which ends the old one, and saving it.
    Threads started inside hold them too. A process that `let_finish` ends goes on so long.
    """
    with _gate:
        _inside.append(None)
    try:
        with signals_blocked():
            yield
    finally:
        _inside.pop()


def let_finish(seconds: float = FINISH_SECONDS) -> None:
    """Wait, at most `seconds`, until no thread holds signals; none begins to any more.

    For a process of several threads that is about to end.
    """
    _gate.acquire()
    end = time.monotonic() + seconds
    while _inside and time.monotonic() < end:
        time.sleep(0.01)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Keep SIGINT, SIGTERM and SIGHUP from this thread alone, until the `with` block is done."""
    if not hasattr(signal, "pthread_sigmask"):
        yield from _interrupts_held()
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C where signals cannot be masked (Windows)."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt
