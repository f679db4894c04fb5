"""Waiting for what another process, or a crowd of threads, brings about."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], bool], seconds: float = 60, *, pause: float = 0.005) -> None:
    """Wait for `condition`, looking every `pause` seconds, and fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for has not come"
        time.sleep(pause)


def at_once(works: Sequence[Callable[[], T]], seconds: float = 60) -> list[T]:
    """Return what `works`, each in a thread of its own, have returned within `seconds`."""
    got: list[T] = []
    threads = [threading.Thread(target=lambda work=work: got.append(work())) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return got
