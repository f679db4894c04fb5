"""Changing a file that others change, too: whole or not at all, and only as it was seen."""

import stat
from pathlib import Path

from hexauth.errors import HexauthError
from hexauth.machine.files import make_folder, write_private
from hexauth.machine.private import read_regular


def read(path: Path) -> bytes | None:
    """Return what the file at `path` holds; None if there is none. Raises OSError."""
    try:
        return read_regular(path)[0]
    except FileNotFoundError:
        return None


def unchanged(path: Path, before: bytes | None) -> Path:
    """Return the file that `path` leads to, which holds `before` still.

    Raises `HexauthError` if somebody has changed it meanwhile, and OSError.
    """
    found = path.resolve()
    if read(found) != before:
        raise HexauthError(
            f"{path} is being changed just now.", hint="Nothing was changed by hexauth: try again."
        )
    return found


def rewrite(path: Path, before: bytes | None, after: bytes, new: int = 0o600) -> None:
    """Let the file `path`, which holds `before`, hold `after`, by way of a temporary one.

    Its mode stays, or is `new` if there was none; a link stays a link. Raises `HexauthError` if
    somebody has changed it meanwhile, OSError if it cannot be written.
    """
    found = unchanged(path, before)
    make_folder(found.parent)
    mode = new if before is None else stat.S_IMODE(found.stat().st_mode)
    write_private(found, after, mode, lasting=True)
