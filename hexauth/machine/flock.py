"""Waiting for a lock on a file, flock(2), with a deadline and with Ctrl-C working at once.

On its own, and without portalocker (40 to 70 ms), as a crowd that waits for one process's answer
imports this and nothing else. The locks are the same: portalocker calls flock on POSIX, too.
"""

import _signal  # type: ignore[import-not-found]  # signal takes 2 ms more
import _thread  # threading takes 1 ms more
import fcntl
import os

SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


def try_lock(descriptor: int) -> bool:
    """Lock the open file `descriptor` if nobody else has; tell whether. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: str) -> bool:
    """Tell whether somebody holds the lock on the file at `path`. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # it may be a FIFO
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def lock_within(descriptor: int, seconds: float) -> bool:
    """Lock the open file `descriptor`, or close it after `seconds`; tell which. Raises OSError."""
    if try_lock(descriptor):
        return True
    waiter = Waiter(descriptor)
    if waiter.acquired(seconds):
        return True
    waiter.abandon()
    return False


def unlock(descriptor: int) -> None:
    """Free the lock at once, even if a child that was just forked still shares `descriptor`."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


class Waiter:
    """Waits for the lock on the open file `descriptor` from the moment that it is made.

    The kernel wakes a thread, as a main thread inside flock would not hear Ctrl-C.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._done = _thread.allocate_lock()
        self._done.acquire()
        self._guard = _thread.allocate_lock()
        self._over = self._abandoned = False
        self._error: OSError | None = None
        _thread.start_new_thread(self._block, ())

    def acquired(self, seconds: float) -> bool:
        """Wait at most `seconds`, and tell whether the file is locked now. Raises OSError."""
        if not self._done.acquire(True, seconds):
            return False
        if self._error is not None:
            raise self._error
        return True

    def abandon(self) -> None:
        """Wait no longer, and close the file: now, or when it is locked all the same."""
        with self._guard:
            self._abandoned = True
            if self._over:
                os.close(self._descriptor)

    def _block(self) -> None:
        # One that was abandoned lives on, and must not hear what others hold back.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, SIGNALS)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:  # handed over to the waiting thread
            self._error = error
        with self._guard:
            self._over = True
            if self._abandoned:
                os.close(self._descriptor)
        self._done.release()
