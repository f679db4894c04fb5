"""Files and folders that are the user's alone."""

import os

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than an answer
if TYPE_CHECKING:
    from pathlib import Path

BINARY: int = getattr(os, "O_BINARY", 0)
"""Keeps Windows from changing line feeds."""


def private_folder(folder: "Path") -> "Path":
    """Create `folder` with mode 0700 if it is missing, and return it.

    Raises `VaultError` if it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        from hexauth.errors import VaultError

        raise VaultError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Make it writable, or set HEXAUTH_HOME to a folder that is.",
        ) from error
    return folder


def write_private(path: "Path | str", content: bytes, mode: int = 0o600) -> None:
    """Replace the file `path` by `content`: readers see the old or the new one, whole.

    It is the user's alone until it is there, and then has `mode`. Raises OSError.
    """
    # Without tempfile and pathlib, which take 8 ms each; nobody else can write to the folder.
    folder, name = os.path.split(path)
    unique = f".{name[:100]}.{os.getpid()}-{os.urandom(4).hex()}"
    temporary = os.path.join(folder, unique)  # noqa: PTH118
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if mode != 0o600:
            os.chmod(temporary, mode)  # noqa: PTH101
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        try:  # noqa: SIM105  (contextlib takes 2 ms)
            os.unlink(temporary)  # noqa: PTH108
        except OSError:
            pass
        raise
