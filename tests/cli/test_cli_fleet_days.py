"""Bad days of the database that hosts share: it is down, restarted, full, a replica, or closed."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from hexauth.sandbox.faults import parse
from hexauth.vault.schema import SQL
from tests.bouncer import PLACES, Bouncer
from tests.cli.conftest import MakeYard
from tests.cli.test_cli_fleet import ended
from tests.conftest import need
from tests.fleet import GET, PASSPHRASE, Host, Yard, admit, cram, late, terminate
from tests.postgres import Postgres
from tests.small_database import SmallDatabase
from tests.waiting import until

NEAR_END, ENDED = 1600, 1900
"""Seconds after a login: its token, of 30 minutes, is below `min_ttl`; it has ended."""

ROWS = "select name, version, sealed from hexauth.entry order by name"


@pytest.fixture(scope="module")
def frail() -> Iterator[Postgres]:
    """Start a server that may be stopped: not the one that others use."""
    with Postgres(fast=True) as server:
        yield server


def two_lines(done: "subprocess.CompletedProcess[bytes]") -> list[str]:
    """Return the two lines that say why there is no token; nothing else may be printed."""
    assert (done.returncode, done.stdout) == (7, b""), done.stderr
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2, lines
    return lines


def troubles(host: Host) -> str:
    """Return what `hexauth doctor` finds wrong."""
    found = json.loads(host.look("doctor", "--json").stdout)
    return "\n".join(str(each) for each in _problems(found))


def _problems(found: object) -> Iterator[object]:
    if isinstance(found, dict):
        if found.get("level", found.get("state")) == "problem":
            yield found
        for each in found.values():
            yield from _problems(each)
    elif isinstance(found, list):
        for each in found:
            yield from _problems(each)


def is_in_order(yard: Yard, *, refreshes: int) -> None:
    """Check that nobody was asked twice, and nothing renewed in vain; and that nothing is open."""
    assert yard.count("device_authorization") == 1
    assert yard.count("refresh") == refreshes
    assert len(yard.sandbox.hexpm.sessions()) == 1
    until(yard.is_idle)


def test_hosts_go_on_with_what_is_in_memory_while_the_database_is_down(
    yard: MakeYard, frail: Postgres
) -> None:
    here = yard(frail)
    one, cold = here.host("one"), here.host("cold")
    for each in (one, cold):
        each.environ["HEXAUTH_VAULT_TIMEOUT"] = "2"
    assert one.look("login", "--no-browser").returncode == 0
    token = one.token()
    frail.stop()
    try:
        assert one.token() == token
        near = late(one, NEAR_END, *GET, "--no-login")
        over = two_lines(late(one, ENDED, *GET, "--no-login"))
        nothing = two_lines(cold.get())
        said = troubles(one)
    finally:
        frail.start()

    assert (near.returncode, near.stdout.decode().strip()) == (0, token)
    for lines in (over, nothing):
        assert "cannot be reached: nobody answers there" in lines[0]
        assert "Try again in a moment" in lines[1]
    assert "nobody answers there" in said
    assert cold.token() == token
    is_in_order(here, refreshes=0)


def test_restart_in_the_middle_of_a_renewal_costs_nothing(yard: MakeYard, frail: Postgres) -> None:
    here = yard(frail)
    one, two = here.host("one", is_logged_in=True), here.host("two")
    old = two.token()
    one.erase(old)
    here.sandbox.faults.add(parse("slow:1@refresh"))
    with one.start("hexauth", *GET) as process:
        until(lambda: here.count("refresh") == 1)
        frail.restart("immediate")
        [(status, out, err)] = ended(process)

    assert (status, err) == (0, b"")
    two.erase(old)
    assert out.decode().strip() == two.token() != old
    is_in_order(here, refreshes=1)


def test_replica_gives_tokens_and_says_that_it_can_only_be_read(
    yard: MakeYard, frail: Postgres
) -> None:
    here = yard(frail)
    one = here.host("one", is_logged_in=True)
    token = one.token()
    with frail.replica() as replica:
        replica.catch_up()
        two = here.host("two", replica.url(database=here.database))
        assert two.token() == token
        one.erase(token)
        replica.catch_up()
        two.environ["XDG_RUNTIME_DIR"] += "/another"  # nothing is in memory
        lines = two_lines(two.get())
        said = troubles(two)

    assert "can only be read: it is a replica" in lines[0]
    assert "target_session_attrs=read-write" in lines[1]
    assert "can only be read" in said
    assert one.token() != token
    is_in_order(here, refreshes=1)


def test_token_that_a_full_disk_does_not_take_is_saved_when_there_is_room(
    yard: MakeYard, postgres: Postgres
) -> None:
    with SmallDatabase(postgres, "small") as small:
        postgres.sql(SQL, small.name)
        here = yard(postgres, small.name)
        one, two = here.host("one", is_logged_in=True), here.host("two")
        old = two.token()
        one.erase(old)
        here.sandbox.faults.add(parse("slow:4@refresh"))
        with one.start("hexauth", *GET) as process:
            until(lambda: here.count("refresh") == 1)
            here.sql("vacuum hexauth.entry")
            small.fill()
            cram(postgres, small.name)
            [(status, out, err)] = ended(process)
        kept = one.get()
        small.drain()
        new = one.token()
        two.erase(old)

        assert two.token() == new != old
        is_in_order(here, refreshes=1)
        assert (status, out) == (7, b"")
        assert b"is full" in err
        assert b"kept in memory" in err
        assert (kept.returncode, kept.stdout.decode().strip()) == (0, new)
        terminate(postgres, small.name)


def test_failover_that_loses_the_last_commit_is_put_right_by_who_has_seen_it(
    yard: MakeYard, frail: Postgres
) -> None:
    here = yard(frail)
    one, two = here.host("one", is_logged_in=True), here.host("two")
    old = two.token()
    with frail.replica() as replica:
        replica.catch_up()
        replica.disconnect()
        new = one.newest()
        frail.stop("immediate")
        try:
            replica.promote()
            for each in (one, two):
                each.environ["HEXAUTH_VAULT"] = replica.url(database=here.database)
            one.erase("another token")  # it looks into the vault
            two.erase(old)

            assert two.token() == one.token() == new
            assert here.host("new", replica.url(database=here.database)).token() == new
        finally:
            frail.start()
    is_in_order(here, refreshes=1)


def test_wrong_passphrase_on_one_host_changes_nothing_and_others_go_on(yard: MakeYard) -> None:
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    token = one.token()
    two.environ["HEXAUTH_PASSPHRASE"] = "an0ther one"
    before = here.sql(ROWS)

    lines = two_lines(two.get())
    said = troubles(two)

    assert here.sql(ROWS) == before
    assert "The passphrase that is set on this host does not open the database's vault" in lines[0]
    assert "does not open" in said
    assert one.newest() != token
    assert b"an0ther" not in two.said
    assert PASSPHRASE.encode() not in two.said
    is_in_order(here, refreshes=1)


def test_host_without_a_passphrase_is_told_how_to_give_one(yard: MakeYard) -> None:
    here = yard()
    here.host("one", is_logged_in=True)
    two = here.host("two")
    del two.environ["HEXAUTH_PASSPHRASE"]

    lines = two_lines(two.get())

    assert "needs a passphrase" in lines[0]
    assert "HEXAUTH_PASSPHRASE" in lines[1]


def test_host_is_shut_out_by_its_role(yard: MakeYard) -> None:
    here = yard()
    admit(here.server, "builders")
    try:
        one = here.host("one", is_logged_in=True)
        url = here.server.url(database=here.database, role="builders")
        two = here.host("two", url)
        token = two.token()
        here.server.sql("alter role builders nologin")

        lines = two_lines(here.host("three", url).get())
        said = troubles(two)

        assert "does not let this role in" in lines[0]
        assert "does not let this role in" in said
        assert one.token() == token
    finally:
        here.server.sql("drop owned by builders; drop role builders")


def test_pool_that_shares_sessions_is_told_and_one_in_session_mode_serves(yard: MakeYard) -> None:
    need("pgbouncer", "pgbouncer", PLACES)
    here = yard()
    one = here.host("one", is_logged_in=True)
    token = one.token()
    with Bouncer(here.server, "transaction") as bouncer:
        lines = two_lines(here.host("two", bouncer.url(database=here.database)).get())
    with Bouncer(here.server, "session") as bouncer:
        three = here.host("three", bouncer.url(database=here.database))
        assert three.token() == token
        new = three.newest()
    one.erase(token)

    assert "is behind a pooler that shares sessions" in lines[0]
    assert one.token() == new
    terminate(here.server, here.database)
    is_in_order(here, refreshes=1)
