"""How many connections to a database this machine has: two, however many processes it has."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hexauth.errors import Expired
from hexauth.machine.clock import Deadline
from hexauth.machine.mutex import Mutex

NAMES = ("fleet-1.lock", "fleet-2.lock")
"""The files of which whoever is connected has one locked. One may be taken for as long as a person
is asked to log in; the other one then serves the rest, who need it for milliseconds."""

SECONDS = 10
"""How long it is waited for one. Whoever has waited in vain is connected all the same."""

PAUSE = 0.005


@contextmanager
def slot(state: Path) -> Iterator[None]:
    """Hold one of the slots of the state folder `state`. Raises `VaultError`."""
    end = Deadline(SECONDS)
    with ExitStack() as stack:
        while not _is_taken(stack, state) and not end.is_over():
            time.sleep(PAUSE)
        yield


def _is_taken(stack: ExitStack, state: Path) -> bool:
    """Let `stack` hold a slot that is free; tell whether there was one."""
    for name in NAMES:
        with suppress(Expired):
            stack.enter_context(Mutex(state / name).held(0))
            return True
    return False
