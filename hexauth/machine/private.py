"""Folders and files that are trusted: whose they are, who else can change them, what they are.

What is trusted belongs to the user, and nobody else can change it. A folder of hexauth's own that
others can only read is closed to them: older versions made what was missing above a folder as the
umask had it. One that others can write to, or that is somebody else's, is refused, as anything in
it may have been planted. Another name of a file, a hard link, does no harm, as files are replaced
and never written to; backups are made of such links. Windows has other means, and is asked nothing.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.files import BINARY, make_folder, sweep, temporaries, write_private

MOST_BYTES = 1 << 26
"""The most that a file of hexauth's holds; a larger one is not read, and not written."""

FLAGS = BINARY | getattr(os, "O_NONBLOCK", 0)
"""Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it."""

ROOT = 0


def private_folder(folder: Path) -> Path:
    """Return `folder`, which is the user's alone; it is made, mode 0700, if it is missing.

    Raises `VaultError` if it cannot be made, or may be changed by others.
    """
    try:
        try:
            found = folder.stat()
        except FileNotFoundError:
            make_folder(folder)
            found = folder.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        raise VaultError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Make it writable, or set HEXAUTH_HOME to a folder that is.",
        ) from error
    if os.name == "posix":
        demand_private(folder, found, 0o022)
        if found.st_mode & 0o077:
            _close(folder)
    return folder


def _close(folder: Path) -> None:
    """Take from others the right to read `folder`; on some file systems modes cannot be changed."""
    with suppress(OSError), opened(folder) as here:
        if here.descriptor is not None:
            os.fchmod(here.descriptor, 0o700)


def demand_private(path: Path, found: os.stat_result, forbidden: int) -> None:
    """Raise `VaultError` unless `path` is ours and without these bits, as ssh does with its keys.

    `found` is what is known of the file or folder.
    """
    if (others := exposure(found, forbidden)) is None:
        return
    wanted = "700" if stat.S_ISDIR(found.st_mode) else "600"
    hint = f"Run `chmod {wanted} {path}`; if others may have read it, log in anew."
    if found.st_uid != os.getuid():
        hint = "Run hexauth as that user, or set HEXAUTH_HOME to a folder of your own."
    raise VaultError(f"{path} {others}.", hint=hint)


def exposure(found: os.stat_result, forbidden: int) -> str | None:
    """Return in words who else has to do with a file or folder; None if it is the user's alone.

    Others have if it is not the user's, or has one of the bits of its mode that are `forbidden`.
    """
    if found.st_uid != os.getuid():
        return f"belongs to another user (uid {found.st_uid})"
    if found.st_mode & forbidden:
        return f"is open to other users (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def who_else(found: os.stat_result) -> str | None:
    """Return who else than the user and root could have written a file, in words; None if nobody.

    Root's files are trusted, and what a group can write to that has the user alone in it.
    """
    if os.name != "posix":
        return None
    if found.st_uid not in (os.getuid(), ROOT):
        return f"it belongs to another user (uid {found.st_uid})"
    is_shared = found.st_mode & 0o002 or (
        found.st_mode & 0o020 and not _is_own_group(found.st_gid, found.st_uid)
    )
    return f"other users can write to it (mode {found.st_mode & 0o7777:04o})" if is_shared else None


def _is_own_group(number: int, owner: int) -> bool:
    """Tell whether the group is the owner's alone, as many systems make one for each user."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(owner)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def read_regular(path: Path) -> tuple[bytes, os.stat_result]:
    """Return what the file at `path` holds, wherever links lead, and what is known of it.

    Raises OSError, also for what is no file, and for one that is larger than any of hexauth's.
    """
    descriptor = os.open(path, os.O_RDONLY | FLAGS)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if found.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1), found
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class OpenFolder:
    """A folder that is held open, so that what was looked at is what is used, see openat(2).

    Whatever its name leads to meanwhile is not looked at. Where there is no such thing, it is its
    path. Methods raise OSError.
    """

    path: Path
    descriptor: int | None

    def read(self, name: str, forbidden: int = 0o077) -> bytes | None:
        """Return what a file of ours without these bits holds; None if there is none.

        Raises `VaultError`.
        """
        path = self.path / name
        flags = os.O_RDONLY | FLAGS | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self._name(name), flags, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise VaultError(f"{path} is not a regular file.", hint=move(path))
            if self.descriptor is not None:
                demand_private(path, found, forbidden)
            if found.st_size > MOST_BYTES:
                raise VaultError(f"{path} is too large to be hexauth's.", hint=move(path))
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(MOST_BYTES + 1)
        finally:
            os.close(descriptor)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file, so that it outlives a power cut, and sweep what killed writers left."""
        sweep(self._name(name), within=self.descriptor)
        write_private(self._name(name), content, within=self.descriptor, lasting=True)

    def prove(self, name: str, content: bytes | None, room: int) -> None:
        """Prove that the file `name`, which holds `content`, can be replaced by a larger one.

        A file with `room` bytes more is written beside it, and removed; and it is replaced by
        itself, as a name can be bound to its file (mount(8), chattr(1)).
        """
        probe = self._name(f"{temporaries(name)}probe")  # swept, if this process is killed
        write_private(probe, b" " * (len(content or b"") + room), within=self.descriptor)
        os.unlink(probe, dir_fd=self.descriptor)
        if content is not None:
            self.write(name, content)

    def _name(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)


@contextmanager
def opened(folder: Path) -> Iterator[OpenFolder]:
    """Hold `folder`, which must be ours, and which nobody else can change, open in a `with` block.

    Raises `VaultError` and OSError.
    """
    if os.open not in os.supports_dir_fd:
        yield OpenFolder(folder, None)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        demand_private(folder, os.fstat(descriptor), 0o022)
        yield OpenFolder(folder, descriptor)
    finally:
        os.close(descriptor)


def why(error: OSError) -> str | None:
    """Return what an error of the operating system means for a file that may not be a link."""
    return "is a symbolic link" if error.errno == errno.ELOOP else error.strerror


def move(path: Path) -> str:
    """Return what to do about a file that makes no sense."""
    return f"Nothing was changed. Move {path} away, then run `hexauth login`."
