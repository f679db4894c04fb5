"""The contract that every vault keeps."""

from typing import Protocol


class Vault(Protocol):
    """A place for secrets, addressed by the name of an entry.

    Names are short printable ASCII; values are ASCII text of any length. Every method raises
    `VaultError` when the vault is locked, missing, full, unreadable or does not answer in time,
    and never returns a wrong answer instead.
    """

    name: str
    """`keyring` or `file`, as the setting `vault` names it."""

    def read(self, entry: str) -> str | None:
        """Return the value of `entry`, or None if there is none."""

    def write(self, entry: str, value: str) -> None:
        """Make `value` the value of `entry`, and read it back before returning."""

    def delete(self, entry: str) -> None:
        """Remove `entry`; one that is not there is fine."""

    def check(self) -> None:
        """Prove that the vault can be written and read now, leaving nothing behind."""

    def settle(self, seconds: float) -> None:
        """Wait, at most `seconds`, until a write that outlived its time limit has ended."""

    def describe(self) -> str:
        """Say in a few words where the secrets are and how they are protected."""
