"""The index: the names of what the vaults hold, without secrets.

Keyrings cannot list their entries. Losing the index costs `status` its overview, and the vault
`auto` its memory of where it put a login; never a credential.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.files import write_private
from hexauth.machine.mutex import Mutex
from hexauth.vault.quick import entries

SECONDS = 10
"""The longest wait for another process that changes the index; it holds it for microseconds."""


@dataclass(frozen=True)
class Index:
    """The index in the state folder `folder`: for each entry, what is known of it."""

    folder: Path

    def entries(self) -> Mapping[str, Mapping[str, str]]:
        """Return each entry's name with its facts, such as `vault`; {} if the file is no index."""
        try:
            return entries((self.folder / "index.json").read_bytes())
        except OSError:
            return {}

    def put(self, name: str, facts: Mapping[str, str]) -> None:
        """Note `name` with its facts. Raises `VaultError` if the folder cannot be written."""
        if self.entries().get(name) != facts:
            self._change(name, facts)

    def drop(self, name: str) -> None:
        """Forget `name`. Raises `VaultError` if the folder cannot be written."""
        if name in self.entries():
            self._change(name, None)

    def _change(self, name: str, facts: Mapping[str, str] | None) -> None:
        path = self.folder / "index.json"
        with Mutex(self.folder / "index.lock").held(SECONDS):
            found = {key: value for key, value in self.entries().items() if key != name}
            if facts is not None:
                found[name] = dict(facts)
            try:
                write_private(path, json.dumps(found, indent=1).encode())
            except OSError as error:
                raise VaultError(f"The file {path} cannot be written: {error.strerror}.") from error
