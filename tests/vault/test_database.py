"""Connections to a vault's database: few, closed, and what is said when they fail."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hexauth.errors import Away, VaultError
from hexauth.vault.database import Database
from tests.bouncer import PLACES, Bouncer, PoolMode
from tests.conftest import need
from tests.fleet import Fleet, admit, make_vault, terminate, vault_object
from tests.postgres import Postgres
from tests.waiting import until


def failure(url: str, seconds: float = 5) -> VaultError:
    """Return what is said of a database that is of no use; nothing is tried for long."""
    database = Database(url, seconds=seconds, environ={})
    database.patience = 0
    with pytest.raises(VaultError) as caught:
        database.run(lambda connection: connection.execute("select 1"))
    assert not database.is_open
    return caught.value


@pytest.fixture(scope="module")
def frail(postgres: Postgres) -> Iterator[Postgres]:
    """Start a server that may be stopped, with a vault in it: not the one that others use."""
    with Postgres(fast=True) as server:
        make_vault(server, "frail")
        yield server


def test_connection_is_opened_when_it_is_needed_and_closed_when_told(fleet: Fleet) -> None:
    vault = fleet.host()
    assert fleet.connections() == 0

    vault.write("entry", "value")
    assert fleet.connections() == 1

    vault.close()
    until(lambda: fleet.connections() == 0)


def test_each_thread_has_a_connection_of_its_own(fleet: Fleet) -> None:
    """A lock of the database belongs to its connection."""
    vault = fleet.host()
    vault.read("entry")
    seen: list[int] = []

    def work() -> None:
        vault.read("entry")
        seen.append(fleet.connections())
        vault.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)

    assert seen == [2]
    until(lambda: fleet.connections() == 1)


def test_connection_that_was_ended_is_opened_again(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.write("entry", "value")
    before = vault.database.generation
    terminate(fleet.server, fleet.database)

    assert vault.read("entry") == "value"
    assert vault.database.generation == before + 1


def test_database_that_is_being_restarted_is_waited_for(frail: Postgres, tmp_path: Path) -> None:
    vault = vault_object(tmp_path, frail.url(database="frail"))
    vault.write("entry", "value")
    frail.stop("immediate")
    starter = threading.Thread(target=frail.start)
    starter.start()
    try:
        assert vault.read("entry") == "value"
    finally:
        starter.join()
        vault.close()


def test_database_that_is_down_is_away_and_asked_once_for_all_that_a_process_wants(
    frail: Postgres, tmp_path: Path
) -> None:
    vault = vault_object(tmp_path, frail.url(database="frail"))
    vault.database.patience = 0.3
    frail.stop()
    try:
        with pytest.raises(Away, match="cannot be reached: nobody answers there") as caught:
            vault.read("entry")
        with pytest.raises(Away) as again:
            vault.read("entry")
    finally:
        frail.start()
    assert again.value is caught.value
    assert "what is in memory goes on being handed out" in caught.value.hint


def test_database_that_does_not_answer_is_given_up(frail: Postgres) -> None:
    frail.pause()
    try:
        begun = time.monotonic()
        error = failure(frail.url(database="frail"), seconds=2)
        assert time.monotonic() - begun < 8
    finally:
        frail.resume()

    assert "did not answer in time" in str(error)


def test_database_that_stops_answering_in_the_middle_is_given_up(
    frail: Postgres, tmp_path: Path
) -> None:
    """Its host has lost its power, say: nothing closes the connection."""
    vault = vault_object(tmp_path, frail.url(database="frail"), seconds=1)
    vault.database.patience = 0
    vault.write("entry", "value")
    frail.pause()
    resumed = threading.Timer(20, frail.resume)  # so that the test ends in any case
    resumed.start()
    begun = time.monotonic()
    try:
        with pytest.raises(VaultError):
            vault.read("entry")
        assert time.monotonic() - begun < 15
    finally:
        resumed.cancel()
        frail.resume()
        vault.close()


def test_statement_that_waits_for_a_lock_is_given_up(fleet: Fleet) -> None:
    import psycopg

    vault = fleet.host(seconds=0.3)
    vault.write("entry", "value")
    with psycopg.connect(fleet.server.url(database=fleet.database)) as other:
        other.execute("lock table hexauth.entry")
        with pytest.raises(VaultError, match="did not answer in time"):
            vault.read("entry")

    assert vault.read("entry") == "value"


def test_database_without_a_vault_says_how_to_make_one(postgres: Postgres) -> None:
    error = failure(postgres.url())

    assert str(error).startswith("There is no vault in the database ")
    assert "hexauth vault init" in error.hint


def test_database_and_role_that_are_not_there_are_told_apart(postgres: Postgres) -> None:
    assert str(failure(postgres.url(database="nowhere"))).endswith("is not there.")
    assert "does not let this role in" in str(failure(postgres.url(role="nobody at all")))


def test_role_that_was_shut_out_is_not_let_in(fleet: Fleet) -> None:
    admit(fleet.server, "shut out")
    fleet.host(role="shut out").write("entry", "value")
    fleet.server.sql('alter role "shut out" nologin')

    url = fleet.server.url(role="shut out", database=fleet.database)
    assert "does not let this role in" in str(failure(url))


def test_clock_of_the_database_counts_as_the_same_within_seconds(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.read("entry")

    assert vault.ahead() == 0


@contextmanager
def bounced(server: Postgres, mode: PoolMode) -> Iterator[Bouncer]:
    need("pgbouncer", "pgbouncer", PLACES)
    with Bouncer(server, mode) as bouncer:
        yield bouncer


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_pool_that_shares_sessions_is_noticed_and_refused(own_fleet: Fleet, mode: PoolMode) -> None:
    """No lock of a session lasts there."""
    with bounced(own_fleet.server, mode) as bouncer:
        vault = own_fleet.host(url=bouncer.url(database=own_fleet.database))
        with pytest.raises(VaultError) as caught:
            vault.read("entry")
        vault.close()

    assert "is behind a pooler that shares sessions" in str(caught.value)
    assert "pool_mode=session" in caught.value.hint


def test_pool_in_session_mode_does(own_fleet: Fleet) -> None:
    with bounced(own_fleet.server, "session") as bouncer:
        vault = own_fleet.host(url=bouncer.url(database=own_fleet.database))
        vault.write("entry", "value")
        with vault.turn("a/token", own_fleet.local()).held(5):
            assert own_fleet.host("two").turn("a/token", own_fleet.local("two")).is_held()
        assert vault.read("entry") == "value"
        vault.close()


PASSWORD = "s3cr3t of the role"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Postgres]:
    """Start a server that wants a password of everybody but the superuser."""
    with Postgres(fast=True) as server:
        make_vault(server, "guarded")
        admit(server, "builder")
        server.sql(f"alter role builder password '{PASSWORD}'")
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (server.data / "pg_hba.conf").write_text(rules)
        server.sql("select pg_reload_conf()")
        url = server.url(role="builder", database="guarded")
        until(lambda: "let this role in" in look(url).stderr)
        yield server


def look(url: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Look at a vault in a process of its own, as libpq takes its environment from there."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "HEX"))}
    return subprocess.run(
        [sys.executable, "-c", LOOK, url],
        env={**here, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


LOOK = """
import os, sys
from hexauth.vault.database import Database
database = Database(sys.argv[1], seconds=5, environ=os.environ)
database.patience = 0
print(database.run(lambda connection: connection.execute("select current_user").fetchone()[0]))
database.close()
"""


def test_password_comes_from_a_file_of_passwords(guarded: Postgres, tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"*:*:guarded:builder:{PASSWORD}\n")
    file.chmod(0o600)

    done = look(guarded.url(role="builder", database="guarded"), PGPASSFILE=str(file))

    assert (done.stdout, done.stderr) == ("builder\n", "")


@pytest.mark.parametrize("url", ["postgresql://?service=team", "postgresql://"])
def test_everything_comes_from_a_service(guarded: Postgres, tmp_path: Path, url: str) -> None:
    file = tmp_path / "services"
    file.write_text(
        f"[team]\nhost={guarded.folder}\nport={guarded.port}\ndbname=guarded\nuser=builder\n"
        f"password={PASSWORD}\n"
    )
    named = {} if "service" in url else {"PGSERVICE": "team"}

    done = look(url, PGSERVICEFILE=str(file), **named)

    assert (done.stdout, done.stderr) == ("builder\n", "")


def test_wrong_password_is_told_and_not_shown(guarded: Postgres, tmp_path: Path) -> None:
    url = guarded.url(role="builder", database="guarded")

    done = look(url, PGPASSWORD="wr0ng")

    assert "does not let this role in" in done.stderr
    assert "wr0ng" not in done.stdout + done.stderr
