"""Two hosts with one vault: each plan of events is walked with the real code, and judged."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hexauth.errors import HexauthError
from hexauth.login.asking import Question, log_in
from hexauth.login.attempts import arrive
from hexauth.login.renewal import _go_on_saving, refreshed
from hexauth.login.tokens import Tokens
from hexauth.machine.flock import unlock
from hexauth.machine.folders import places
from hexauth.machine.terminal import Screen
from hexauth.vault.home import Home
from hexauth.vault.logins import save_login
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.shared_index import STAMP
from hexauth.world.settings import Settings, load
from tests.login.fleet_database import URL, FleetDatabase, Row, Rows
from tests.login.fleet_ends import Ended, Judged
from tests.login.fleet_server import Hex
from tests.login.fleet_stage import DEATH, Actor, Event, Stage

API = "http://127.0.0.1:9/api"
EARLIER = 3600
"""By how many seconds the hosts' clock is behind ours, which the memory's stamps go by."""

REFRESH, LOGIN = "refresh", "login"


@dataclass
class Fleet:
    """What all walks begin with: a folder in memory, and the rows of a vault."""

    folder: Path
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    count: int = 0
    settings: Settings | None = None
    index: bytes = b""
    stamp: str = ""
    vault: PostgresVault | None = None

    def walk(self, job: str, *plan: Event) -> "Walk":
        """Return what `plan` ends in."""
        self.count += 1
        base = self.folder / str(self.count)
        walk = Walk(self, job, plan, base)
        walk.server.rows = dict(self._begin(job))
        try:
            walk.go()
        finally:
            walk.stage.close()
            shutil.rmtree(base, ignore_errors=True)
        return walk

    def steps(self, job: str) -> Sequence[str]:
        """Return the steps of the host that comes first, if nothing happens."""
        return self.walk(job).steps["A"]

    def furnish(self, folder: Path) -> None:
        """Make the home of a host that has looked into the vault's index a moment ago."""
        state = folder / "state"
        state.mkdir(mode=0o700, parents=True)
        if self.stamp:
            (state / "index.json").write_bytes(self.index)
            (state / STAMP).write_text(f"{int(time.time())} {self.stamp}")
            for each in state.iterdir():
                each.chmod(0o600)

    def opened(self, rows: Sequence[tuple[str, int, bytes | None]]) -> list[str]:
        """Return the refresh tokens in some rows."""
        assert self.vault is not None
        return [
            self.vault.envelope.open(name, version, sealed)
            for name, version, sealed in rows
            if name.endswith("/refresh") and sealed is not None
        ]

    def _begin(self, job: str) -> dict[str, Row]:
        """Return the rows of a vault with a login whose token is nearly used up, or with none."""
        if job not in self.rows:
            walk = Walk(self, job, (), self.folder / job)

            def fill() -> None:
                home = walk.home("first")
                vault = home.vaults.database()
                vault.current_key()
                _ = home.vaults.entries()
                if job == REFRESH:
                    token = walk.hex.token(1000, 1100)
                    save_login(vault, home.settings.login, token)
                    tokens = Tokens(home, home.settings.login)
                    home.vaults.note(tokens.entry, server=API, client_id=tokens.login.client_id)
                home.vaults.close()
                self.vault = vault

            walk.stage.run([Actor("first", fill)])
            state = self.folder / job / "first" / "state"
            index = state / "index.json"
            self.index = index.read_bytes() if index.exists() else b"{}"
            self.stamp = (state / STAMP).read_text().split()[1]
            self.rows[job] = walk.server.rows
        return self.rows[job]


class Walk(Judged):
    """One course of events, and what became of everybody."""

    def __init__(self, fleet: Fleet, job: str, plan: Sequence[Event], base: Path) -> None:
        self.job, self.plan, self._base, self._fleet = job, plan, base, fleet
        self.stage = Stage(plan, int(time.time()) - EARLIER)
        self.server = Rows(self.stage)
        self.stage.deadline, self.stage.passed = self.server.deadline, self.server.passed
        self.stage.killed = self._killed
        self.hex = Hex(self.stage)
        if job == REFRESH:
            self.hex.issue()
        self.ended: list[Ended] = []
        self.later: list[Ended] = []
        self.said: list[str] = []
        """What people have been shown."""
        self.lost_hosts: set[str] = set()
        self.steps: dict[str, list[str]] = {}
        self.saved: list[str] = []
        self.final: list[str] = []

    def home(self, host: str) -> Home:
        """Return the home that a process of `host` finds."""
        folder = self._base / host
        if not folder.exists():
            self._fleet.furnish(folder)
        environ = {
            "HEXAUTH_HOME": str(folder),
            "HEXAUTH_VAULT": URL,
            "HEXAUTH_PASSPHRASE": "open sesame",
            "HEX_API_URL": API,
            "HEXAUTH_NOTIFY": "no",
            "HEXAUTH_BROWSER": "never",
            "XDG_RUNTIME_DIR": str(self._fleet.folder),
        }
        here = places(environ)
        if self._fleet.settings is None:
            self._fleet.settings = load(environ, here.config)
        home = Home(
            environ,
            self._fleet.settings,
            here,
            Screen(self.said.append, visible=False),
            self.stage.sleep,
            self.stage.now,
            self.stage.now,
        )
        vault = home.vaults.database()
        vault.host, vault.database = host, FleetDatabase(self.server)
        if self._fleet.vault is not None:
            vault.envelope = self._fleet.vault.envelope
        if self._fleet.stamp and home.vaults.shared is not None:
            home.vaults.shared.is_new = True
        home.__dict__["http"] = Wire(self, vault.database)
        return home

    def go(self) -> None:
        """Walk to the end; then let everybody who is left come once more, one after the other."""
        actors = [Actor(host, partial(self._process, host, self.ended)) for host in "AB"]
        self.stage.run(actors)
        self.steps = {each.host: each.steps for each in self.stage.actors}
        self.stage.plan.clear()
        self.server.away_until = 0
        self.stage.clock += 1
        self.saved = self._fleet.opened(self.server.log)
        self.final = self._fleet.opened(self._on_file())[-1:]
        if self.final != [self.hex.good[1]] or len(self.ended) < 2:
            before = self.stage.actors
            for host in "AB":
                if host not in self.lost_hosts:
                    self.stage.run([Actor(host, partial(self._process, host, self.later))])
            self.stage.actors = before
            self.final = self._fleet.opened(self._on_file())[-1:]

    def _on_file(self) -> list[tuple[str, int, bytes | None]]:
        return [(name, *row[:2]) for name, row in self.server.rows.items()]

    def _process(self, host: str, ended: list[Ended]) -> None:
        """Do what `hexauth get` does on a host, or `hexauth login` where nobody is logged in."""
        home = self.home(host)
        login = home.settings.login
        tokens, end = Tokens(home, login), Ended(host)
        try:
            arrival = arrive(tokens)
            end.token = arrival.token
            if end.token is None or not end.token.is_fresh(home.now(), home.settings.min_ttl):
                if self.job == REFRESH:
                    end.token = refreshed(tokens, arrival)
                else:
                    end.token = log_in(tokens, arrival, Question("api", host))
        except HexauthError as error:
            end.error = error
        end.is_good = end.token is not None and end.token.access == self.hex.good[0]
        ended.append(end)
        if tokens.is_unsaved():
            _go_on_saving(tokens)
        home.close()

    def _killed(self, actor: Actor, what: str) -> Actor | None:
        """Let the kernel do what it does for a process that is gone."""
        host = actor.host
        for link in [each for each in self.server.links if each.owner == host]:
            self.server.end(link)
        if what == DEATH:
            self.lost_hosts.add(host)
            return None
        for each in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                path = str(each.readlink())
                if path.startswith(f"{self._base / host}/") and path.endswith(".lock"):
                    unlock(int(each.name))
        return Actor(host, partial(self._process, host, self.ended))


class Wire:
    """The HTTP session of a process."""

    def __init__(self, walk: Walk, database: FleetDatabase) -> None:
        self._walk, self._database = walk, database

    def request(self, method: str, url: str, **options: Any) -> Any:
        self._walk.hex.disturb = lambda what: self._walk.server.disturb(what, self._database.link)
        return self._walk.hex.request(method, url, **options)

    def close(self) -> None:
        """Do nothing: nothing is open."""
