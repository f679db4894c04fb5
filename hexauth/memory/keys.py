"""The keys of shared vaults, kept in memory for this user's next run.

Finding one out takes scrypt, which is slow by intention. Whoever could read it here could read the
answers beside it, and the passphrase where that lies. Losing it costs that time.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hexauth import hot
from hexauth.machine.digest import sha256
from hexauth.machine.files import write_private
from hexauth.memory.folder import memory_folder

NAME = "key-"
"""What the names of files begin with that hold such a key."""


class RememberedKeys:
    """Keys by their ids, for the home whose state folder is `state`.

    `is_wanted` tells whether any are kept.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        state: Path,
        *,
        is_wanted: bool = True,
        platform: str = sys.platform,
    ) -> None:
        self._environ, self._state = environ, os.fsencode(state)
        self._is_wanted = is_wanted and platform == "linux"

    def find(self, key_id: str) -> bytes | None:
        """Return the key with that id, or None if it is not here."""
        if not self._is_wanted:
            return None
        for folder in hot.folders(dict(self._environ)):
            with suppress(ValueError, IndexError):
                version, text = hot.read(f"{folder}/{self._name(key_id)}")[:2]
                if version == hot.VERSION:
                    return bytes.fromhex(text.decode("ascii"))
        return None

    def _name(self, key_id: str) -> str:
        return NAME + sha256(self._state + b"\n" + key_id.encode())[:24]

    def keep(self, key_id: str, key: bytes) -> None:
        """Keep a key, where there is a folder in memory."""
        folder = memory_folder(self._environ) if self._is_wanted else None
        if folder is not None:
            with suppress(OSError):
                content = hot.VERSION + b"\n" + key.hex().encode()
                write_private(f"{folder}/{self._name(key_id)}", content)
