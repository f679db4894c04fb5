"""The SQL that makes a vault can be run again, and its commands say what they have done."""

import json
from pathlib import Path

import pytest

from hexauth.vault.schema import LAYOUT, SQL
from tests.fleet import GET, Hosts
from tests.postgres import Postgres

TABLES = (
    "select table_name from information_schema.tables where table_schema = 'hexauth' order by 1"
)


@pytest.fixture
def database(postgres: Postgres) -> str:
    name = "of the schema"
    postgres.sql(f'drop database if exists "{name}"')
    postgres.create_database(name)
    return name


def test_what_is_run_again_changes_nothing(postgres: Postgres, database: str) -> None:
    postgres.sql(SQL, database)
    before = postgres.sql("select * from hexauth.meta order by key", database)
    postgres.sql("insert into hexauth.entry (name, version) values ('kept', 7)", database)
    postgres.sql(SQL, database)

    assert postgres.sql("select * from hexauth.meta order by key", database) == before
    assert postgres.sql("select name, version from hexauth.entry", database) == [("kept", 7)]
    assert postgres.sql(TABLES, database) == [("entry",), ("meta",)]
    assert dict(before)["layout"] == str(LAYOUT)


def test_init_makes_a_vault_once_and_prints_what_an_owner_can_run(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database=database)
    with Hosts(tmp_path) as hosts:
        host = hosts("one", url, "http://127.0.0.1:1/api")
        before = host.look(*GET, "--no-login")
        printed = host.look("vault", "init", "--print")
        assert postgres.sql(TABLES, database) == []
        done = [host.look("vault", "init", "--json") for _ in range(2)]
        other = hosts("two", "file", "http://127.0.0.1:1/api").look("vault", "init", url)

    assert before.returncode == 7
    assert b"hexauth vault init" in before.stderr
    assert printed.stdout.decode() == SQL
    assert [json.loads(each.stdout)["made"] for each in done] == [True, False]
    assert b"was there already, and is in order" in other.stderr + other.stdout
    assert postgres.sql("select value from hexauth.meta where key = 'layout'", database) == [
        (str(LAYOUT),)
    ]


def test_init_without_a_passphrase_makes_nothing(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    with Hosts(tmp_path) as hosts:
        host = hosts("one", postgres.url(database=database), "http://127.0.0.1:1/api")
        del host.environ["HEXAUTH_PASSPHRASE"]

        done = host.look("vault", "init")

    assert (done.returncode, done.stdout) == (7, b"")
    assert b"needs a passphrase" in done.stderr
    assert postgres.sql(TABLES, database) == []


def test_role_that_may_not_make_a_vault_is_told_so(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    if not postgres.sql("select 1 from pg_roles where rolname = 'makes nothing'"):
        postgres.role("makes nothing")
    with Hosts(tmp_path) as hosts:
        url = postgres.url(database=database, role="makes nothing")

        done = hosts("one", url, "http://127.0.0.1:1/api").look("vault", "init")

    assert done.returncode == 7
    assert b"does not let this role do that" in done.stderr
    assert postgres.sql(TABLES, database) == []
