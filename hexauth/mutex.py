"""The file mutex that processes share, and the record beside it that says what its holder does.

The file is permanent: it is created once and never unlinked, because a lock on an unlinked file
excludes nobody. The kernel frees the lock when its holder dies, however it dies.
"""

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hexauth.clock import Deadline
from hexauth.errors import Expired, VaultError
from hexauth.model import LAST_SECOND

if TYPE_CHECKING:
    from hexauth.turn import Turn

TICK = 0.25
"""Seconds between two calls of `while_waiting`; its release is noticed at once."""

BINARY: int = getattr(os, "O_BINARY", 0)
"""Keeps Windows from changing line feeds."""

WINDOWS_POLL = 0.005
"""Seconds between two tries on Windows, whose blocking lock gives up by itself after ten."""


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


class Mutex:
    """A lock on one permanent file, shared by all processes and threads of a user.

    Use it as `with Mutex(path).held(seconds):`. Two objects for the same path exclude each other,
    in one process too.
    """

    def __init__(
        self, path: Path, *, descriptor: int | None = None, platform: str = sys.platform
    ) -> None:
        """Take `descriptor` over if it is given: the open file by which this process holds it."""
        self.path = path
        self._taken = descriptor
        self._platform = platform

    @contextmanager
    def held(
        self, seconds: float | None, while_waiting: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Hold the mutex for the length of a `with` block; wait for it at most `seconds`.

        None waits without end, 0 does not wait. `while_waiting` is called now and then while
        somebody else holds it, and may raise to stop waiting. Raises `Expired` when the time is
        over, `VaultError` when the file cannot be opened or locked.
        """
        descriptor, self._taken = self._taken, None
        if descriptor is None:
            descriptor = self._open()
            self._acquire(descriptor, seconds, while_waiting)
        try:
            yield
        finally:
            _release(descriptor, self._platform)

    def is_held(self) -> bool:
        """Tell whether somebody holds the mutex just now."""
        try:
            with self.held(0):
                return False
        except Expired:
            return True

    def _acquire(
        self, descriptor: int, seconds: float | None, while_waiting: Callable[[], None]
    ) -> None:
        """Lock `descriptor`, or close it and raise."""
        try:
            if _try_lock(self.path, descriptor, self._platform):
                return
            if seconds == 0:
                raise _waited_too_long()
            if self._platform == "win32":
                _wait_polling(self.path, descriptor, seconds, while_waiting)
                return
        except BaseException:
            os.close(descriptor)
            raise
        _wait_blocking(self.path, descriptor, seconds, while_waiting)

    def _open(self) -> int:
        private_folder(self.path.parent)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            what = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            raise VaultError(
                f"The lock file {self.path} cannot be opened: {what}.",
                hint="Make its folder writable for you alone, or set HEXAUTH_HOME to another one.",
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise VaultError(f"The lock file {self.path} is not a regular file.")
        return descriptor


def _try_lock(path: Path, descriptor: int, platform: str) -> bool:
    """Lock `descriptor` if nobody else has, and tell whether. Raises `VaultError`."""
    if platform != "win32":
        from hexauth import turn

        try:
            return turn.try_lock(descriptor)
        except OSError as error:
            raise _cannot_lock(path, error) from error
    import portalocker  # 40 to 70 ms

    try:
        portalocker.lock(descriptor, portalocker.LOCK_EX | portalocker.LOCK_NB)
    except portalocker.AlreadyLocked:
        return False
    except portalocker.LockException as error:
        raise _cannot_lock(path, error) from error
    return True


def _release(descriptor: int, platform: str) -> None:
    if platform == "win32":
        import portalocker

        portalocker.unlock(descriptor)
    else:
        from hexauth import turn

        turn.unlock(descriptor)
    os.close(descriptor)


def _cannot_lock(path: Path, error: Exception) -> VaultError:
    code = getattr(error.__cause__, "errno", None) or getattr(error, "errno", None)
    why = os.strerror(code) if code else str(error)
    return VaultError(
        f"The lock file {path} cannot be locked: {why}.",
        hint="Its file system may not support locks (NFS): set HEXAUTH_HOME to a local folder.",
    )


def _wait_polling(
    path: Path, descriptor: int, seconds: float | None, while_waiting: Callable[[], None]
) -> None:
    end = None if seconds is None else Deadline(seconds)
    tick = Deadline(0)
    while not _try_lock(path, descriptor, "win32"):
        if end is not None and end.is_over():
            raise _waited_too_long()
        if tick.is_over():
            while_waiting()
            tick = Deadline(TICK)
        time.sleep(WINDOWS_POLL)


def _wait_blocking(
    path: Path, descriptor: int, seconds: float | None, while_waiting: Callable[[], None]
) -> None:
    """Wait for the kernel's turn, and close `descriptor` if it does not come."""
    from hexauth.turn import Turn

    turn = Turn(descriptor)
    end = None if seconds is None else Deadline(seconds)
    try:
        while not _comes(path, turn, TICK if end is None else min(TICK, end.left())):
            if end is not None and end.is_over():
                raise _waited_too_long()
            while_waiting()
    except BaseException:
        turn.abandon()
        raise


def _comes(path: Path, turn: "Turn", seconds: float) -> bool:
    try:
        return turn.comes(seconds)
    except OSError as error:
        raise _cannot_lock(path, error) from error


def _waited_too_long() -> Expired:
    return Expired(
        "Another process of hexauth was busy for too long.",
        hint="Run `hexauth status` to see what it waits for, then try again.",
    )


@dataclass(frozen=True)
class Record:
    """What the holder of a mutex is doing, or how the last attempt ended.

    `attempt` counts the attempts of a login, or of a refresh, on this machine; `deadline` is in
    unix seconds, `interval` in seconds (RFC 8628 section 3.2).
    """

    state: str = "idle"
    """`idle`; `waiting` for a person; `done`; or the name of the error that ended the attempt."""
    attempt: int = 0
    pid: int = 0
    message: str = ""
    user_code: str = ""
    verification_uri: str = ""
    verification_uri_complete: str = ""
    device_code: str = field(default="", repr=False)
    interval: float = 0.0
    deadline: float = 0.0
    browser_missing: bool = False
    """Whether the holder has tried to open a browser, and could not."""
    approved: bool = False
    """Whether the person has approved the code, and the token is yet to be saved."""

    @property
    def ended(self) -> int:
        """The number of the last attempt that has ended."""
        return self.attempt - 1 if self.state == "waiting" else self.attempt


def read_record(path: Path) -> Record:
    """Return the record at `path`; one that is missing counts as idle."""
    try:
        return parse_record(path.read_bytes())
    except OSError:
        return Record()


def parse_record(content: bytes) -> Record:
    """Return the record that a file's `content` is; one that is torn or strange counts as idle."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return Record()
    if not isinstance(found, dict):
        return Record()
    known = {name: found[name] for name in asdict(Record()) if name in found}
    return Record(**known) if all(_fits(*each) for each in known.items()) else Record()


def _fits(name: str, value: object) -> bool:
    """Tell whether `value` can be the field `name` of a record."""
    default = getattr(Record, name)
    if isinstance(default, float):
        return isinstance(value, int | float) and abs(value) < LAST_SECOND
    return type(value) is type(default)


def write_record(path: Path, record: Record) -> None:
    """Publish `record` at `path`, mode 0600; only the holder of the mutex beside it may.

    Raises `VaultError` if the folder cannot be written.
    """
    try:
        said = {name: value for name, value in asdict(record).items() if value}
        write_private(path, json.dumps(said).encode())
    except OSError as error:
        raise VaultError(f"The file {path} cannot be written: {error.strerror}.") from error
