"""The contract that every vault keeps."""

from contextlib import AbstractContextManager
from typing import Protocol

from hexauth.vault.turns import LocalTurn, Turn


class Vault(Protocol):
    """A place for secrets, addressed by the name of an entry.

    Names are short printable ASCII; values are ASCII text of any length. Every method raises
    `VaultError` when the vault is locked, missing, full, unreadable or does not answer in time,
    and never returns a wrong answer instead.
    """

    name: str
    """`keyring`, `file` or `postgresql`, as the setting `vault` names it."""

    is_shared: bool
    """Whether other machines may change what is in it."""

    def read(self, entry: str) -> str | None:
        """Return the value of `entry`, or None if there is none."""

    def write(self, entry: str, value: str) -> None:
        """Make `value` the value of `entry`, and read it back before returning."""

    def delete(self, entry: str) -> None:
        """Remove `entry`; one that is not there is fine."""

    def check(self) -> None:
        """Prove that the vault can be written and read now, leaving nothing behind."""

    def turn(self, name: str, local: LocalTurn) -> Turn:
        """Return where those take turns who would change what `name` says, such as `token`.

        `local` is the part of it that is this machine's, and all of it if the vault is.
        """

    def at_once(self) -> AbstractContextManager[None]:
        """Let what is written inside a `with` block be there at once, if this vault can."""

    def ahead(self) -> float:
        """Return by how many seconds the vault's clock is ahead of this machine's; mostly 0."""

    def settle(self, seconds: float) -> None:
        """Wait, at most `seconds`, until a write that outlived its time limit has ended."""

    def describe(self) -> str:
        """Say in a few words where the secrets are and how they are protected."""
