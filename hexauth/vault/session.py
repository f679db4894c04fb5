"""What a connection to a database leads to, found out when it begins."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hexauth.errors import VaultError
from hexauth.vault.schema import FACTS, LAYOUT

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

IDLE_SECONDS = 60
"""After so many seconds of saying nothing (PostgreSQL 14 and newer), the database hangs up, and a
lock ends: whoever has one is heard of now and then, unless it was stopped."""

SAME_CLOCK = 5
"""Clocks that differ by fewer seconds than this count as the same."""

BEGIN = """\
SET statement_timeout = '{milliseconds}ms'; SET lock_timeout = '{milliseconds}ms';
SET idle_in_transaction_session_timeout = '{milliseconds}ms';
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
SELECT set_config(name, '{idle}s', false) FROM pg_settings WHERE name = 'idle_session_timeout';
SELECT pg_backend_pid(), extract(epoch FROM clock_timestamp())::float8,
    to_regclass('hexauth.entry') IS NOT NULL"""
"""A host that vanishes with its network is noticed after 25 seconds, and its locks end."""

NO_TRANSACTIONS = "not allowed in statement pooling mode"
"""What pgbouncer says of a transaction; SQLSTATE 08P01 is all that it refuses."""

TELL = "SELECT current_setting('server_version'), current_user, pg_is_in_recovery()"


@dataclass(frozen=True)
class Told:
    """What a database says of itself, and of a connection."""

    version: str
    role: str
    is_replica: bool
    is_encrypted: bool


@dataclass(frozen=True)
class Session:
    """A connection's session: how it is with the clocks, and which vault it leads to."""

    process: int
    """The number of the database's process that serves it."""
    ahead: float
    """By how many seconds the database's clock is ahead of this machine's; 0 if by few."""
    vault: str
    """The name that the vault was given when it was made, which no other has."""


def begun(connection: "Connection", place: str, seconds: float) -> Session:
    """Begin a session whose statements may take `seconds`. Raises `VaultError` if it is of no use.

    `place` is the database, for messages. Raises psycopg's errors, too.
    """
    milliseconds = int(seconds * 1000)
    before = time.time()
    cursor = connection.execute(BEGIN.format(milliseconds=milliseconds, idle=IDLE_SECONDS))
    while cursor.nextset():
        pass
    process, clock, is_made = cursor.fetchone() or (0, 0.0, False)
    ahead = clock - (before + time.time()) / 2
    if not is_made:
        raise VaultError(
            f"There is no vault in the database {place}.",
            hint="Make it with `hexauth vault init`, or let the database's owner do it.",
        )
    facts: dict[str, str] = dict(connection.execute(FACTS).fetchall())
    layout = facts.get("layout")
    if layout != str(LAYOUT):
        raise VaultError(
            f"The vault in the database {place} has the layout {layout}, and this hexauth "
            f"knows layout {LAYOUT}.",
            hint="Upgrade hexauth on this host; nothing was changed.",
        )
    is_same = abs(ahead) < SAME_CLOCK
    return Session(process, 0 if is_same else round(ahead), facts.get("id", ""))


def demand_own(connection: "Connection", other: "Connection", session: Session, place: str) -> None:
    """Refuse a pooler that gives a connection's session to others between two transactions.

    Somebody stands between, as the database's own process has another number than the one that was
    told. If a second connection, `other`, is given the process that the first one has, both share
    it, and a lock of the one would be the other's. A pool in statement mode lets `other` begin no
    transaction.
    """
    try:
        (second,) = other.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    except Exception as error:
        if NO_TRANSACTIONS not in str(error):
            raise
        second = session.process
    (first,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    if second == session.process or first != session.process:
        raise VaultError(
            f"The database {place} is behind a pooler that shares sessions, in which no lock "
            "lasts.",
            hint="Name the database itself, or a pool in session mode (pgbouncer: "
            "pool_mode=session).",
        )


def told(connection: "Connection") -> Told:
    """Return what the database says of itself, and of the connection. Raises psycopg's errors."""
    version, role, is_replica = connection.execute(TELL).fetchone() or ("", "", False)
    is_encrypted = bool(connection.pgconn.ssl_in_use)
    return Told(version.split(" ")[0], role, is_replica, is_encrypted)
