"""A vault that tells what it is asked, and how long it takes to answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from hexauth.errors import VaultError
from hexauth.machine import trace
from hexauth.vault.contract import Vault
from hexauth.vault.turns import LocalTurn, Turn

T = TypeVar("T")


class Told:
    """The vault `vault`, each of whose calls is told; never what is in it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.name, self.is_shared = vault.name, vault.is_shared

    def read(self, entry: str) -> str | None:
        """Read `entry`."""
        return self._told(f"read {entry}", lambda: self._vault.read(entry), _found)

    def write(self, entry: str, value: str) -> None:
        """Write `entry`."""
        self._told(f"write {entry}", lambda: self._vault.write(entry, value))

    def delete(self, entry: str) -> None:
        """Delete `entry`."""
        self._told(f"delete {entry}", lambda: self._vault.delete(entry))

    def check(self) -> None:
        """Check the vault."""
        self._told("check", self._vault.check)

    def turn(self, name: str, local: LocalTurn) -> Turn:
        """Take turns."""
        return self._vault.turn(name, local)

    def at_once(self) -> AbstractContextManager[None]:
        """Write at once."""
        return self._vault.at_once()

    def ahead(self) -> float:
        """Compare clocks."""
        return self._vault.ahead()

    def settle(self, seconds: float) -> None:
        """Wait for late writes."""
        self._vault.settle(seconds)

    def describe(self) -> str:
        """Describe the vault."""
        return self._vault.describe()

    def _told(
        self, what: str, work: Callable[[], T], result: Callable[[T], str] = lambda answer: "done"
    ) -> T:
        taken = trace.stopwatch()
        try:
            answer = work()
        except VaultError as error:
            trace.tell(f"vault {self.name}: {what}: {error} ({taken()})")
            raise
        trace.tell(f"vault {self.name}: {what}: {result(answer)} ({taken()})")
        return answer


def _found(answer: str | None) -> str:
    return "nothing" if answer is None else "found"
