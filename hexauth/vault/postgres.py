"""Secrets in a PostgreSQL database, which machines share: sealed here, and read by nobody there."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hexauth.errors import Outrun, VaultError
from hexauth.machine import trace
from hexauth.vault import schema
from hexauth.vault.database import Database
from hexauth.vault.envelope import CURRENT, SLOTS, Envelope, key_of
from hexauth.vault.seen import Seen
from hexauth.vault.shared_turn import SharedTurn
from hexauth.vault.turns import LocalTurn, Turn

if TYPE_CHECKING:
    from hexauth.memory.keys import RememberedKeys

TRIES = 3
"""How often a value is sealed anew because the key has just been changed."""

FACTS = "facts/"
"""What the names of the entries begin with that say what is known of another entry."""


@dataclass(frozen=True)
class Row:
    """A row as it is: its version, what is sealed in it, and by which host and role, and when."""

    version: int = 0
    sealed: bytes | None = None
    saved_by: str = ""
    saved_as: str = ""
    saved_at: float = 0.0
    """Unix seconds, by the database's clock."""


class _Undone(Exception):
    """What was tried is rolled back."""


class PostgresVault:
    """Keep each entry in a row of `database`, sealed, with a version that only grows.

    A write is compared and swapped: it takes the place of the version that this object has read
    last, or raises `Outrun`. `remembered` are keys that are in memory, `seen` the rows that this
    machine has seen: one that is older than those is put back. Every method raises `VaultError`.
    """

    name = "postgresql"
    is_shared = True

    def __init__(
        self,
        database: Database,
        passphrase: Callable[[], bytes | None],
        remembered: "RememberedKeys",
        seen: Callable[[str], Seen],
        host: str = "",
    ) -> None:
        self.database = database
        self.envelope = Envelope(passphrase, remembered, self._slots)
        self._seen_of, self._seen = seen, dict[str, Seen]()
        self._versions: dict[str, int] = {}
        self.turns = 0
        self._uncommitted: dict[str, tuple[int, bytes | None]] | None = None
        self.host = host or socket.gethostname()

    def read(self, entry: str) -> str | None:
        """Return the value of `entry`, or None if there is none."""
        self.envelope.demand_passphrase()
        row = self.row(entry)
        return None if row.sealed is None else self.envelope.open(entry, row.version, row.sealed)

    def row(self, entry: str) -> Row:
        """Return the row of `entry`, which the next write takes the place of.

        One that is older than what this machine has seen is put right.
        """
        row = self._look(entry)
        known = self._known.find(entry)
        version, sealed = known or (0, None)
        if version > row.version:
            row = self._put_back(entry, version, sealed)
        elif version == row.version and row.sealed is None and sealed is not None:
            row = self._put_again(entry, version, sealed)
        self._note(entry, row.version, row.sealed)
        return row

    def _note(self, entry: str, version: int, sealed: bytes | None) -> None:
        """Remember a row: for the next write, and once it lasts, for when the database is older."""
        self._versions[entry] = version
        if self._uncommitted is None:
            self._known.keep(entry, version, sealed)
        else:
            self._uncommitted[entry] = version, sealed

    def _put_back(self, entry: str, version: int, sealed: bytes | None) -> Row:
        """Have a row again that the database has lost, unless somebody has saved a newer one."""
        trace.tell(f"database: {entry} is older than what was seen here, and is put back")
        values = {"name": entry, "version": version, "sealed": sealed, "host": self.host}
        self.database.run(lambda connection: connection.execute(schema.PUT_BACK, values))
        return self._look(entry)

    def _put_again(self, entry: str, version: int, sealed: bytes) -> Row:
        """Have a value again that the database has lost, and then been told to remove.

        Each version is there once: so whoever has removed it has seen the one before alone.
        """
        trace.tell(f"database: {entry} was lost, removed by who did not know it, and is put again")
        key_id, _ = self.current_key()
        value = self.envelope.open(entry, version, sealed)
        again = self.envelope.close(key_id, entry, version + 1, value)
        if self._swapped(schema.SWAP, entry, version, again):
            return Row(version + 1, again, self.host)
        return self._look(entry)

    def _look(self, entry: str) -> Row:
        found = self.database.run(
            lambda connection: connection.execute(schema.READ, [entry]).fetchone()
        )
        return Row() if found is None else Row(*found)

    def write(self, entry: str, value: str) -> None:
        """Make `value` the value of `entry`, in place of what was read last. Raises `Outrun`."""
        self.envelope.demand_passphrase()
        version = self._version(entry)
        for _ in range(TRIES):
            key_id, key_version = self.current_key()
            sealed = self.envelope.close(key_id, entry, version + 1, value)
            if self._swapped(schema.WRITE, entry, version, sealed, key_version):
                return
            if key_version == self._look(CURRENT).version:
                break
        raise self._outrun(entry)

    def delete(self, entry: str) -> None:
        """Remove `entry`, whose version stays; one that is not there is fine. Raises `Outrun`."""
        before, row = self._versions.get(entry), self.row(entry)
        if row.sealed is not None:
            self.swap(entry, row.version if before is None else before, None)

    def _version(self, entry: str) -> int:
        return self._versions[entry] if entry in self._versions else self.row(entry).version

    def swap(self, entry: str, version: int, sealed: bytes | None) -> None:
        """Put a row in the place of the one with that `version`. Raises `Outrun`."""
        if not self._swapped(schema.SWAP, entry, version, sealed):
            raise self._outrun(entry)

    def reseal(self, entry: str, version: int, sealed: bytes) -> None:
        """Have the same value, of the same version, sealed by another key."""
        values = {"name": entry, "version": version, "sealed": sealed}
        self.database.run(lambda connection: connection.execute(schema.RESEAL, values))

    def _outrun(self, entry: str) -> Outrun:
        self._versions.pop(entry, None)
        return Outrun(
            f"Another host has saved a newer {entry} in the database.",
            hint="Nothing was overwritten: try again.",
        )

    def _swapped(
        self, sql: str, entry: str, version: int, sealed: bytes | None, key: int = 0
    ) -> bool:
        """Put a row in the place of the one with that `version`; tell whether it was that one."""
        values = {"name": entry, "version": version, "sealed": sealed, "host": self.host}
        values["key"] = key
        found = self.database.run(lambda connection: connection.execute(sql, values).fetchone())
        if found is None:  # unless it was, and the answer was lost with its connection
            row = self._look(entry)
            if (row.version, row.sealed) != (version + 1, sealed):
                return False
            found = row.version, row.sealed
        if (found[1] is None) != (sealed is None) or (sealed and bytes(found[1]) != sealed):
            raise VaultError(
                f"The database {self.database.where} does not hold what was just written to it.",
                hint="Have the triggers and the rules of its table looked at.",
            )
        self._note(entry, version + 1, sealed)
        return True

    def values(self, begin: str) -> Mapping[str, str]:
        """Return the entries whose names begin so."""
        self.envelope.demand_passphrase()
        return {
            name: self.envelope.open(name, version, sealed)
            for name, (version, sealed) in self.rows(begin).items()
            if sealed is not None
        }

    def rows(self, begin: str) -> dict[str, tuple[int, bytes | None]]:
        """Return version and content of each row whose name begins so; None for what is removed."""
        found = self.database.run(
            lambda connection: connection.execute(schema.LIST, [begin]).fetchall()
        )
        return {name: (version, sealed) for name, version, sealed in found}

    def check(self) -> None:
        """Prove that a row can be written and removed, and that what is there can be opened."""
        self.envelope.demand_passphrase()
        probe = f"probe/{self.host}"
        with suppress(_Undone), self.at_once():
            self._versions.pop(probe, None)
            self.row(probe)
            self.write(probe, "?")
            if self.read(probe) == "?":
                raise _Undone
            raise VaultError(f"The database {self.database.where} keeps nothing.")

    def turn(self, name: str, local: LocalTurn) -> Turn:
        """Return where hosts take turns, of which one process each goes out."""
        return SharedTurn(self, name, local)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let what is written inside be one transaction."""
        if self._uncommitted is not None:
            yield
            return
        before, self._uncommitted = dict(self._versions), {}
        try:
            with self.database.transaction():
                yield
            kept = self._uncommitted
        except BaseException:
            self._versions, kept = before, {}
            raise
        finally:
            self._uncommitted = None
        for entry, row in kept.items():
            self._known.keep(entry, *row)

    def ahead(self) -> float:
        """Return by how many seconds the database's clock is ahead, as far as it was asked."""
        return self.database.ahead

    def settle(self, seconds: float) -> None:
        """Return at once: a write that has not ended is rolled back with its connection."""

    def close(self) -> None:
        """Close the connection of this thread; the next call opens another."""
        self.database.close()
        self._versions.clear()

    def describe(self) -> str:
        """Name the database, without its password; asks it nothing."""
        return f"{self.database.where}, sealed with your passphrase"

    @property
    def _known(self) -> Seen:
        vault = self.database.id
        if vault not in self._seen:
            self._seen[vault] = self._seen_of(vault)
        return self._seen[vault]

    def _slots(self) -> Iterator[tuple[str, int, bytes]]:
        for name, (version, sealed) in self.rows(SLOTS).items():
            if sealed is not None:
                yield name, version, sealed

    def current_key(self) -> tuple[str, int]:
        """Return the id of the key that new rows are sealed with, and the version that says so.

        The first writer makes one.
        """
        row = self.row(CURRENT)
        if row.sealed is not None:
            key_id = key_of(CURRENT, row.sealed)
            self.envelope.open(CURRENT, row.version, row.sealed)  # who put it there had the key
            return key_id, row.version
        key_id = self.envelope.new_key()
        try:
            self.put_key(key_id, row.version, [self.envelope.slot(key_id)])
        except Outrun:  # another host was the first
            return self.current_key()
        return key_id, row.version + 1

    def put_key(self, key_id: str, version: int, slots: list[tuple[str, bytes]]) -> None:
        """Seal new rows by that key from now on, in place of the one of that `version`.

        Its `slots` are rows that hold it, each of which a passphrase opens. Raises `Outrun`.
        """
        with self.at_once():
            for name, content in slots:
                self.swap(name, 0, content)
            sealed = self.envelope.close(key_id, CURRENT, version + 1, key_id)
            self.swap(CURRENT, version, sealed)
