"""The index: the names of what the vaults hold, without secrets.

Keyrings cannot list their entries. Losing the index costs `status` its overview, and the vault
`auto` its memory of where it put a login; never a credential. So one that makes no sense counts as
empty; but one that others can write to is refused, as it says where secrets are to go.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.mutex import Mutex
from hexauth.machine.private import OpenFolder, opened, why
from hexauth.vault.quick import entries

SECONDS = 10
"""The longest wait for another process that changes the index; it holds it for microseconds."""


PROBE_ROOM = 8192
"""Bytes that must fit on the disk besides a second copy of the index: more than a new login's."""

NAME = "index.json"


@dataclass(frozen=True)
class Index:
    """The index in the state folder `folder`: for each entry, what is known of it.

    Methods raise `VaultError` if the index or its folder may be changed by others, and if it has
    to be written and cannot be.
    """

    folder: Path

    def entries(self) -> Mapping[str, Mapping[str, str]]:
        """Return each entry's name with its facts, such as `vault`; {} if the file is no index."""
        try:
            with self._explained("read"), opened(self.folder) as folder:
                return entries(folder.read(NAME, 0o022) or b"")
        except FileNotFoundError:
            return {}

    def put(self, name: str, facts: Mapping[str, str]) -> None:
        """Note `name` with its facts."""
        if self.entries().get(name) != facts:
            self._change(name, facts)

    def drop(self, name: str) -> None:
        """Forget `name`."""
        if name in self.entries():
            self._change(name, None)

    def share(self, found: Mapping[str, Mapping[str, str]], vault: str) -> None:
        """Note `found`, and nothing else, as what is in the shared vault called `vault`."""
        before = self.entries()
        after = {name: dict(facts) for name, facts in before.items() if facts.get("vault") != vault}
        after |= {name: dict(facts) for name, facts in found.items()}
        if after == before:
            return
        with self._changing() as folder:
            folder.write(NAME, json.dumps(after, indent=1).encode())

    def check(self) -> None:
        """Prove that the index can be read and replaced by a larger one, and change nothing."""
        with self._changing() as folder:
            folder.prove(NAME, folder.read(NAME, 0o022), PROBE_ROOM)

    def _change(self, name: str, facts: Mapping[str, str] | None) -> None:
        with self._changing() as folder:
            found = {key: value for key, value in self.entries().items() if key != name}
            if facts is not None:
                found[name] = dict(facts)
            folder.write(NAME, json.dumps(found, indent=1).encode())

    @contextmanager
    def _changing(self) -> Iterator[OpenFolder]:
        mutex = Mutex(self.folder / "index.lock")
        with mutex.held(SECONDS), self._explained("written"), opened(self.folder) as folder:
            yield folder

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Turn an OSError into what it means for the person, but for a folder that is missing."""
        path = self.folder / NAME
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise VaultError(
                f"The file {path} cannot be {done}: {why(error)}.",
                hint="Check its owner and mode, and the space left; nothing of it was lost.",
            ) from error
