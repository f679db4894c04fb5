"""Secrets in one file of the user's own: plain with mode 0600, or encrypted with a passphrase."""

import errno
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from hexauth.errors import Expired, VaultError
from hexauth.machine.mutex import Mutex
from hexauth.machine.private import MOST_BYTES, move, opened
from hexauth.vault.quick import FILE_VERSION
from hexauth.vault.sealed import Seal, is_sealed
from hexauth.vault.turns import Alone

PATIENCE = 20
"""Seconds to wait for other processes, each of which holds the file for milliseconds."""

PROBE_ROOM = 8192
"""Bytes that must fit on the disk besides a second copy of the file: about two new logins."""


def _no_passphrase() -> bytes | None:
    return None


class FileVault(Alone):
    """Keep secrets in `folder`/vault.json, which other users can neither read nor replace.

    `passphrase` is asked at most once, and only when the answer matters: it returns the bytes to
    encrypt with, or None to keep the file plain. A plain file stays readable after a passphrase
    was set, and is encrypted at the next write. Reading creates nothing; a file that makes no
    sense is refused, and never overwritten. A writer waits for the others, `seconds` at most.
    Every method raises `VaultError`.
    """

    name = "file"

    def __init__(
        self,
        folder: Path,
        *,
        passphrase: Callable[[], bytes | None] = _no_passphrase,
        seconds: float = PATIENCE,
        platform: str = sys.platform,
    ) -> None:
        self.path = folder / "vault.json"
        self._mutex = Mutex(folder / "vault.lock", platform=platform)
        self._seal = Seal(passphrase)
        self._seconds = seconds
        self._platform = platform

    def read(self, entry: str) -> str | None:
        """Return the value of `entry`, or None if there is none or no file at all."""
        with self._reading():
            return self._parse(self._bytes()).get(entry)

    def write(self, entry: str, value: str) -> None:
        """Make `value` the value of `entry`; the other entries, and the old file, stay whole."""
        with self._changing() as entries:
            entries[entry] = value

    def delete(self, entry: str) -> None:
        """Remove `entry`; one that is not there is fine, and changes nothing."""
        if self.read(entry) is None:
            return
        with self._changing() as entries:
            entries.pop(entry, None)

    def check(self) -> None:
        """Prove what `write` needs, and change nothing.

        That is: folder and file are ours alone; the file's content makes sense, and opens with the
        passphrase; it can be replaced; a larger one fits beside it on the disk.
        """
        with self._held(), self._explained(), opened(self.path.parent) as folder:
            found = folder.read(self.path.name)
            larger = len(self._render(self._parse(found))) - len(found or b"")
            folder.prove(self.path.name, found, max(larger, 0) + PROBE_ROOM)

    def settle(self, seconds: float) -> None:
        """Return at once: no write of a file outlives its call, whatever `seconds` are given."""

    def is_encrypted(self) -> bool | None:
        """Tell whether the file is encrypted, without any passphrase; None if there is none."""
        found = self._bytes()
        return None if found is None else is_sealed(_parsed(self.path, found))

    def describe(self) -> str:
        """Name the file, and say how it is protected; never raises."""
        with suppress(VaultError):
            found = self._bytes()
            if found is not None and is_sealed(_parsed(self.path, found)):
                return f"{self.path}, encrypted with your passphrase"
            if self._seal.wanted:
                when = "" if found is None else " from the next write on"
                return f"{self.path}, encrypted with your passphrase{when}"
            return (
                f"{self.path}, plain text, readable by your user alone (mode 0600), "
                "as mix's own hex.config is"
            )
        return f"{self.path}, which cannot be used as it is"

    def _reading(self) -> AbstractContextManager[None]:
        """Let a reader in: at once on POSIX; on Windows a rename fails while somebody reads."""
        return self._held() if self._platform == "win32" and self.path.exists() else nullcontext()

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            with self._mutex.held(self._seconds):
                yield
        except Expired as error:
            raise VaultError(
                f"Other processes kept {self.path} busy for {self._seconds:g} s.", hint=error.hint
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """Hand out the entries, and save what the block made of them."""
        with self._held(), self._explained(), opened(self.path.parent) as folder:
            entries = self._parse(folder.read(self.path.name))
            yield entries
            content = self._render(entries)
            if len(content) > MOST_BYTES:
                raise VaultError(
                    f"{self.path} would become too large: {len(content)} bytes.",
                    hint="The old file is intact. Remove what is not needed any more.",
                )
            folder.write(self.path.name, content)
            if folder.read(self.path.name) != content:
                raise VaultError(
                    f"{self.path} does not hold what was just written to it.",
                    hint="Its file system may be failing: set HEXAUTH_HOME to another one.",
                )

    def _parse(self, found: bytes | None) -> dict[str, str]:
        """Return the entries that the file's content holds; none if there is no file."""
        if found is None:
            return {}
        document = _parsed(self.path, found)
        if is_sealed(document):
            document = _parsed(self.path, self._seal.open(self.path, document))
        entries = document.get("entries")
        if not isinstance(entries, dict) or not all(isinstance(v, str) for v in entries.values()):
            raise _damaged(self.path)
        return entries

    def _render(self, entries: dict[str, str]) -> bytes:
        plain = {"version": FILE_VERSION, "entries": entries}
        if not self._seal.wanted:
            return json.dumps(plain, indent=2).encode("ascii")
        sealed = self._seal.close(json.dumps(plain).encode("ascii"), FILE_VERSION)
        return json.dumps(sealed, indent=2).encode("ascii")

    def _bytes(self) -> bytes | None:
        """Return the file's content, or None if there is no file; refuse one that is not ours."""
        with self._explained():
            try:
                with opened(self.path.parent) as folder:
                    return folder.read(self.path.name)
            except FileNotFoundError:  # there is not even a folder
                return None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn an OSError into what it means for the person."""
        try:
            yield
        except OSError as error:
            raise _explain(self.path, error) from error


def _parsed(path: Path, content: bytes) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _damaged(path)
    if document.get("version") != FILE_VERSION:
        raise VaultError(
            f"{path} was written by another version of hexauth.",
            hint="Use that version, or move the file away and log in again.",
        )
    return document


def _damaged(path: Path) -> VaultError:
    return VaultError(f"{path} is damaged: it does not hold what hexauth writes.", hint=move(path))


HINTS = {
    errno.ENOSPC: "Free some space on that disk; the old file is intact.",
    errno.EDQUOT: "Free some of your quota; the old file is intact.",
    errno.EFBIG: "Raise the limit on file sizes (ulimit -f); the old file is intact.",
    errno.EROFS: "Set HEXAUTH_HOME to a folder on a disk that can be written.",
    errno.EACCES: "Make the file and its folder yours: chmod 600 and 700.",
    errno.EPERM: "Make the file and its folder yours: chmod 600 and 700.",
}


def _explain(path: Path, error: OSError) -> VaultError:
    if error.errno == errno.ELOOP:
        return VaultError(f"{path} is a symbolic link.", hint=move(path))
    return VaultError(
        f"{path} cannot be used: {error.strerror or type(error).__name__}.",
        hint=HINTS.get(error.errno or 0, "Set HEXAUTH_HOME to a folder that works."),
    )
