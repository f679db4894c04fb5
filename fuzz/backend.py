"""A keyring in a folder, for tests alone: a file for each secret, which holds 1,280 characters."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from hexauth.vault.parts import WINDOWS_LIMIT

FOLDER = "FUZZ_KEYRING"

UNFINISHED = ".new"
"""What the names of files end in of which a real keyring would leave nothing."""


class Keyring(KeyringBackend):
    """What `PYTHON_KEYRING_BACKEND` names; each secret is there or not, as in a real keyring."""

    priority = 0.5
    """keyring would take one of 1 or more by itself, in any process that has imported this."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret, or None."""
        with suppress(FileNotFoundError):
            return _path(service, username).read_text("utf-8")
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Create or replace the secret."""
        if len(password) > WINDOWS_LIMIT:
            raise ValueError("too long")
        path = _path(service, username)
        new = path.with_suffix(UNFINISHED)
        new.write_text(password, "utf-8")
        new.replace(path)

    def delete_password(self, service: str, username: str) -> None:
        """Remove the secret."""
        try:
            _path(service, username).unlink()
        except FileNotFoundError:
            raise PasswordDeleteError("there is none") from None


def _path(service: str, username: str) -> Path:
    name = sha256(f"{service}\n{username}".encode()).hexdigest()
    return Path(os.environ[FOLDER], name)
