"""A connection that gives up on a server which stands still.

A limit that the server keeps (statement_timeout) is of no use then, and neither is TCP's: a machine
that swaps, or is suspended, acknowledges what it gets.
"""

from collections.abc import Generator
from math import inf
from typing import Any

import psycopg

from hexauth.machine.clock import Deadline


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that ends by itself if it is without any answer for `seconds`."""

    seconds = inf

    def wait(self, gen: Any, *how: Any, **more: Any) -> Any:  # noqa: ANN401  (psycopg's own)
        """Let psycopg wait, not for longer than that."""
        return super().wait(self._within(gen), *how, **more)

    def _within(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        end = Deadline(self.seconds)
        try:
            step = next(steps)
            while True:
                ready = yield step
                if ready:
                    end = Deadline(self.seconds)
                elif end.is_over():
                    self.pgconn.finish()
                    raise psycopg.OperationalError("timeout expired")
                step = steps.send(ready)
        except StopIteration as done:
            return done.value
