"""A folder of the user's own that is kept in memory, and never reaches a disk."""

import os
import time

from hexauth import hot
from hexauth.machine.digest import sha256

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than an answer
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST = 128
"""Surroundings that are remembered; more would be a script, or a test, that makes up new ones."""

UNSAVED = "unsaved-"
"""What the names of files begin with that hold a token which its vault has not taken."""


def unsaved_name(mutex: "Path | str") -> str:
    """Return the name of the file for the unsaved token of the login whose mutex is `mutex`."""
    return UNSAVED + sha256(os.fsencode(mutex))[:24]


def memory_folder(environ: "Mapping[str, str]") -> str | None:
    """Return a folder of our own that is kept in memory, made if need be; None if there is none."""
    for found in hot.folders(dict(environ)):
        try:
            above = os.stat(found.rpartition("/")[0])  # noqa: PTH116  (pathlib takes 5 ms)
            if above.st_uid != os.getuid() and not above.st_mode & 0o1000:  # the sticky bit
                continue
            try:  # noqa: SIM105  (contextlib takes 2 ms)
                os.mkdir(found, 0o700)  # noqa: PTH102
            except FileExistsError:
                pass
            here = os.lstat(found)
            ours = here.st_uid == os.getuid() and here.st_mode == 0o040700
            if ours and is_in_memory(here.st_dev):
                return found
        except OSError:
            continue
    return None


def is_in_memory(device: int, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether the file system `device` never reaches a disk, swap aside (proc(5))."""
    number = b"%d:%d" % (os.major(device), os.minor(device))
    with open(mounts, "rb") as file:  # noqa: PTH123
        for line in file:
            left, _, right = line.partition(b" - ")
            if left.split()[2] == number:
                return right.split()[0] in (b"tmpfs", b"ramfs")
    return False


def prune(folder: str) -> None:
    """Remove the oldest files of `folder` if there are too many. Raises OSError.

    Those from the future, before the clock was set back, would else outlive everything new.
    """
    now = time.time_ns()
    names = os.listdir(folder)  # noqa: PTH208  (pathlib takes 5 ms)
    if len(names) <= MOST:
        return
    ages = []
    for path in (f"{folder}/{name}" for name in names):
        try:
            if not is_unsaved(path):
                age = os.stat(path).st_mtime_ns  # noqa: PTH116
                ages.append((age if age <= now else 0, path))
        except FileNotFoundError:
            continue
    for _, path in sorted(ages)[:-MOST]:
        try:  # noqa: SIM105  (contextlib takes 2 ms)
            os.unlink(path)  # noqa: PTH108
        except FileNotFoundError:
            pass


def is_unsaved(path: str) -> bool:
    """Tell whether the file at `path` is an unsaved token that some login still needs."""
    if not path.rpartition("/")[2].startswith(UNSAVED):
        return False
    lines = hot.read(path)
    return len(lines) == 4 and hot.stamp(lines[1]) == lines[2]


def outdate(mutex: "Path | str") -> None:
    """End everything in memory that names `mutex`, in whichever session's memory it lies.

    The file grows by a byte, which no clock can undo. Raises `VaultError`.
    """
    try:  # without the file there has been nothing
        os.truncate(mutex, os.stat(mutex).st_size + 1)  # noqa: PTH116
    except FileNotFoundError:
        return
    except OSError as error:
        from hexauth.errors import VaultError

        raise VaultError(
            f"{mutex} cannot be changed: {error.strerror}.",
            hint="Check its owner and mode, and the space left.",
        ) from error
