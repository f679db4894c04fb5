"""Deadlines that hold although laptops are suspended and clocks are set."""

import time
from collections.abc import Callable


class Deadline:
    """The moment that is `seconds` away by the first of `clocks` that gets there.

    What is waited for on this machine goes by the monotonic clock alone: nobody sets it, and while
    a laptop is suspended, when Linux stops it, nobody else gets on with anything either. What ages
    elsewhere goes by the wall clock as well.
    """

    def __init__(self, seconds: float, *clocks: Callable[[], float]) -> None:
        self._ends = [(clock, clock() + seconds) for clock in clocks or (time.monotonic,)]

    def left(self) -> float:
        """Return the seconds that are left, 0 if none are."""
        return max(0.0, min(end - clock() for clock, end in self._ends))

    def is_over(self) -> bool:
        """Tell whether the moment has come."""
        return self.left() == 0
