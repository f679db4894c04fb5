"""The connection to a shared vault's database: opened when needed, and what goes wrong with it.

Each thread has one of its own, as a lock of the database belongs to its connection. Whoever opens
one holds a file mutex of this machine, so there are few.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from hexauth.errors import Away, VaultError
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.vault import troubles
from hexauth.vault.schema import CHANNEL
from hexauth.vault.session import Session, Told, begun, demand_own, told

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

PATIENCE = 4.0
"""Seconds for which a database that is being restarted is tried again."""

SLACK = 2.0
"""Seconds after which a server has not kept the limit that it was given."""

PAUSE = 0.1
"""Seconds between two tries."""

IS_MADE = "SELECT to_regclass('hexauth.entry') IS NOT NULL"


HANDED_OVER = list[object]()
"""What another process holds now: if it were left to the garbage collector, it would be freed."""


class Database:
    """The database at `url`, one of libpq's, each of whose answers may take `seconds`.

    Everything raises `VaultError`, whose message never quotes what the database has said of rows.
    """

    def __init__(
        self,
        url: str,
        *,
        seconds: float,
        environ: Mapping[str, str] = os.environ,
        slot: Callable[[], AbstractContextManager[None]] = nullcontext,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare it; `slot` is what is held for as long as there is a connection."""
        self._url, self._seconds, self._environ = url, seconds, environ
        self._slot, self._sleep, self.monotonic = slot, sleep, monotonic
        self._mine = threading.local()
        self._failure: tuple[float, VaultError] | None = None
        self.patience = min(PATIENCE, seconds)
        """Seconds for which a connection is tried for."""

    @property
    def where(self) -> str:
        """The database, for messages: without what the address says besides."""
        return troubles.where(self._url)

    @property
    def generation(self) -> int:
        """The number of this thread's connection: another number is another connection."""
        return getattr(self._mine, "generation", 0)

    @property
    def is_open(self) -> bool:
        """Whether this thread has a connection, as far as it knows."""
        connection = getattr(self._mine, "connection", None)
        return connection is not None and not connection.closed

    @property
    def ahead(self) -> float:
        """By how many seconds the database's clock is ahead of this machine's."""
        session: Session | None = getattr(self._mine, "session", None)
        return 0 if session is None else session.ahead

    @property
    def id(self) -> str:
        """The name that the vault in it has been given, which no other has."""
        return self.run(lambda _: str(self._mine.session.vault))

    def run(self, work: "Callable[[psycopg.Connection[tuple[Any, ...]]], T]") -> T:
        """Return what `work` returns, which is done once more if the connection turns out lost.

        Inside a transaction it is not.
        """
        driver = troubles.driver()
        try:
            return work(self._connection())
        except driver.OperationalError as error:
            lost = not self.is_open or error.sqlstate in troubles.RESTARTING
            if getattr(self._mine, "depth", 0) or not lost:
                raise self._explained(error) from None
        except driver.Error as error:
            raise self._explained(error) from None
        self.close()
        try:
            return work(self._connection())
        except driver.Error as error:
            raise self._explained(error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let everything inside a `with` block happen at once, or not at all."""
        driver = troubles.driver()
        connection = self._connection()
        self._mine.depth = getattr(self._mine, "depth", 0) + 1
        try:
            with connection.transaction():
                yield
        except driver.Error as error:
            raise self._explained(error) from None
        finally:
            self._mine.depth -= 1

    def make(self, sql: str) -> bool:
        """Make a vault by `sql`, all of it or nothing; tell whether there was none."""
        driver = troubles.driver()
        try:
            with self._opened() as connection:
                found = connection.execute(IS_MADE).fetchone()
                connection.execute(sql)
        except driver.Error as error:
            raise self._explained(error) from None
        return not (found and found[0])

    def told(self) -> Told:
        """Return what the database says of itself, and of the connection."""
        return self.run(told)

    def open(self) -> None:
        """Open this thread's connection, if it has none."""
        self.run(lambda _: None)

    def listen(self) -> None:
        """Hear of changes from now on."""
        self.run(lambda connection: connection.execute(f"LISTEN {CHANNEL}"))

    def heard(self, seconds: float) -> list[str]:
        """Return what has been changed, after waiting for it at most `seconds`."""
        return self.run(
            lambda connection: [
                notice.payload for notice in connection.notifies(timeout=seconds, stop_after=1)
            ]
        )

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection is not None:
            with suppress(Exception):
                connection.close()
        held = getattr(self._mine, "held", None)
        self._mine.held = None
        if held is not None:
            held.close()

    def hand_over(self) -> None:
        """Leave this thread's connection to a process that was made of this one, and uses it.

        Nothing is said on it from here: its socket is closed without a word, and so is the file of
        the slot, whose lock stays with the other process.
        """
        connection = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection is not None and not connection.closed:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, connection.fileno())
            os.close(nowhere)
            connection.close()
        HANDED_OVER.append(getattr(self._mine, "held", None))
        self._mine.held = None

    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        connection: psycopg.Connection[tuple[Any, ...]] | None = getattr(
            self._mine, "connection", None
        )
        if connection is not None and not connection.closed:
            return connection
        if self._failure is not None and self.monotonic() < self._failure[0]:
            raise self._failure[1]
        self.close()
        end, held = Deadline(self.patience, self.monotonic), ExitStack()
        held.enter_context(self._slot())
        try:
            while True:
                try:
                    connection = self._connected()
                    break
                except Away as error:
                    if end.is_over():
                        if self.patience:
                            self._failure = self.monotonic() + PATIENCE, error
                        raise
                self._sleep(PAUSE)
        except BaseException:
            held.close()
            raise
        self._mine.held = held
        return connection

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Open this thread's connection, and find out what it leads to."""
        driver, taken = troubles.driver(), trace.stopwatch()
        connection = self._opened()
        connection.autocommit = True
        try:
            session = begun(connection, self.where, self._seconds)
            if session.process != connection.info.backend_pid:
                with self._opened() as other:
                    demand_own(connection, other, session, self.where)
        except driver.Error as error:
            connection.close()
            raise troubles.explain(error, self.where) from None
        except BaseException:
            connection.close()
            raise
        self._mine.connection, self._mine.session = connection, session
        self._mine.generation = self.generation + 1
        self._failure = None
        trace.tell(f"database {self.where}: connected after {taken()}")
        return connection

    def _opened(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a new connection; nobody has looked where it leads to."""
        driver = troubles.driver()
        settings: dict[str, Any] = {**troubles.demanded(self._url, self._environ)}
        from hexauth.vault.patience import PatientConnection  # it needs the driver

        try:
            connection = PatientConnection.connect(
                self._url,
                prepare_threshold=None,
                connect_timeout=max(2, int(self._seconds)),
                application_name="hexauth",
                **settings,
            )
        except driver.Error as error:
            raise troubles.explain(error, self.where) from None
        connection.seconds = SLACK + self._seconds
        return connection

    def _explained(self, error: Exception) -> VaultError:
        """Return what `error` means, and let go of a connection that it has ended."""
        connection = getattr(self._mine, "connection", None)
        if connection is not None and connection.closed:
            self._mine.connection = None
        return troubles.explain(error, self.where)
