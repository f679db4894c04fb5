"""Signals that wait while something must not be cut off."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def signals_held() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait until the `with` block is done.

    For the time between asking a server for a new token, which ends the old one, and saving it.
    Threads started inside hold them too.
    """
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
