"""A new token's place in memory while its vault takes it in, or for as long as it will not.

The refresh token before it is spent, so losing this one would lose the session. What is here goes
by the token mutex's stamp, as the answers do: once anybody has changed the login since, it is void.
Linux alone has folders in memory that are a user's own; elsewhere nothing is kept.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hexauth import hot
from hexauth.machine.files import sweep, write_private
from hexauth.memory.folder import memory_folder, unsaved_name
from hexauth.model import Kind, Token


@dataclass(frozen=True)
class Unsaved:
    """The unsaved token of the login whose mutex is `mutex`; `is_wanted` tells whether to keep one.

    Only a holder of the mutex writes or drops.
    """

    environ: Mapping[str, str]
    mutex: Path
    is_wanted: bool = True
    platform: str = sys.platform

    def write(self, token: Token, spent: str | None = None) -> bool:
        """Keep `token` until the login is changed; tell whether it could be done.

        `spent` is the fingerprint of the refresh token that it takes the place of, if it is known.
        """
        if self.platform != "linux" or not self.is_wanted:
            return False
        folder, mutex = memory_folder(self.environ), os.fsencode(self.mutex)
        if folder is None:
            return False
        said = json.dumps({**vars(token), "spent": spent}).encode()
        lines = [hot.VERSION, mutex, hot.stamp(mutex), said]
        with suppress(OSError):
            write_private(f"{folder}/{self._name}", b"\n".join(lines))
            return True
        return False

    def read(self) -> Token | None:
        """Return the token that is kept here and not in the vault; None nearly always."""
        return self._found()[0]

    @property
    def spent(self) -> str | None:
        """The fingerprint of the refresh token whose place the one that is kept takes."""
        return self._found()[1]

    def _found(self) -> tuple[Token | None, str | None]:
        if self.platform != "linux":
            return None, None
        mutex = os.fsencode(self.mutex)
        for folder in hot.folders(dict(self.environ)):
            lines = hot.read(f"{folder}/{self._name}")
            if lines[:3] == [hot.VERSION, mutex, hot.stamp(mutex)] and len(lines) == 4:
                with suppress(ValueError, TypeError, KeyError, RecursionError):
                    found = json.loads(lines[3])
                    fields = {**found}
                    spent = fields.pop("spent", None)
                    if not isinstance(spent, str | None):
                        continue
                    return Token(**{**fields, "kind": Kind(found["kind"])}).checked(), spent
        return None, None

    def drop(self) -> None:
        """Forget it: the vault has it, or the login has ended.

        What a writer has left that was killed goes, too.
        """
        if self.platform != "linux":
            return
        for folder in hot.folders(dict(self.environ)):
            path = Path(folder, self._name)
            with suppress(OSError):
                sweep(path)  # a writer that was killed has left a refresh token, too
                path.unlink(missing_ok=True)

    @property
    def _name(self) -> str:
        return unsaved_name(self.mutex)
