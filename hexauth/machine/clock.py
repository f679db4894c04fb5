"""Deadlines that hold although laptops are suspended and clocks are set."""

import time
from collections.abc import Callable


class Deadline:
    """The moment that is `seconds` away by the wall clock or the monotonic one, whichever is first.

    While a laptop is suspended Linux stops the monotonic clock, and the wall clock goes on. When
    the wall clock is set back, the monotonic one goes on.
    """

    def __init__(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clocks = [(clock, clock() + seconds) for clock in (now, monotonic)]

    def left(self) -> float:
        """Return the seconds that are left, 0 if none are."""
        return max(0.0, min(end - clock() for clock, end in self._clocks))

    def is_over(self) -> bool:
        """Tell whether the moment has come."""
        return self.left() == 0
