"""The file mutex that processes share.

The file is permanent: it is created once and never unlinked, because a lock on an unlinked file
excludes nobody. The kernel frees the lock when its holder dies, however it dies.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from hexauth.errors import Expired, VaultError
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.machine.private import demand_private, private_folder, why

if TYPE_CHECKING:
    from hexauth.machine.flock import Waiter

TICK = 0.25
"""Seconds between two calls of `while_waiting`; its release is noticed at once."""

WINDOWS_POLL = 0.005
"""Seconds between two tries on Windows, whose blocking lock gives up by itself after ten."""


class Mutex:
    """A lock on one permanent file, shared by all processes and threads of a user.

    Use it as `with Mutex(path).held(seconds):`. Two objects for the same path exclude each other,
    in one process too.
    """

    def __init__(
        self, path: Path, *, descriptor: int | None = None, platform: str = sys.platform
    ) -> None:
        """Take `descriptor` over if it is given: the open file by which this process holds it."""
        self.path = path
        self._taken = descriptor
        self._platform = platform

    @contextmanager
    def held(
        self, seconds: float | None, while_waiting: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Hold the mutex for the length of a `with` block; wait for it at most `seconds`.

        None waits without end, 0 does not wait. `while_waiting` is called now and then while
        somebody else holds it, and may raise to stop waiting. Raises `Expired` when the time is
        over, `VaultError` when the file cannot be opened or locked.
        """
        descriptor, self._taken = self._taken, None
        taken = trace.stopwatch()
        if descriptor is not None:
            self._check(descriptor)
        else:
            descriptor = self._open()
            self._check(descriptor)
            self._acquire(descriptor, inf if seconds is None else seconds, while_waiting)
        trace.tell(f"mutex {self.path}: taken after {taken()}")
        held = trace.stopwatch()
        try:
            yield
        finally:
            self._release(descriptor)
            trace.tell(f"mutex {self.path}: left after {held()}")

    def is_held(self) -> bool:
        """Tell whether somebody holds the mutex just now."""
        try:
            with self.held(0):
                return False
        except Expired:
            return True

    def _open(self) -> int:
        private_folder(self.path.parent)
        # With O_NONBLOCK no device keeps this waiting.
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            try:
                return os.open(self.path, flags | os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                if error.errno != errno.EROFS:
                    raise
                return os.open(self.path, flags | os.O_RDONLY)  # reading may go on
        except OSError as error:
            raise VaultError(
                f"The lock file {self.path} cannot be opened: {why(error)}.",
                hint="Make its folder writable for you alone, or set HEXAUTH_HOME to another one.",
            ) from error

    def _check(self, descriptor: int) -> None:
        """Raise `VaultError`, and close it, unless the open file is one, and ours alone."""
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise VaultError(
                    f"The lock file {self.path} is not a regular file.",
                    hint="Remove it: hexauth makes another one.",
                )
            if os.name == "posix":
                demand_private(self.path, found, 0o022)
        except BaseException:
            os.close(descriptor)
            raise

    def _acquire(self, descriptor: int, seconds: float, while_waiting: Callable[[], None]) -> None:
        """Lock `descriptor`, or close it and raise."""
        try:
            if self._try_lock(descriptor):
                return
            if seconds == 0:
                raise _waited_too_long()
            if self._platform == "win32":
                self._poll(descriptor, Deadline(seconds), while_waiting)
                return
        except BaseException:
            os.close(descriptor)
            raise
        self._block(descriptor, Deadline(seconds), while_waiting)

    def _try_lock(self, descriptor: int) -> bool:
        """Lock `descriptor` if nobody else has, and tell whether."""
        if self._platform != "win32":
            from hexauth.machine import flock

            with self._explained(OSError):
                return flock.try_lock(descriptor)
        import portalocker  # 40 to 70 ms

        with self._explained(portalocker.LockException):
            try:
                portalocker.lock(descriptor, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.AlreadyLocked:
                return False
            return True

    def _release(self, descriptor: int) -> None:
        if self._platform == "win32":
            import portalocker

            portalocker.unlock(descriptor)
        else:
            from hexauth.machine import flock

            flock.unlock(descriptor)
        os.close(descriptor)

    def _poll(self, descriptor: int, end: Deadline, while_waiting: Callable[[], None]) -> None:
        """Try to lock `descriptor` until it can be done."""
        tick = Deadline(0)
        while not self._try_lock(descriptor):
            if end.is_over():
                raise _waited_too_long()
            if tick.is_over():
                while_waiting()
                tick = Deadline(TICK)
            time.sleep(WINDOWS_POLL)

    def _block(self, descriptor: int, end: Deadline, while_waiting: Callable[[], None]) -> None:
        """Let the kernel wait for `descriptor`, and close it if that is in vain."""
        from hexauth.machine.flock import Waiter

        waiter = Waiter(descriptor)
        try:
            while not self._acquired(waiter, min(TICK, end.left())):
                if end.is_over():
                    raise _waited_too_long()
                while_waiting()
        except BaseException:
            waiter.abandon()
            raise

    def _acquired(self, waiter: "Waiter", seconds: float) -> bool:
        with self._explained(OSError):
            return waiter.acquired(seconds)

    @contextmanager
    def _explained(self, kind: type[Exception]) -> Iterator[None]:
        """Turn an error of that kind, which a lock raised, into what it means for the person."""
        try:
            yield
        except kind as error:
            code = getattr(error.__cause__, "errno", None) or getattr(error, "errno", None)
            why = os.strerror(code) if code else type(error).__name__
            raise VaultError(
                f"The lock file {self.path} cannot be locked: {why}.",
                hint="Its file system may not support locks (NFS): set HEXAUTH_HOME to a local "
                "folder.",
            ) from error


def _waited_too_long() -> Expired:
    return Expired(
        "Another process of hexauth was busy for too long.",
        hint="Run `hexauth status` to see what it waits for, then try again.",
    )
