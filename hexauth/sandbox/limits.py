"""Counting requests by the minute, as hexpm limits them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """Where somebody stands: `reset` is in unix seconds."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool


class Limit:
    """At most `limit` uses by each name in a window of `seconds`."""

    def __init__(self, limit: int, seconds: float, *, now: Callable[[], float]) -> None:
        self.limit = limit
        self._seconds = seconds
        self._now = now
        self._guard = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def use(self, name: str, amount: int = 1) -> Standing:
        """Count `amount` uses by `name`, and tell where it stands then; 0 only looks."""
        now = self._now()
        with self._guard:
            end, used = self._windows.get(name, (0.0, 0))
            if now >= end:
                end, used = now + self._seconds, 0
            used += amount
            self._windows[name] = end, used
        return Standing(self.limit, max(0, self.limit - used), int(end), used > self.limit)
