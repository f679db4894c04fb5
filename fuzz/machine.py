"""Long sequences of commands, some of which are killed, beside a model of what may be answered.

After a command that was killed, each secret is the old one or the new one. What has been seen of
it since settles which.
"""

import json
import shutil
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fuzz.backend import FOLDER, UNFINISHED
from fuzz.commands import Done, run
from fuzz.keeping import PASSPHRASE, sealed
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from hexauth.sandbox.tokens import digest
from hexauth.vault.parts import WINDOWS_LIMIT
from hexauth.vault.quick import BUS
from tests import secret_service

T = TypeVar("T")

USERS = ("alice", "bob")
HOSTS = ("git.example.com", "code.example.org:8443")
NAMES = ("ann", "ben")
ORGANIZATIONS = ("hexpm:acme", "hexpm:umbrella")
VAULTS = ("plain", "sealed", "keyring")

KILLS = st.just(0) | st.integers(1, 25)
"""Before which change a command is killed; 0 and many others for none."""

Drawer = tuple[tuple[str, str], ...]
"""User names and secrets, the oldest first."""

Keys = frozenset[tuple[str, str]]
"""Kinds and keys."""

EXCHANGED, OTHER = "a token for a key", "no key"


@dataclass
class Account:
    """What is known of an account."""

    may_be: set[str] = field(default_factory=lambda: {"out"})
    """`in`, with a session that lives; `out`; or `dead`: logged in, but not at the server."""
    seen: set[str] = field(default_factory=set)
    """The tokens that were handed out."""
    rejected: str = ""
    """The token that must not be handed out again."""


class Machine(RuleBasedStateMachine):
    """One home, one server, and a model of them."""

    vaults: tuple[str, ...] = VAULTS
    bus = ""
    """Where a real Secret Service is, for the vault `service`."""
    steps = 0
    kills = 0

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """Make a home with an empty vault of a kind."""
        self.begin(data.draw(st.sampled_from(self.vaults)))

    def begin(self, vault: str) -> None:
        """Make a home with an empty vault of that kind."""
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="hx-machine-", dir="/dev/shm"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.sandbox = self.stack.enter_context(
            Sandbox(Options(interval=0, approve_after=0, rate_limit=None))
        )
        for name in ("run", "keys", "home/vault"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        self.environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "HEX_API_URL": self.sandbox.api_url,
            "HEXAUTH_HOME": str(self.folder / "home"),
            "HEXAUTH_VAULT": "keyring" if vault == "keyring" else "file",
            "PYTHON_KEYRING_BACKEND": "fuzz.backend.Keyring",
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "NO_PROXY": "127.0.0.1",
            FOLDER: str(self.folder / "keys"),
        }
        if vault == "service":
            del self.environ["PYTHON_KEYRING_BACKEND"]
            self.environ |= {"HEXAUTH_VAULT": "keyring", BUS: self.bus}
        if vault == "sealed":  # its key takes no time, and a file keeps its salt and cost
            self.environ["HEXAUTH_PASSPHRASE"] = PASSPHRASE.decode()
            path = self.folder / "home/vault/vault.json"
            path.touch(0o600)
            path.write_bytes(sealed(json.dumps({"version": 1, "entries": {}}).encode()))
        self.is_open = vault in ("plain", "keyring")
        self.drawers: dict[str, set[Drawer]] = {host: {()} for host in HOSTS}
        self.keys: dict[str, set[Keys]] = {name: {frozenset()} for name in ORGANIZATIONS}
        self.accounts = {user: Account() for user in USERS}
        self.chosen = {""}
        self.secrets = 0

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "stack"):
            self.stack.close()

    def hexauth(self, *words: str, give: str = "", kill: int = 0, account: str = "") -> Done:
        """Run a command; what it says is what a person may read."""
        environ = {**self.environ, **({"HEXAUTH_ACCOUNT": account} if account else {})}
        evictions = self.sandbox.journal.counts()["evictions"]
        done = run(list(words), environ, give, kill)
        Machine.steps += 1
        Machine.kills += done.is_killed
        assert "nobody expected" not in done.err, done.err
        secrets = {s for each in self.accounts.values() for s in each.seen if s}
        assert not any(secret in done.err for secret in secrets)
        if self.sandbox.journal.counts()["evictions"] > evictions:  # a user has five sessions
            for each in self.accounts.values():
                each.may_be |= {"dead"} if "in" in each.may_be else set()
        return done

    def secret(self) -> str:
        """Return a secret that nobody has had; some are too long for a keyring's entry."""
        self.secrets += 1
        return f"secret-{self.secrets}-" + "x" * (2000 if self.secrets % 4 == 0 else 0)

    # What tools store

    @rule(host=st.sampled_from(HOSTS), name=st.sampled_from(NAMES), kill=KILLS)
    def store(self, host: str, name: str, kill: int) -> None:
        """Store a password."""
        secret = self.secret()
        give = f"protocol=https\nhost={host}\nusername={name}\npassword={secret}\n\n"
        done = self.hexauth("store", give=give, kill=kill)

        def stored(drawer: Drawer) -> Drawer:
            return (*(each for each in drawer if each[0] != name), (name, secret))

        self._changed(done, self.drawers, host, stored)

    @rule(host=st.sampled_from(HOSTS), name=st.sampled_from(("", *NAMES)), kill=KILLS)
    def erase(self, host: str, name: str, kill: int) -> None:
        """Erase what is stored for a user, or for all."""
        give = f"protocol=https\nhost={host}\n" + (f"username={name}\n" if name else "")
        done = self.hexauth("erase", give=f"{give}\n", kill=kill)

        def erased(drawer: Drawer) -> Drawer:
            return tuple(each for each in drawer if name and each[0] != name)

        before = self.drawers[host]
        self._changed(done, self.drawers, host, erased)
        if not done.is_killed:
            gone = {s for d in before for _, s in d} - {
                s for d in map(erased, before) for _, s in d
            }
            self._without_traces(gone)

    @rule(host=st.sampled_from(HOSTS), name=st.sampled_from(("", *NAMES)), kill=KILLS)
    def get(self, host: str, name: str, kill: int) -> None:
        """Get what is stored: the last one that fits."""
        give = f"protocol=https\nhost={host}\n" + (f"username={name}\n" if name else "")
        done = self.hexauth("get", "--no-login", give=f"{give}\n", kill=kill)
        if done.is_killed:
            return

        def answer(drawer: Drawer) -> str:
            found = [each for each in drawer if name in ("", each[0])]
            return "".join(f"username={n}\npassword={s}\n" for n, s in found[-1:])

        assert done.code == 0, done.err
        may_be = {drawer for drawer in self.drawers[host] if answer(drawer) == done.out}
        assert may_be, f"{done.out!r} is none of {self.drawers[host]}"
        self.drawers[host] = may_be

    # Logins

    @rule(user=st.sampled_from(USERS), kill=KILLS)
    def log_in(self, user: str, kill: int) -> None:
        """Log in, in place of the login that there may be."""
        words = ("login", "--no-browser", "--force", "--account", user, "--name", user)
        done = self.hexauth(*words, kill=kill)
        account = self.accounts[user]
        assert done.is_killed or done.code == 0, done.err
        account.may_be = account.may_be | {"in"} if done.is_killed else {"in"}
        if not done.is_killed:
            account.rejected = ""

    @rule(user=st.sampled_from(USERS), kill=KILLS)
    def log_out(self, user: str, kill: int) -> None:
        """Log out."""
        account = self.accounts[user]
        done = self.hexauth("logout", kill=kill, account=user)
        if done.is_killed:
            account.may_be |= {"out", "dead"} if account.may_be != {"out"} else set()
            return
        assert done.code == 0, done.err
        account.may_be, account.rejected = {"out"}, ""
        self._without_traces(account.seen)
        if self.accounts == {user: Account(seen=self.accounts[user].seen) for user in USERS}:
            left = [path.name for path in (self.folder / "run").rglob("*") if path.is_file()]
            assert left == [], "something is left in memory"

    @rule(user=st.sampled_from(USERS), kill=KILLS)
    def get_token(self, user: str, kill: int) -> None:
        """Get a token, which the server takes if the account is logged in for sure."""
        account = self.accounts[user]
        done = self._token(user, kill)
        if done.is_killed:
            if account.rejected:  # a refresh token may be spent
                account.may_be |= {"dead", "out"} if account.may_be != {"out"} else set()
            return
        if done.code == 0 and not self._is_taken(done.out):
            assert "dead" in account.may_be, "a token is dead"
            self._reject(user, done.out, 0)
            done = self._token(user, 0)
        if done.code == 3:
            assert account.may_be != {"in"}, done.err
            account.may_be, account.rejected = {"out"}, ""
            return
        assert done.code == 0, done.err
        assert account.may_be != {"out"}, "nobody is logged in"
        assert self._is_taken(done.out)
        account.may_be, account.rejected = {"in"}, ""

    @rule(user=st.sampled_from(USERS), kill=KILLS)
    def reject(self, user: str, kill: int) -> None:
        """Say that the server has rejected the token: it is not handed out again."""
        done = self._token(user, 0)
        if done.code == 0:
            killed = self._reject(user, done.out, kill)
            account = self.accounts[user]
            account.may_be |= {"dead", "in", "out"} if account.may_be != {"in"} else set()
            account.rejected = "?" if killed else done.out

    @rule(user=st.sampled_from(USERS), kill=KILLS)
    def switch(self, user: str, kill: int) -> None:
        """Choose an account; only one that is known can be."""
        done = self.hexauth("switch", user, kill=kill)
        if done.is_killed:
            self.chosen |= {user}
        elif done.code == 0:
            self.chosen = {user}
        else:
            assert self.accounts[user].may_be != {"in"}, done.err

    @rule()
    def get_chosen(self) -> None:
        """Get a token of the account that was chosen."""
        done = self.hexauth("get", "hexpm", "--format", "token", "--no-login")
        if done.code == 0:
            user = self._owner(done.out.strip())
            self.accounts[user].seen.add(done.out.strip())
            assert self.accounts[user].may_be != {"out"}
            sure = {name for name in self.chosen if name and self.accounts[name].may_be == {"in"}}
            if len(self.chosen) == 1 and sure:
                assert user in sure
        else:
            assert done.code in (2, 3), done.err
            assert len(self.chosen) > 1 or not any(
                name and self.accounts[name].may_be == {"in"} for name in self.chosen
            ), done.err

    # Keys of repositories

    @rule(
        name=st.sampled_from(ORGANIZATIONS),
        kind=st.sampled_from(("repo_key", "auth_key")),
        kill=KILLS,
    )
    def add_key(self, name: str, kind: str, kill: int) -> None:
        """Keep a key, in place of the one of its kind."""
        key = self.sandbox.hexpm.add_key("repositories")
        words = ("key", "add", name, "--kind", kind, "--no-verify")
        done = self.hexauth(*words, give=key, kill=kill)

        def added(keys: Keys) -> Keys:
            return frozenset((*(each for each in keys if each[0] != kind), (kind, key)))

        self._changed(done, self.keys, name, added)

    @rule(name=st.sampled_from(ORGANIZATIONS), kill=KILLS)
    def remove_keys(self, name: str, kill: int) -> None:
        """Forget the keys of an organization."""
        done = self.hexauth("key", "remove", name, kill=kill)
        if done.code == 1:
            assert frozenset() in self.keys[name], done.err
            self.keys[name] = {frozenset()}
            return
        gone = {key for keys in self.keys[name] for _, key in keys}
        self._changed(done, self.keys, name, lambda keys: frozenset())
        if not done.is_killed:
            self._without_traces(gone)

    @rule(name=st.sampled_from(ORGANIZATIONS), kill=KILLS)
    def get_by_key(self, name: str, kill: int) -> None:
        """Get what the keys of an organization are good for."""
        done = self.hexauth("get", name, "--format", "token", "--no-login", kill=kill)
        if done.is_killed:
            return
        assert done.code in (0, 2, 3), done.err
        token = done.out.strip()
        caller = self.sandbox.hexpm.authenticate(f"Bearer {token}")
        seen = OTHER if caller is None or "api:read" in caller.scope else EXCHANGED

        def answer(keys: Keys) -> str:
            kinds = dict(keys)
            return kinds.get("repo_key") or (EXCHANGED if "auth_key" in kinds else OTHER)

        may_be = {keys for keys in self.keys[name] if answer(keys) in (token, seen)}
        assert may_be, f"{seen} is none of {self.keys[name]}"
        if seen != OTHER:  # the next change may still bring back what a killed one was about
            self.keys[name] = may_be

    def _changed(
        self, done: Done, states: dict[str, set[T]], name: str, change: Callable[[T], T]
    ) -> None:
        after = {change(each) for each in states[name]}
        assert done.is_killed or done.code == 0, done.err
        states[name] = after | states[name] if done.is_killed else after

    def _token(self, user: str, kill: int) -> Done:
        words = ("get", "hexpm", "--format", "token", "--no-login")
        done = self.hexauth(*words, kill=kill, account=user)
        token = done.out.strip()
        if done.code == 0:
            account = self.accounts[user]
            assert self._owner(token) == user
            assert token != account.rejected, "a rejected token is handed out"
            account.seen.add(token)
        return Done(done.code, token, done.err)

    def _owner(self, token: str) -> str:
        """Return whose session a token is of, by the name that the login gave."""
        row = self.sandbox.hexpm._access[digest(token)]  # what a server knows
        return row.session.name if row.session else ""

    def _is_taken(self, token: str) -> bool:
        return self.sandbox.hexpm.authenticate(f"Bearer {token}") is not None

    def _reject(self, user: str, token: str, kill: int) -> bool:
        protocol, _, host = self.sandbox.url.partition("://")
        give = f"protocol={protocol}\nhost={host}\nusername=oauth2\npassword={token}\n\n"
        done = self.hexauth("erase", give=give, kill=kill, account=user)
        assert done.is_killed or done.code == 0, done.err
        return done.is_killed

    def _without_traces(self, secrets: set[str]) -> None:
        """Look for secrets that are gone in every file."""
        if not self.is_open:
            return
        for path in self.folder.rglob("*"):
            with suppress(FileNotFoundError):
                is_ours = path.is_file() and path.suffix != UNFINISHED
                content = path.read_bytes() if is_ours else b""
                for each in secrets:
                    mark = each if len(each) < WINDOWS_LIMIT else each[:100]  # it may be in parts
                    assert mark.encode() not in content, f"{path.name} holds what is gone"


class WithService(Machine):
    """The same with the real Secret Service, whose own files nobody looks into."""

    vaults = ("service",)


def play(kind: type[Machine], seconds: float, number: int, steps: int = 50) -> tuple[int, str]:
    """Play for so many seconds; return how many commands were run, and what went wrong."""
    if kind is WithService:
        with secret_service.running("password") as (environ, _):
            kind.bus = environ[BUS]
            return _play(kind, seconds, number, steps)
    return _play(kind, seconds, number, steps)


def _play(kind: type[Machine], seconds: float, number: int, steps: int) -> tuple[int, str]:
    end = monotonic() + seconds
    Machine.steps = Machine.kills = 0
    while monotonic() < end:
        chosen = settings(
            max_examples=4,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(seed(number)(kind), settings=chosen)
        except Exception as error:
            where = traceback.format_list(traceback.extract_tb(error.__traceback__)[-2:])
            notes = "\n".join(getattr(error, "__notes__", ()))
            return Machine.steps, f"seed {number}\n{''.join(where)}{error!r}\n{notes}"
        number += 1
    return Machine.steps, ""
