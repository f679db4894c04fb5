"""Keeping a crowd waiting until it is complete."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hexauth.machine.mutex import Mutex
from tests.waiting import until

SECONDS = 240
"""The longest that anybody is waited for."""


def waiting_at(mutex: Path) -> int:
    """Return how many wait for the lock on the file `mutex`."""
    mark = f":{mutex.stat().st_ino} "
    lines = Path("/proc/locks").read_text("ascii").splitlines()
    return sum("->" in line and mark in line for line in lines)


@contextmanager
def gate(state: Path) -> Iterator[Callable[[int], None]]:
    """Hold the token mutex in the folder `state`; hand out a function that lets a crowd in.

    It waits until the crowd has as many members as it is told, all of them at the mutex.
    """
    path = next(state.glob("*.token.lock"))

    with ExitStack() as stack:
        stack.enter_context(Mutex(path).held(SECONDS))

        def gathered(size: int) -> None:
            until(lambda: waiting_at(path) >= size, SECONDS)
            stack.close()

        yield gathered
