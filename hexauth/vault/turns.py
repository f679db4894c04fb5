"""Where those who need the same thing take turns: a mutex, and the record beside it.

Both live where the vault lives: whoever shares the secrets shares the lock. For a vault that is
this machine's alone they are two files.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hexauth.errors import VaultError
from hexauth.machine.files import sweep, write_private
from hexauth.machine.mutex import Mutex
from hexauth.machine.private import opened


def nothing() -> None:
    """Do nothing while somebody else has the turn."""


def by_nothing(_path: str) -> int | None:
    """Return None: this process has no mutex yet."""


class Turn(Protocol):
    """A mutex, and the record by which its holder tells the others what it is doing."""

    def held(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> AbstractContextManager[None]:
        """Have the turn for the length of a `with` block; wait for it at most `seconds`.

        None waits without end, 0 does not wait. `while_waiting` is called now and then while
        somebody else has it, `when_woken` when another machine has changed something meanwhile;
        both may raise to stop waiting. Raises `Expired` when the time is over, and `VaultError`.
        """

    def here(
        self, seconds: float | None, while_waiting: Callable[[], None] = nothing
    ) -> AbstractContextManager[None]:
        """Have the turn among the processes of this machine alone. Raises as `held` does."""

    def beyond(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> AbstractContextManager[None]:
        """Have the turn among machines, for who has it `here`. Raises as `held` does."""

    def open(self) -> None:
        """Go where the record is, if other machines see it, too. Raises `VaultError`."""

    def is_held(self) -> bool:
        """Tell whether somebody has the turn just now."""

    def keep(self) -> None:
        """Make sure, now and then, that this process still has the turn. Raises `Lost`."""

    def read(self) -> bytes:
        """Return the record; nothing if there is none, or somebody else could have written it."""

    def write(self, content: bytes) -> None:
        """Publish the record; only who has the turn may. Raises `VaultError`."""

    @property
    def host(self) -> str:
        """What this machine is called among those that take turns; empty if it is alone."""

    @property
    def ahead(self) -> float:
        """By how many seconds the clock that records go by is ahead of this machine's."""


class Lost(VaultError):
    """The turn was lost with the connection that held it, and another machine has it now."""


@dataclass(frozen=True)
class LocalTurn:
    """A turn among the processes of this machine: the file `mutex`, and `record` beside it.

    `take` returns, once, the open file by which this process has that mutex already, if it has.
    """

    mutex: Path
    record: Path
    take: Callable[[str], int | None] = by_nothing

    def held(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> AbstractContextManager[None]:
        """Hold the mutex."""
        return Mutex(self.mutex, descriptor=self.take(str(self.mutex))).held(seconds, while_waiting)

    def here(
        self, seconds: float | None, while_waiting: Callable[[], None] = nothing
    ) -> AbstractContextManager[None]:
        """Hold the mutex, which is this machine's anyway."""
        return self.held(seconds, while_waiting)

    def beyond(
        self,
        seconds: float | None,
        while_waiting: Callable[[], None] = nothing,
        when_woken: Callable[[], None] = nothing,
    ) -> AbstractContextManager[None]:
        """Do nothing: there are no others."""
        return nullcontext()

    def open(self) -> None:
        """Return: it is here."""

    def is_held(self) -> bool:
        """Tell whether somebody holds the mutex just now."""
        return Mutex(self.mutex).is_held()

    def keep(self) -> None:
        """Return: the kernel takes no lock away."""

    def read(self) -> bytes:
        """Return what the record's file holds."""
        try:
            with opened(self.record.parent) as folder:
                return folder.read(self.record.name, 0o022) or b""
        except (OSError, VaultError):
            return b""

    def write(self, content: bytes) -> None:
        """Replace the record's file, mode 0600."""
        try:
            sweep(self.record)
            write_private(self.record, content)
        except OSError as error:
            raise VaultError(
                f"The file {self.record} cannot be written: {error.strerror}.",
                hint="Check the owner and mode of its folder, and the space left.",
            ) from error

    @property
    def host(self) -> str:
        """Nothing: there are no others."""
        return ""

    @property
    def ahead(self) -> float:
        """Nothing: there is one clock."""
        return 0


class Alone:
    """A vault that nobody but this machine's processes shares."""

    is_shared = False

    def turn(self, _name: str, local: LocalTurn) -> LocalTurn:
        """Return `local`: nobody but this machine's processes shares this vault."""
        return local

    def at_once(self) -> AbstractContextManager[None]:
        """Do nothing: one entry is written after the other."""
        return nullcontext()

    def ahead(self) -> float:
        """Return 0: its clock is this machine's."""
        return 0
