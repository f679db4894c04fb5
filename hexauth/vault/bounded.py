"""Calls of foreign code that may print, never return, or end long after their time."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

from hexauth.errors import VaultError
from hexauth.machine.clock import Deadline
from hexauth.machine.signals import signals_blocked

T = TypeVar("T")

SLICE = 0.25
"""Seconds between two looks at Ctrl-C on Windows, where waiting for a thread cannot be broken."""


class Bounded:
    """Runs work in a thread of its own, and waits for it `seconds` at most.

    Such a thread cannot be stopped; while one is late, further calls fail at once instead of
    piling up behind it. `explain` makes a `VaultError` of whatever the work raised; only that is
    passed on, so no traceback leads to what the work had in hand.
    """

    def __init__(self, seconds: float, explain: Callable[[BaseException], VaultError]) -> None:
        self._seconds = seconds
        self._explain = explain
        self._late: list[_Worker[Any]] = []

    def call(self, work: Callable[[], T], *, changes: bool = True) -> T:
        """Return what `work` returns; raises `VaultError` if it raises, or takes too long.

        `changes` tells whether others must wait for it even if this caller has given up.
        """
        if self._late_ones():
            raise _no_answer("The keyring still has not answered an earlier call.")
        worker = _Worker(work, self._explain, changes)
        worker.start()
        try:
            if not _ended(worker, self._seconds):
                raise _no_answer(f"The keyring has not answered for {self._seconds:g} s.")
        except BaseException:  # Ctrl-C leaves a late call behind, too
            self._late.append(worker)
            raise
        if worker.error is not None:
            raise worker.error
        return worker.answers[0]

    def settle(self, seconds: float) -> None:
        """Wait, at most `seconds`, until the changes that ran out of time have ended."""
        end = Deadline(seconds)
        for worker in self._late_ones():
            if worker.changes:
                _ended(worker, end.left())

    def _late_ones(self) -> list["_Worker[Any]"]:
        self._late = [worker for worker in self._late if not worker.done.is_set()]
        return self._late


class _Worker(threading.Thread, Generic[T]):
    """One call; a daemon, because a program must be able to end while the call hangs."""

    def __init__(
        self,
        work: Callable[[], T],
        explain: Callable[[BaseException], VaultError],
        changes: bool,
    ) -> None:
        super().__init__(name="hexauth keyring call", daemon=True)
        self._work, self._explain = work, explain
        self.changes = changes
        self.done = threading.Event()
        self.answers: list[T] = []
        self.error: VaultError | None = None

    def run(self) -> None:
        _MUTE.begin()
        try:
            with signals_blocked():  # a call that is late must not hear what others hold back
                self.answers.append(self._work())
        except BaseException as error:  # foreign code: SystemExit, too, ends only the call
            self.error = self._explain(error)
        finally:
            _MUTE.end()
            self.done.set()


def _ended(worker: _Worker[Any], seconds: float) -> bool:
    end = Deadline(seconds)
    while not worker.done.wait(min(SLICE, end.left())):
        if end.is_over():
            return False
    return True


def _no_answer(message: str) -> VaultError:
    return VaultError(
        message,
        hint="It may be waiting to be unlocked: unlock it and try again, or use `--vault file`.",
    )


class _Stream:
    """A standard stream that loses what workers write to it, and passes on everything else."""

    def __init__(self, stream: object, nowhere: object) -> None:
        self.stream = stream
        self._nowhere = nowhere

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the stream has)
        return getattr(self._nowhere if _is_worker() else self.stream, name)


class _Mute:
    """Silences workers, and only them, from the first one's begin to the last one's end.

    Standard output may be a protocol's: one stray line there, even from a call that was given up
    long ago, is a wrong answer to git. And a library's debug log may show secrets.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = 0
        self._handlers: list[logging.Handler] = []
        self._nowhere: TextIO | None = None

    def begin(self) -> None:
        with self._lock:
            self._workers += 1
            if self._nowhere is None:
                nowhere = Path(os.devnull)
                self._nowhere = nowhere.open("w", encoding="utf-8", errors="replace")
            for name in ("stdout", "stderr"):
                now = getattr(sys, name)  # None under pythonw
                if now is not None and not isinstance(now, _Stream):
                    setattr(sys, name, _Stream(now, self._nowhere))
            for handler in logging.root.handlers:
                handler.addFilter(_is_not_workers)
                self._handlers.append(handler)

    def end(self) -> None:
        with self._lock:
            self._workers -= 1
            if self._workers or self._nowhere is None:
                return
            for name in ("stdout", "stderr"):
                now = getattr(sys, name)
                if isinstance(now, _Stream):
                    setattr(sys, name, now.stream)
            for handler in self._handlers:
                handler.removeFilter(_is_not_workers)
            self._handlers.clear()
            self._nowhere.close()
            self._nowhere = None


def _is_worker() -> bool:
    return isinstance(threading.current_thread(), _Worker)


def _is_not_workers(record: logging.LogRecord) -> bool:
    return not _is_worker()


_MUTE = _Mute()
