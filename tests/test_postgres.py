"""The servers that tests of a vault in PostgreSQL need do what their names say."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.authorities import sign
from tests.bouncer import PLACES, Bouncer, PoolMode
from tests.conftest import need
from tests.postgres import Postgres
from tests.small_database import SmallDatabase
from tests.waiting import until

OPEN = "select count(*) from pg_stat_activity where datname = %s"


def rows(url: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(text.encode()).fetchall()


@pytest.fixture(scope="module")
def primary(postgres: Postgres) -> Iterator[Postgres]:
    """Start a server that may be killed: not the one that other tests use, too."""
    with Postgres(fast=True) as server:
        server.sql("create table kept (n int)")
        yield server


def test_server_has_the_roles_and_databases_that_were_made(postgres: Postgres) -> None:
    postgres.role("reader")
    postgres.create_database("of readers")

    found = rows(
        postgres.url(role="reader", database="of readers"),
        "select current_user, current_database()",
    )

    assert found == [("reader", "of readers")]


def test_role_without_login_does_not_get_in(postgres: Postgres) -> None:
    postgres.role("nobody", login=False)

    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(postgres.url(role="nobody"))


def test_connections_are_counted_by_application(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url(application_name="counted")):
        assert postgres.connections("counted") == 1
        assert postgres.connections() >= 1

    until(lambda: postgres.connections("counted") == 0)


def test_server_syncs_to_disk_unless_it_is_fast(postgres: Postgres) -> None:
    with Postgres() as careful:
        assert careful.sql("show fsync") == [("on",)]
    assert postgres.sql("show fsync") == [("off",)]


def test_restart_cuts_connections_and_comes_back_at_the_same_address(primary: Postgres) -> None:
    with psycopg.connect(primary.url()) as connection:
        primary.restart()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")

    assert rows(primary.url(), "select 1") == [(1,)]


def test_killed_server_that_is_started_again_has_what_was_committed(primary: Postgres) -> None:
    with psycopg.connect(primary.url()) as connection:
        connection.execute("insert into kept values (1)")
        connection.commit()
        connection.execute("insert into kept values (2)")
        primary.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
    primary.start()

    assert primary.sql("select n from kept where n < 3") == [(1,)]


def test_paused_server_answers_when_it_goes_on(primary: Postgres) -> None:
    with psycopg.connect(primary.url()) as connection:
        primary.pause()
        begin = time.monotonic()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(primary.url(connect_timeout="2"))
        assert time.monotonic() - begin >= 1.5
        primary.resume()

        assert connection.execute("select 1").fetchall() == [(1,)]


def test_replica_shows_a_commit_late_and_loses_what_it_has_not_got(primary: Postgres) -> None:
    with primary.replica() as replica:
        replica.pause_replay()
        primary.sql("insert into kept values (3)")
        assert replica.sql("select n from kept where n = 3") == []
        replica.resume_replay()
        replica.catch_up()
        assert replica.sql("select n from kept where n = 3") == [(3,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            replica.sql("insert into kept values (0)")

        replica.disconnect()
        primary.sql("insert into kept values (4)")
        replica.promote()

        replica.sql("insert into kept values (5)")
        assert replica.sql("select n from kept where n > 2 order by n") == [(3,), (5,)]


def test_certificate_of_a_server_is_verified(tmp_path: Path) -> None:
    authority = sign("hexauth test authority", is_authority=True)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(sign("a stranger", is_authority=True).pem)
    with Postgres(fast=True, tcp=True, tls=authority) as server:
        verified: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": str(server.root)}

        for host in ("localhost", "127.0.0.1"):
            url = server.url(host=host, **verified)
            assert rows(url, "select ssl from pg_stat_ssl where pid = pg_backend_pid()") == [
                (True,)
            ]
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            psycopg.connect(server.url(tcp=True, **{**verified, "sslrootcert": str(stranger)}))
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            psycopg.connect(server.url(tcp=True, sslmode="disable"))


def test_full_disk_is_an_error_until_there_is_room_again(postgres: Postgres) -> None:
    with SmallDatabase(postgres, "small") as small:
        postgres.sql("create table more (bytes bytea)", "small")
        insert = "insert into more values (sha512('1'))"

        small.fill()
        with pytest.raises(psycopg.errors.DiskFull):
            postgres.sql(insert, "small")
        small.drain()

        postgres.sql(insert, "small")


@pytest.mark.parametrize(("pool_mode", "shared"), [("transaction", 1), ("session", 2)])
def test_bouncer_lets_clients_share_connections_by_its_mode(
    postgres: Postgres, pool_mode: PoolMode, shared: int
) -> None:
    need("pgbouncer", "pgbouncer", PLACES)
    database = f"bounced by {pool_mode}"
    postgres.create_database(database)
    with Bouncer(postgres, pool_mode) as bouncer:
        url = bouncer.url(database=database)
        with psycopg.connect(url, autocommit=True) as one:
            one.execute("select 1")
            with psycopg.connect(url, autocommit=True) as other:
                assert other.execute("select 1").fetchall() == [(1,)]
                assert postgres.sql(OPEN, values=[database]) == [(shared,)]
    postgres.sql(f'drop database "{database}" with (force)')


def test_bouncer_knows_roles_that_are_made_later(postgres: Postgres) -> None:
    need("pgbouncer", "pgbouncer", PLACES)
    with Bouncer(postgres, tcp=True) as bouncer:
        postgres.role("late")

        for tcp in (False, True):
            assert rows(bouncer.url(role="late", tcp=tcp), "select current_user") == [("late",)]
