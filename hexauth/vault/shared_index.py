"""The index of a shared vault: what is known of each entry lies in the vault, sealed as the rest.

This machine's index is a copy, which a process that looks into it brings up to date once a minute;
without the database it stays as it was.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import Expired, VaultError
from hexauth.lean_json import dumps, loads
from hexauth.machine.digest import sha256
from hexauth.machine.files import write_private
from hexauth.machine.mutex import Mutex
from hexauth.machine.private import opened, private_folder
from hexauth.vault.index import Index
from hexauth.vault.postgres import FACTS, PostgresVault

SECONDS = 60
"""How long a copy is good."""

PATIENCE = 30
"""The longest that a process without any copy waits for the one that makes it, in seconds."""

STAMP = "fleet.stamp"


@dataclass
class SharedIndex:
    """The copy, in `index` of the state folder `state`, of what `vault` says of its entries."""

    index: Index
    vault: PostgresVault
    state: Path
    address: str
    """The address of the database: a copy of another one's is none."""
    is_new: bool = False
    """Whether this process has brought it up to date."""

    def look(self) -> None:
        """Bring the copy up to date, if it is too old. Raises `VaultError` if there is none."""
        if self.is_new:
            return
        age = self._age()
        if age is not None and 0 <= age < SECONDS:
            return
        private_folder(self.state)
        try:
            with Mutex(self.state / "fleet.lock").held(PATIENCE if age is None else 0):
                if age is None and self._age() is not None:
                    return
                self._renew(is_needed=age is None)
        except Expired:  # somebody else is about it
            return

    def _renew(self, *, is_needed: bool) -> None:
        """Renew the copy; unless it `is_needed`, a database that is away is not waited for."""
        database = self.vault.database
        was_open, patience = database.is_open, database.patience
        database.patience = patience if is_needed else 0
        try:
            self.renew()
        except VaultError:
            if is_needed:
                raise
            self._note()  # so that it is not tried again at once
        finally:
            database.patience = patience
            if not was_open:
                database.close()

    def renew(self) -> None:
        """Bring the copy up to date. Raises `VaultError`."""
        found = {
            name.removeprefix(FACTS): _facts(value) | {"vault": self.vault.name}
            for name, value in self.vault.values(FACTS).items()
        }
        self.index.share(found, self.vault.name)
        self.is_new = True
        self._note()

    def put(self, entry: str, facts: Mapping[str, str]) -> None:
        """Say in the vault what is known of `entry`."""
        said = dumps({name: value for name, value in facts.items() if name != "vault"})
        if self.vault.read(FACTS + entry) != said:
            self.vault.write(FACTS + entry, said)

    def drop(self, entry: str) -> None:
        """Say no more of `entry`."""
        self.vault.delete(FACTS + entry)

    def _age(self) -> float | None:
        """Return for how many seconds there has been the copy; None if there is none."""
        try:
            with opened(self.state) as folder:
                when, whose = (folder.read(STAMP) or b"").decode("ascii").split()
                return time.time() - float(when) if whose == self._whose else None
        except (OSError, VaultError, ValueError):
            return None

    def _note(self) -> None:
        with suppress(OSError):
            write_private(self.state / STAMP, f"{int(time.time())} {self._whose}".encode())

    @property
    def _whose(self) -> str:
        return sha256(self.address.encode())[:16]


def _facts(text: str) -> dict[str, str]:
    try:
        found = loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if type(found) is dict else {}
