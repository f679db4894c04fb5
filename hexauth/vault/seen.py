"""What this machine has last seen of a shared vault's rows, as they are: sealed.

A database may come back older than it was: after a failover to a replica that missed the last
commit, from a backup, or by an owner who means ill. Whoever has seen a newer row knows, and can put
it back. One file for each entry, in the state folder.
"""

from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.digest import sha256
from hexauth.machine.files import write_private
from hexauth.machine.private import opened, private_folder

FIRST_LINE = "hexauth 1"


class Seen:
    """The newest rows that this machine has seen of the vault called `vault`, below `folder`."""

    def __init__(self, folder: Path, vault: str) -> None:
        self._folder = folder / "fleet" / sha256(vault.encode())[:16]
        self._rows: dict[str, tuple[int, bytes | None]] = {}

    def find(self, entry: str) -> tuple[int, bytes | None] | None:
        """Return the version and the sealed content that were last seen of `entry`, if any was.

        The content is None if the entry had been removed.
        """
        if entry not in self._rows:
            with suppress(OSError, VaultError, ValueError), opened(self._folder) as folder:
                content = folder.read(_name(entry)) or b""
                first, version, sealed = content.decode("ascii").split("\n")
                if first == FIRST_LINE:
                    self._rows[entry] = int(version), b64decode(sealed) if sealed else None
        return self._rows.get(entry)

    def keep(self, entry: str, version: int, sealed: bytes | None) -> None:
        """Note what was seen of `entry`; losing the note costs the check alone."""
        if self.find(entry) == (version, sealed):
            return
        self._rows[entry] = version, sealed
        text = "" if sealed is None else b64encode(sealed).decode("ascii")
        with suppress(OSError, VaultError):
            private_folder(self._folder.parent.parent)
            folder = private_folder(private_folder(self._folder.parent) / self._folder.name)
            write_private(folder / _name(entry), f"{FIRST_LINE}\n{version}\n{text}".encode())


def _name(entry: str) -> str:
    return sha256(entry.encode("utf-8", "surrogateescape"))[:32]
