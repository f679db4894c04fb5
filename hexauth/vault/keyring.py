"""Secrets in the operating system's keyring, through the package `keyring`."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import TypeVar

from hexauth.errors import Expired, VaultError
from hexauth.machine.mutex import Mutex
from hexauth.vault import backends, parts
from hexauth.vault.backends import Backend
from hexauth.vault.bounded import Bounded
from hexauth.vault.quick import USER, service
from hexauth.vault.turns import Alone

T = TypeVar("T")

PROBE_SECONDS = 5
"""How long `available` waits; the bus answers in milliseconds, or something is broken."""

HINT = "Unlock the keyring and try again, or keep secrets in a file: `--vault file`."

MEANINGS = (
    ("PromptDismissedException", "is locked, and was not unlocked when it asked"),
    ("KeyringLocked", "is locked, and was not unlocked when it asked"),
    ("LockedException", "is locked"),
    ("WrongItem", "answers with something else than it was asked for"),
    ("SecretServiceNotAvailableException", "does not answer: the Secret Service is not running"),
    ("NoKeyringError", "is missing: no backend works here"),
    ("NotImplementedError", "cannot keep secrets: its backend only reads them"),
    ("FileNotFoundError", "does not answer: its socket or file is missing"),
    ("ConnectionError", "does not answer: the connection to it broke"),
    ("TimeoutError", "does not answer: the D-Bus session is busy or hangs"),
)
"""What an error of a backend means, by the name of its class; the first match counts.

Names, since the classes come from packages that this platform may not have.
"""


class KeyringVault(Alone):
    """Keep each entry in the OS keyring under a service of its own, `namespace`/ENTRY.

    Each call ends within `seconds`, even while the keyring waits for somebody to unlock it; a
    write that ran out of time may still happen, see `settle`. `limit` is the most characters that
    go into one secret of the keyring; None stands for what the platform is known to hold, and a
    backend that refuses a long value is given it in parts. `backend` takes the place of the one
    that keyring's configuration or the platform names. `mutex` is the path of a lock file that
    lets one process at a time speak to the keyring, and ask for it to be unlocked: gnome-keyring
    42 loses sight of items for moments while others are written, and has died of eight writers.
    Every method raises `VaultError`, whose message never quotes a backend, because that could
    quote the secret.
    """

    name = "keyring"

    def __init__(
        self,
        namespace: str = "hexauth",
        *,
        seconds: float = 20,
        limit: int | None = None,
        backend: Backend | None = None,
        mutex: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        platform: str = sys.platform,
    ) -> None:
        self._namespace = namespace
        self._limit = parts.WINDOWS_LIMIT if limit is None and platform == "win32" else limit
        self._environ, self._platform = environ, platform
        self._words = "" if backend is None else f"the keyring backend {backends.path(backend)}"
        self._backend = backend
        self._mutex = None if mutex is None else Mutex(mutex)
        self._seconds = seconds
        self._bounded = Bounded(seconds, _explain)

    def read(self, entry: str) -> str | None:
        """Return the value of `entry`, or None if there is none.

        On macOS an entry is replaced by deleting and adding it, so None may also mean that
        another process is writing just now; ask again under the mutex that writers hold.
        """
        return self._call(lambda store: parts.read(store, entry), changes=False)

    def write(self, entry: str, value: str) -> None:
        """Make `value` the value of `entry`, and read it back before returning."""
        self._call(lambda store: self._write(store, entry, value))

    def delete(self, entry: str) -> None:
        """Remove `entry`; one that is not there is fine."""
        self._call(lambda store: parts.delete(store, entry, self._limit))

    def check(self) -> None:
        """Write an entry of this process's own, read it back and remove it."""
        entry = f"probe-{os.getpid()}"

        def probe(store: "_Store") -> None:
            # A write that fails leaves nothing, and removing that could ask for a second unlock.
            parts.write(store, entry, "?", self._limit)
            store.remove(entry, "")  # one character is never in parts

        self._call(probe, changes=False)  # nobody needs to know when a late probe is gone

    def settle(self, seconds: float) -> None:
        """Wait, at most `seconds`, until a write that outlived its time limit has ended."""
        self._bounded.settle(seconds)

    def describe(self) -> str:
        """Name the keyring, and who chose it; asks it nothing."""
        return self._words or backends.describe(self._environ, self._platform)

    def _call(self, work: Callable[["_Store"], T], *, changes: bool = True) -> T:
        def run() -> T:
            backends.announce_bus(self._environ, self._platform)
            if self._backend is None:
                self._backend, self._words = backends.find_backend(self._environ, self._platform)
            with self._alone():  # in the call's own thread: a late call keeps the mutex, too
                return work(_Store(self._backend, self._namespace))

        return self._bounded.call(run, changes=changes)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._mutex is None:
            yield
            return
        try:
            with self._mutex.held(self._seconds):
                yield
        except Expired as error:
            raise VaultError("Other processes have kept the keyring busy.", hint=HINT) from error

    def _write(self, store: "_Store", entry: str, value: str) -> None:
        try:
            parts.write(store, entry, value, self._limit)
        except Exception as error:
            if self._limit is not None or len(value) <= parts.WINDOWS_LIMIT or _locked(error):
                raise
            try:  # the backend may hold less than we know of
                parts.write(store, entry, value, parts.WINDOWS_LIMIT)
            except Exception:
                raise error from None
            self._limit = parts.WINDOWS_LIMIT


def available(
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    *,
    seconds: float = PROBE_SECONDS,
) -> str | None:
    """Return None if a keyring answers here, or else the reason why not, in a few words.

    It writes and unlocks nothing, so a locked keyring counts as one that answers; `check` tells
    more. It never raises, and takes `seconds` at most.
    """
    try:
        return Bounded(seconds, _explain).call(lambda: backends.available(environ, platform))
    except VaultError as error:
        return str(error).rstrip(".")


def would_ask(
    environ: Mapping[str, str], platform: str = sys.platform, *, seconds: float = PROBE_SECONDS
) -> str | None:
    """Return why the keyring would ask the person something first, or None if it would not.

    Nobody is asked by that. Where nothing tells, as on macOS and Windows, the answer is None; KDE's
    wallet opens by asking. It never raises, and takes `seconds` at most.
    """
    try:
        return Bounded(seconds, _explain).call(lambda: backends.would_ask(environ, platform))
    except VaultError as error:
        return str(error).rstrip(".")


class _Store:
    """A backend of keyring's as `parts` wants it: services that cannot be mistaken for others."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self._backend = backend
        self._namespace = namespace

    def get(self, entry: str, part: str) -> str | None:
        return self._backend.get_password(service(self._namespace, entry, part), USER)

    def put(self, entry: str, part: str, value: str) -> None:
        self._backend.set_password(service(self._namespace, entry, part), USER, value)

    def remove(self, entry: str, part: str) -> None:
        """Remove what is there; backends raise the same error for "absent" and for "failed"."""
        try:
            self._backend.delete_password(service(self._namespace, entry, part), USER)
        except Exception as error:
            from keyring.errors import PasswordDeleteError  # 50 ms, which no removal needs

            if not isinstance(error, PasswordDeleteError) or self.get(entry, part) is not None:
                raise


def _locked(error: BaseException) -> bool:
    return "locked" in str(_explain(error))


def _explain(error: BaseException) -> VaultError:
    """Return what `error`, raised by a backend, means, without any of its own words.

    The connections it kept open are closed: keyring leaves them to the garbage collector.
    """
    _close_connections(error)
    if isinstance(error, VaultError):
        return VaultError(str(error), hint=error.hint)
    for each in _chain(error):
        names = {kind.__name__ for kind in type(each).__mro__}
        for name, meaning in MEANINGS:
            if name in names:
                return VaultError(f"The keyring {meaning}.", hint=HINT)
    return VaultError(f"The keyring failed: {_detail(error)}.", hint=HINT)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the innermost cause first: it says most about what happened."""
    if error.__cause__ is not None:
        yield from _chain(error.__cause__)
    yield error


def _detail(error: BaseException) -> str:
    """Name the error by what cannot hold a secret: system and D-Bus error names, class names."""
    if getattr(error, "winerror", None):
        return f"Windows error {int(error.winerror)}"  # type: ignore[attr-defined]  # just seen
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if type(error).__name__ == "DBusErrorResponse":
        return f"D-Bus says {getattr(error, 'name', '?')}"
    return type(error).__name__


def _close_connections(error: BaseException | None) -> None:
    if error is None:
        return
    for frame, _ in walk_tb(error.__traceback__):
        for value in frame.f_locals.values():
            if type(value).__name__ == "DBusConnection":
                value.close()
    _close_connections(error.__cause__)
    _close_connections(error.__context__)
