"""Files and folders that are the user's alone."""

import os
from contextlib import suppress
from pathlib import Path

from hexauth.errors import VaultError

BINARY: int = getattr(os, "O_BINARY", 0)
"""Keeps Windows from changing line feeds."""


def private_folder(folder: Path) -> Path:
    """Create `folder` with mode 0700 if it is missing, and return it.

    Raises `VaultError` if it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise VaultError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Make it writable, or set HEXAUTH_HOME to a folder that is.",
        ) from error
    return folder


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the file `path` by `content`: readers see the old or the new one, whole.

    It is the user's alone until it is there, and then has `mode`. Raises OSError.
    """
    # Without tempfile, which takes 8 ms; nobody else can write to the folder.
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if mode != 0o600:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
