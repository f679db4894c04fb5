"""Hosts that share a vault in a database: as vault objects, and as homes with commands."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from hexauth.memory.keys import RememberedKeys
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.database import Database
from hexauth.vault.envelope import CURRENT, SLOTS
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.schema import SQL
from hexauth.vault.seen import Seen
from hexauth.vault.turns import LocalTurn
from tests.as_postgres import SUPERUSER
from tests.conftest import Machine, Process, need
from tests.postgres import Postgres

PASSPHRASE = "open sesame"

SECONDS = 10
"""How long a database may take for an answer."""


def vault_object(
    folder: Path,
    url: str,
    passphrase: str | None = PASSPHRASE,
    *,
    memory: str = "",
    host: str = "",
    seconds: float = SECONDS,
) -> PostgresVault:
    """Return a vault as a host has it whose state is in `folder`, and whose keys in `memory`."""
    return PostgresVault(
        Database(url, seconds=seconds, environ={}),
        lambda: None if passphrase is None else passphrase.encode(),
        RememberedKeys({"XDG_RUNTIME_DIR": memory}, Path(memory), is_wanted=memory != ""),
        lambda vault: Seen(folder, vault),
        host,
    )


class Fleet:
    """A database with a vault, and what hosts do with it; a host is a folder with a state.

    The connections that it has opened in this thread end with its `with` block.
    """

    def __init__(self, server: Postgres, database: str, folder: Path, memory: str) -> None:
        self.server, self.database = server, database
        self.folder, self._memory = folder, memory
        self._made: list[PostgresVault] = []

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._made:
            each.close()

    def host(
        self,
        name: str = "one",
        *,
        passphrase: str | None = PASSPHRASE,
        role: str = SUPERUSER,
        url: str = "",
        remembers: bool = True,
        **options: Any,
    ) -> PostgresVault:
        """Return the vault as a new process of the host `name` has it."""
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        memory = self._memory if remembers else ""
        address = url or self.server.url(role=role, database=self.database)
        made = vault_object(folder, address, passphrase, memory=memory, host=name, **options)
        made.database.patience = 0.3
        self._made.append(made)
        return made

    def local(self, name: str = "one", what: str = "token") -> LocalTurn:
        """Return the part of a turn that is the host's."""
        base = self.folder / name / what
        return LocalTurn(base.with_suffix(".lock"), base.with_suffix(".json"))

    def sql(self, text: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows that a statement brings, in its database."""
        return self.server.sql(text, self.database, values)

    def row(self, name: str) -> tuple[Any, ...]:
        """Return the version of an entry, and what is sealed in it."""
        [found] = self.sql("select version, sealed from hexauth.entry where name = %s", [name])
        return found

    def set(self, name: str, version: int, sealed: bytes | None) -> None:
        """Put a row there, as the database's owner can."""
        text = "update hexauth.entry set version = %s, sealed = %s where name = %s"
        self.sql(text, [version, sealed, name])

    def clear(self) -> None:
        """Remove all entries but the key."""
        clear(self.server, self.database)

    def connections(self) -> int:
        """Return how many connections hexauth has to its database."""
        return hexauths(self.server, self.database)


def clear(server: Postgres, database: str) -> None:
    """Remove all entries but the key that they are sealed with, which takes long to make."""
    text = "delete from hexauth.entry where not starts_with(name, %s) and name <> %s"
    server.sql(text, database, [SLOTS, CURRENT])


def hexauths(server: Postgres, database: str) -> int:
    """Return how many connections of hexauth's a database has."""
    counted = (
        "select count(*) from pg_stat_activity where datname = %s and application_name = 'hexauth'"
    )
    [(count,)] = server.sql(counted, values=[database])
    return int(count)


def cram(server: Postgres, database: str) -> None:
    """Fill what is left in the pages of a vault's table, on a disk that is full."""
    import psycopg

    text = (
        "insert into hexauth.entry (name, version, sealed)"
        " select 'filler/' || gen_random_uuid(), 1, convert_to(repeat('x', %s), 'UTF8')"
    )
    for size in (1500, 100, 1):
        with suppress(psycopg.errors.DiskFull):
            server.sql("vacuum hexauth.entry", database)  # all the room in them is known then
        with suppress(psycopg.errors.DiskFull):
            while True:
                server.sql(text, database, [size])


def terminate(server: Postgres, database: str) -> None:
    """End every connection of hexauth's to a database, as a server that restarts does."""
    server.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = %s and application_name = 'hexauth'",
        values=[database],
    )


def make_vault(server: Postgres, database: str) -> None:
    """Make a database with an empty vault in it."""
    server.create_database(database)
    server.sql(SQL, database)


def admit(server: Postgres, role: str) -> None:
    """Make a role that may do what a host may."""
    server.role(role)
    server.sql(f'grant hexauth_host to "{role}"')


class Host(Machine):
    """A machine whose vault is in a database: a home and a memory of its own."""

    def __init__(self, folder: Path, api_url: str, vault: str, memory: str) -> None:
        folder.mkdir()
        Path(memory).mkdir(mode=0o700)
        super().__init__(folder, api_url)
        self.environ |= {
            "HEXAUTH_VAULT": vault,
            "HEXAUTH_PASSPHRASE": PASSPHRASE,
            "HEXAUTH_VAULT_TIMEOUT": "5",
            "HEXAUTH_BROWSER": "never",
            "XDG_RUNTIME_DIR": memory,
        }
        self.said = b""
        """All that its commands have printed."""

    def get(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run `hexauth get` for the token; nobody is asked unless `words` say so."""
        done = self.hexauth(*GET, *(words or ["--no-login"]))
        self.said += done.stdout + done.stderr
        return done

    def newest(self) -> str:
        """Return the token that takes the place of one that was rejected."""
        self.erase(self.token())
        return self.token()

    def look(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run what is not tested itself, sooner."""
        done = self.prepare("hexauth", *words)
        self.said += done.stdout + done.stderr
        return done


GET = ("get", "hexpm", "--format", "token")


class Hosts:
    """Makes hosts that share a vault, and forgets them when its `with` block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._memory = ""

    def __enter__(self) -> "Hosts":
        self._memory = self._stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hx-fleet-", dir="/dev/shm")
        )
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()

    def __call__(self, name: str, vault: str, api_url: str) -> Host:
        """Return a new host called `name`."""
        return Host(self._folder / name, api_url, vault, f"{self._memory}/{name}")


def renewing(host: Host, by: Process) -> int:
    """Return the process that renews the token for `by`: it is nobody's child by then."""
    home = f"HEXAUTH_HOME={host.environ['HEXAUTH_HOME']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(folder.name)
            if home in (folder / "environ").read_bytes().split(b"\0") and os.getsid(pid) == pid:
                found.append(pid)
    [holder] = [pid for pid in found if pid != by.pid]
    return holder


@contextmanager
def locked(server: Postgres, database: str) -> Iterator[Callable[[], bool]]:
    """Let nobody write to a vault's entries; yield what tells whether somebody tries to."""
    import psycopg

    with psycopg.connect(server.url(database=database)) as connection:
        connection.execute("lock table hexauth.entry in share mode")

        def is_waited_for() -> bool:
            waits = "select count(*) from pg_locks where not granted and mode = 'RowExclusiveLock'"
            return server.sql(waits) != [(0,)]

        yield is_waited_for


class Yard:
    """A server of Hex, a database with a vault, and hosts that share it."""

    def __init__(self, sandbox: Sandbox, server: Postgres, database: str, hosts: Hosts) -> None:
        self.sandbox, self.server, self.database = sandbox, server, database
        self._hosts = hosts
        self.hosts: list[Host] = []

    def host(self, name: str, vault: str = "", *, is_logged_in: bool = False) -> Host:
        """Return a new host; one that is logged in has logged in all of them."""
        address = vault or self.server.url(database=self.database)
        found = self._hosts(name, address, self.sandbox.api_url)
        self.hosts.append(found)
        if is_logged_in:
            done = found.look("login", "--no-browser")
            assert done.returncode == 0, done.stderr
        return found

    def count(self, what: str) -> int:
        """Return how often the server was asked for something."""
        return self.sandbox.journal.counts()[what]

    def sql(self, text: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows that a statement brings, in the vault's database."""
        return self.server.sql(text, self.database, values)

    def is_idle(self) -> bool:
        """Tell whether no host is connected."""
        return hexauths(self.server, self.database) == 0


def late(host: Host, seconds: float, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """Run `hexauth` on a host whose clock is fast by these seconds."""
    program = need("faketime", "faketime")
    kept = {"NO_FAKE_STAT": "1"}  # the times of files
    done = host.run(program, "-f", f"{seconds:+}s", "hexauth", *words, environ=kept)
    host.said += done.stdout + done.stderr
    return done
