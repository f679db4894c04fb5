"""The connection to a shared vault's database: opened when needed, and what goes wrong with it.

Each thread has one of its own, as a lock of the database belongs to its connection. Whoever opens
one holds a file mutex of this machine, so there are few.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from hexauth.errors import Away, VaultError
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.vault import troubles
from hexauth.vault.schema import CHANNEL, FACTS, LAYOUT

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

Connection = "psycopg.Connection[tuple[Any, ...]]"

PATIENCE = 4.0
"""Seconds for which a database that is being restarted is tried again."""

PAUSE = 0.1
"""Seconds between two tries."""

SAME_CLOCK = 5
"""Clocks that differ by fewer seconds than this count as the same."""

BEGIN = """\
SET statement_timeout = '{milliseconds}ms'; SET lock_timeout = '{milliseconds}ms';
SET idle_in_transaction_session_timeout = '{milliseconds}ms';
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
SELECT pg_backend_pid(), pg_is_in_recovery(), extract(epoch FROM clock_timestamp())::float8,
    to_regclass('hexauth.entry') IS NOT NULL"""
"""A host that vanishes with its network is noticed after 25 seconds, and its locks end."""


IS_MADE = "SELECT to_regclass('hexauth.entry') IS NOT NULL"


class Database:
    """The database at `url`, one of libpq's, each of whose answers may take `seconds`.

    Everything raises `VaultError`, whose message never quotes what the database has said of rows.
    """

    def __init__(
        self, url: str, *, seconds: float, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._url, self._seconds, self._environ = url, seconds, environ
        self._mine = threading.local()
        self._open: list[Any] = []
        self._failure: tuple[float, VaultError] | None = None
        self.patience = PATIENCE
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
        return getattr(self._mine, "ahead", 0.0)

    @property
    def id(self) -> str:
        """The name that the vault in it has been given, which no other has."""
        return self.run(lambda _: str(self._mine.facts.get("id", "")))

    def run(self, work: "Callable[[psycopg.Connection[tuple[Any, ...]]], T]") -> T:
        """Return what `work` returns, which is done once more if the connection turns out lost.

        Inside a transaction it is not.
        """
        driver = troubles.driver()
        was_open, in_transaction = self.is_open, getattr(self._mine, "depth", 0)
        try:
            return work(self._connection())
        except driver.OperationalError as error:
            lost = not self.is_open or error.sqlstate in troubles.RESTARTING
            if in_transaction or not was_open or not lost:
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

    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        connection: psycopg.Connection[tuple[Any, ...]] | None = getattr(
            self._mine, "connection", None
        )
        if connection is not None and not connection.closed:
            return connection
        if self._failure is not None and time.monotonic() < self._failure[0]:
            raise self._failure[1]
        end = Deadline(self.patience)
        while True:
            try:
                return self._connected()
            except VaultError as error:
                if not isinstance(error, Away) or end.is_over():
                    self._failure = time.monotonic() + PATIENCE, error
                    raise
            time.sleep(PAUSE)

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Open this thread's connection, and find out what it leads to."""
        driver, taken = troubles.driver(), trace.stopwatch()
        connection = self._opened()
        connection.autocommit = True
        try:
            self._look(connection)
        except driver.Error as error:
            connection.close()
            raise troubles.explain(error, self.where) from None
        except BaseException:
            connection.close()
            raise
        self._mine.connection = connection
        self._mine.generation = self.generation + 1
        self._failure = None
        trace.tell(f"database {self.where}: connected after {taken()}")
        return connection

    def _opened(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a new connection; nobody has looked where it leads to."""
        driver = troubles.driver()
        settings = troubles.demanded(self._url, self._environ)
        try:
            return driver.connect(  # type: ignore[no-any-return]  # psycopg is known by name alone
                self._url,
                prepare_threshold=None,
                connect_timeout=max(2, int(self._seconds)),
                application_name="hexauth",
                **settings,
            )
        except driver.Error as error:
            raise troubles.explain(error, self.where) from None

    def _look(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        """Find out what the connection leads to; raise `VaultError` if it is of no use."""
        milliseconds = int(self._seconds * 1000)
        begun = time.time()
        cursor = connection.execute(BEGIN.format(milliseconds=milliseconds))
        while cursor.nextset():
            pass
        pid, is_replica, clock, is_made = cursor.fetchone() or (0, False, 0.0, False)
        ahead = clock - (begun + time.time()) / 2
        self._mine.ahead = round(ahead) if abs(ahead) >= SAME_CLOCK else 0.0
        if not is_made:
            raise VaultError(
                f"There is no vault in the database {self.where}.",
                hint="Make it with `hexauth vault init`, or let the database's owner do it.",
            )
        self._mine.facts = dict(connection.execute(FACTS).fetchall())
        layout = self._mine.facts.get("layout")
        if layout != str(LAYOUT):
            raise VaultError(
                f"The vault in the database {self.where} has the layout {layout}, and this hexauth "
                f"knows layout {LAYOUT}.",
                hint="Upgrade hexauth on this host; nothing was changed.",
            )
        self._mine.is_replica = is_replica
        if pid != connection.info.backend_pid:
            self._demand_session(connection, pid)

    def _demand_session(self, connection: "psycopg.Connection[tuple[Any, ...]]", pid: int) -> None:
        """Refuse a pooler that gives a connection's session to others between two transactions.

        Somebody stands between, as the database's own process has another number than the one that
        was told. If a second connection is given the process that the first one has, both share it,
        and a lock of the one would be the other's.
        """
        with self._opened() as other:
            (second,) = other.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            (first,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        if second == pid or first != pid:
            raise VaultError(
                f"The database {self.where} is behind a pooler that shares sessions, in which no "
                "lock lasts.",
                hint="Name the database itself, or a pool in session mode (pgbouncer: "
                "pool_mode=session).",
            )

    def _explained(self, error: Exception) -> VaultError:
        """Return what `error` means, and let go of a connection that it has ended."""
        connection = getattr(self._mine, "connection", None)
        if connection is not None and connection.closed:
            self._mine.connection = None
        return troubles.explain(error, self.where)
