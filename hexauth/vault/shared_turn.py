"""Turns that hosts take: a lock of the database, and the record in one of its rows.

This machine's mutex comes first, so that one process of each goes out. The lock is the session's
(`pg_advisory_lock`, PostgreSQL 9.27.10): it ends with its connection, however that ends. So it only
keeps others from working in vain; what is saved is compared and swapped.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

from hexauth.errors import Expired, Outrun, VaultError
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.machine.digest import sha256
from hexauth.vault.schema import NOTICE_CHARACTERS
from hexauth.vault.turns import LocalTurn, Lost, nothing

if TYPE_CHECKING:
    from hexauth.vault.database import Database

TICK = 1.0
"""Seconds after which a lock is tried again, whose holder may have died without a word."""

TRY = "SELECT pg_try_advisory_lock(%s)"
LEAVE = "SELECT pg_advisory_unlock(%s), pg_notify('hexauth', %s)"

RECORD = "record/"
"""What the names of the entries begin with that are records."""


class Rows(Protocol):
    """The vault whose rows hold the records, as `PostgresVault` is one."""

    host: str
    database: "Database"
    turns: int
    """How many turns this process has, or waits for, among machines."""

    def read(self, entry: str) -> str | None:
        """Return the value of an entry."""

    def write(self, entry: str, value: str) -> None:
        """Compare and swap the value of an entry. Raises `Outrun`."""

    def ahead(self) -> float:
        """Return by how many seconds the database's clock is ahead."""

    def close(self) -> None:
        """Close the connection."""


@dataclass
class SharedTurn:
    """The turn called `name`, of the hosts that share `vault`; `local` is this machine's part."""

    vault: Rows
    name: str
    local: LocalTurn
    _generation: int = 0
    """The connection that has the lock; 0 if none has."""

    @contextmanager
    def held(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> Iterator[None]:
        """Hold this machine's mutex, and then the database's lock."""
        end = self._deadline(seconds)
        with (
            self.here(seconds, while_waiting),
            self.beyond(None if seconds is None else end.left(), while_waiting, when_woken),
        ):
            yield

    def here(
        self, seconds: float | None, while_waiting: Callable[[], None] = nothing
    ) -> AbstractContextManager[None]:
        """Hold this machine's mutex alone; who waits for it is not connected meanwhile."""
        if self.vault.turns:
            return self.local.held(seconds, while_waiting)
        return self._unconnected(seconds, while_waiting)

    @contextmanager
    def _unconnected(
        self, seconds: float | None, while_waiting: Callable[[], None]
    ) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self.local.held(0))
            except Expired:
                self.vault.close()
                stack.enter_context(self.local.held(seconds, while_waiting))
            yield

    @contextmanager
    def beyond(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> Iterator[None]:
        """Hold the database's lock."""
        self.vault.turns += 1
        try:
            self._acquire(self._deadline(seconds), while_waiting, when_woken)
            yield
        finally:
            self._leave()
            self.vault.turns -= 1

    @property
    def host(self) -> str:
        """The name of this machine."""
        return self.vault.host

    @property
    def ahead(self) -> float:
        """By how many seconds the database's clock is ahead, for who is connected to it."""
        return self.vault.ahead() if self.vault.database.is_open else 0

    def open(self) -> None:
        """Connect to the database."""
        self.vault.database.open()

    def is_held(self) -> bool:
        """Tell whether anybody has the turn; who cannot be asked has none."""
        if self.local.is_held():
            return True
        with suppress(VaultError):
            if not self._try():
                return True
            self._leave()
        return False

    def keep(self) -> None:
        """Have the lock again if its connection was lost. Raises `Lost` if somebody else has it."""
        database = self.vault.database
        if database.is_open and database.generation == self._generation:
            with suppress(VaultError):
                database.run(lambda connection: connection.execute("SELECT 1"))
        if database.is_open and database.generation == self._generation:
            return
        try:
            is_mine = self._try()
        except VaultError:  # nobody else can have it from a database that is away
            return
        if not is_mine:
            raise Lost("The connection to the database was lost, and another host has the turn.")
        trace.tell(f"lock {self.name}: taken again, by another connection")

    def read(self) -> bytes:
        """Return the record: the database's, for who is connected to it; else this machine's.

        What another host says of a login that is under way is then here as well.
        """
        if not self.vault.database.is_open:
            return self.local.read()
        try:
            found = (self.vault.read(RECORD + self.name) or "").encode()
        except VaultError:
            return self.local.read()
        if b'"waiting"' in found or b'"waiting"' in self.local.read():
            with suppress(VaultError):
                self.local.write(found)
        return found

    def write(self, content: bytes) -> None:
        """Publish the record, here and in the database. Raises `Lost` if another host has."""
        if self.vault.database.generation != self._generation or not self.vault.database.is_open:
            self.keep()
        try:
            self.vault.write(RECORD + self.name, content.decode("ascii"))
        except Outrun:
            raise Lost("Another host has had the turn meanwhile.") from None
        finally:  # those who wait here are told in any case
            self.local.write(content)

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(inf if seconds is None else seconds, self.vault.database.monotonic)

    @property
    def _key(self) -> int:
        """The number of the lock: 63 bits of the name's digest."""
        return int(sha256(f"hexauth/{self.name}".encode())[:15], 16)

    def _acquire(
        self, end: Deadline, while_waiting: Callable[[], None], when_woken: Callable[[], None]
    ) -> None:
        database, taken = self.vault.database, trace.stopwatch()
        listens = False
        while not self._try():
            if end.is_over():
                raise Expired(
                    "Another host was busy for too long.",
                    hint="Run `hexauth status` to see which one, then try again.",
                )
            if not listens:  # and try once more, as nothing is to be missed in between
                database.listen()
                listens = True
                when_woken()
                continue
            heard = database.heard(min(TICK, end.left()))
            while_waiting()
            if any(self._concerns(name) for name in heard):
                when_woken()
        trace.tell(f"lock {self.name}: taken after {taken()}")

    @property
    def _notice(self) -> str:
        return f"{RECORD}{self.name}"[:NOTICE_CHARACTERS]

    def _concerns(self, name: str) -> bool:
        """Tell whether what is called `name` is about the same login or drawer."""
        entry = self.name.rpartition("/")[0]
        return entry[: NOTICE_CHARACTERS // 2] in name

    def _try(self) -> bool:
        database = self.vault.database
        found = database.run(lambda connection: connection.execute(TRY, [self._key]).fetchone())
        is_mine = bool(found and found[0])
        self._generation = database.generation if is_mine else 0
        return is_mine

    def _leave(self) -> None:
        """Let the next one have the lock; a connection that was lost has left it already."""
        database = self.vault.database
        if database.is_open and database.generation == self._generation:
            with suppress(VaultError):
                database.run(
                    lambda connection: connection.execute(LEAVE, [self._key, self._notice])
                )
        self._generation = 0
