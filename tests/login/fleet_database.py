"""What hexauth sees of PostgreSQL, in memory: rows, transactions, locks, notices, and its bad days.

Each statement is a step of the host that sends it; before it, and between its being done and its
answer, things happen.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from types import SimpleNamespace
from typing import Any

import psycopg

from hexauth.errors import Away
from hexauth.vault import schema, shared_turn
from hexauth.vault.database import Database
from hexauth.vault.envelope import CURRENT
from tests.login.fleet_stage import Stage

CUT, LOST, RESTART, AWAY, GONE = "cut", "lost", "restart", "away", "gone"
"""This connection ends before the statement, or after it; all of them do, and the database is back
at once, after a while that a save waits for, or when everybody has given up."""

AWAY_SECONDS = {RESTART: 0.0, AWAY: 10.0, GONE: inf}

IDLE_SECONDS = LOCK_SECONDS = 20.0
"""As hexauth sets them (`vault_timeout`)."""

URL = "postgresql://fleet@127.0.0.1/fleet"

WRITES = (schema.WRITE, schema.SWAP, schema.PUT_BACK)

Row = tuple[int, bytes | None, str, str, float]


class Cursor:
    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows = list(rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def nextset(self) -> bool:
        return False

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


@dataclass
class Rows:
    """The server: what is in it, and who is connected."""

    stage: Stage
    rows: dict[str, Row] = field(default_factory=dict)
    log: list[tuple[str, int, bytes | None]] = field(default_factory=list)
    """Every row that was committed, in order."""
    locks: dict[int, "Link"] = field(default_factory=dict)
    links: list["Link"] = field(default_factory=list)
    away_until: float = 0.0

    def connect(self) -> "Link":
        self.disturb(self.stage.step("connect"), None)
        if self.stage.clock < self.away_until:
            raise Away("The database is away.")
        link = Link(self, owner=self.stage.current.host if self.stage.current else "")
        self.links.append(link)
        return link

    def disturb(self, what: str, link: "Link | None") -> None:
        """Let happen what happens to the database just now."""
        if what in AWAY_SECONDS:
            self.away_until = self.stage.clock + AWAY_SECONDS[what]
            for each in list(self.links):
                self.end(each)
        elif what == CUT and link is not None:
            self.end(link)

    def end(self, link: "Link") -> None:
        """End a connection: what it holds is free, what it has not committed never was."""
        link.is_cut = True
        link.changes = None
        self.locks = {key: each for key, each in self.locks.items() if each is not link}
        if link in self.links:
            self.links.remove(link)

    def commit(self, changes: Mapping[str, Row]) -> None:
        self.rows |= changes
        for name, (version, sealed, *_) in changes.items():
            self.log.append((name, version, sealed))
            self.notify(name)

    def notify(self, name: str) -> None:
        for link in self.links:
            if link.listens:
                link.inbox.append(name[: schema.NOTICE_CHARACTERS])

    def holder(self, name: str) -> "Link | None":
        """Return the connection whose transaction has changed a row."""
        return next((link for link in self.links if name in (link.changes or {})), None)

    def deadline(self) -> float:
        """Return when the next transaction has been idle for too long."""
        return min(
            [link.since + IDLE_SECONDS for link in self.links if link.changes is not None],
            default=inf,
        )

    def passed(self) -> None:
        """End those that have been."""
        for link in list(self.links):
            if link.changes is not None and self.stage.clock >= link.since + IDLE_SECONDS:
                self.end(link)


class Link:
    """A connection, with what psycopg's has of it."""

    def __init__(self, server: Rows, owner: str) -> None:
        self.server, self.stage, self.owner = server, server.stage, owner
        self.closed, self.is_cut, self.listens, self.autocommit = False, False, False, True
        self.inbox: list[str] = []
        self.changes: dict[str, Row] | None = None
        self.since = 0.0
        self.info = SimpleNamespace(backend_pid=1)

    def close(self) -> None:
        self.closed = True
        self.server.end(self)

    def execute(self, sql: str, values: Any = None) -> Cursor:
        name = step_name(sql, values)
        with self._asked(name):
            return Cursor(self._done(sql, values))

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        what = self.stage.step(name) if name else ""
        self.server.disturb(what, self)
        self._demand()
        self.since = self.stage.clock
        yield
        self._demand()
        self.since = self.stage.clock
        if what == LOST:
            self.server.end(self)
            self._demand()

    def _demand(self) -> None:
        if self.is_cut:
            self.closed = True
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def _done(self, sql: str, values: Any) -> list[tuple[Any, ...]]:  # noqa: PLR0911  (a table)
        server = self.server
        if sql == schema.READ:
            found = (self.changes or {}).get(values[0]) or server.rows.get(values[0])
            return [found] if found else []
        if sql == schema.LIST:
            return [(n, *row[:2]) for n, row in server.rows.items() if n.startswith(values[0])]
        if sql in WRITES:
            return self._write(sql == schema.PUT_BACK, **values)
        if sql == shared_turn.TRY:
            return [(server.locks.setdefault(values[0], self) is self,)]
        if sql == shared_turn.LEAVE:
            server.locks.pop(values[0], None)
            server.notify(values[1])
            return [(True, "")]
        if sql.startswith("SET"):
            return [(1, time.time(), True)]
        if sql == schema.FACTS:
            return [("id", "fleet"), ("layout", str(schema.LAYOUT))]
        if sql.startswith("LISTEN"):
            self.listens = True
            return []
        assert sql == "SELECT 1", sql
        return [(1,)]

    def _write(
        self,
        is_back: bool,
        name: str,
        version: int,
        sealed: bytes | None,
        host: str,
        **_key: int,
    ) -> list[tuple[Any, ...]]:
        holder = self.server.holder(name)
        if holder is not None and holder is not self:
            self.stage.block(LOCK_SECONDS, lambda: self.server.holder(name) is None)
            self._demand()
            if self.server.holder(name) is not None:
                raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")
        there = (self.changes or {}).get(name) or self.server.rows.get(name)
        known = there[0] if there else 0
        if there and not (known < version if is_back else known == version):
            return []
        new = version if is_back else version + 1
        row: Row = (new, sealed, host, "fleet", self.stage.clock)
        if self.changes is None:
            self.server.commit({name: row})
        else:
            self.changes[name] = row
        return [(new, sealed)]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.changes is not None:  # a part of one that is under way
            yield
            return
        with self._asked("begin"):
            self.changes = {}
        try:
            yield
        except BaseException:
            self.changes = None
            raise
        with self._asked("commit"):
            changes, self.changes = self.changes or {}, None
            self.server.commit(changes)

    def notifies(self, timeout: float, stop_after: int) -> Iterator[SimpleNamespace]:
        assert stop_after == 1
        if not self.inbox:
            self.stage.block(timeout, lambda: bool(self.inbox) or self.is_cut)
        self._demand()
        yield from [SimpleNamespace(payload=self.inbox.pop(0))] if self.inbox else []


def step_name(sql: str, values: Any) -> str:
    """Return what a statement is called; nothing for those that change nothing for anybody."""
    if sql in (schema.READ, schema.LIST, *WRITES):
        name = values["name"] if isinstance(values, dict) else values[0]
        if name == CURRENT or sql == schema.LIST or name.startswith(("facts/", "drawer/")):
            return ""
        what = "record" if name.startswith("record/") else name.rpartition("/")[2]
        what = "probe" if name.startswith("probe/") else what
        return f"{'read' if sql == schema.READ else 'write'} {what}"
    return {shared_turn.TRY: "lock", shared_turn.LEAVE: "unlock"}.get(sql, "")


class FleetDatabase(Database):
    """hexauth's own, with another way to connect."""

    def __init__(self, server: Rows) -> None:
        stage = server.stage
        super().__init__(URL, seconds=20, sleep=stage.sleep, monotonic=stage.now)
        self.server = server
        self.link: Link | None = None

    def _opened(self) -> Any:
        self.link = self.server.connect()
        return self.link
