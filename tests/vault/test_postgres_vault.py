"""A vault in PostgreSQL: versions that only grow, writers that are outrun, rights of hosts."""

import threading
from functools import partial

import pytest

from hexauth.errors import Outrun, VaultError
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.schema import LAYOUT
from tests.fleet import Fleet, admit, terminate
from tests.waiting import at_once

SECRET = "s3cr3t-of-the-fleet"


def error_of(vault: PostgresVault, entry: str = "entry") -> tuple[str, str]:
    """Return what is said when an entry cannot be read, and the hint."""
    with pytest.raises(VaultError) as caught:
        vault.read(entry)
    return str(caught.value), caught.value.hint


def test_other_hosts_read_what_one_has_written(fleet: Fleet) -> None:
    fleet.host("one").write("entry", SECRET)

    assert fleet.host("two", remembers=False).read("entry") == SECRET


def test_each_write_and_each_removal_makes_a_version_greater(fleet: Fleet) -> None:
    """So a removed entry does not come back as what it was before."""
    vault = fleet.host()
    seen = []
    for value in ("a", "b", None, None, "c"):
        if value is None:
            vault.delete("entry")
        else:
            vault.write("entry", value)
        seen.append(fleet.row("entry")[0])

    assert seen == [1, 2, 3, 3, 4]
    assert fleet.host("two").read("entry") == "c"


def test_host_that_has_read_an_older_version_overwrites_nothing(fleet: Fleet) -> None:
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "old")
    two.read("entry")
    one.write("entry", "new")

    with pytest.raises(Outrun, match="Another host has saved a newer entry"):
        two.write("entry", "late")

    assert two.read("entry") == "new"


def test_host_that_has_read_an_older_version_removes_nothing(fleet: Fleet) -> None:
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "old")
    two.read("entry")
    one.write("entry", "new")

    with pytest.raises(Outrun):
        two.delete("entry")

    assert one.read("entry") == "new"


def test_of_hosts_that_write_at_the_same_moment_one_is_not_outrun(fleet: Fleet) -> None:
    vaults = [fleet.host(str(number)) for number in range(4)]
    barrier = threading.Barrier(len(vaults))

    def write(vault: PostgresVault) -> str:
        try:
            vault.read("entry")
            barrier.wait(20)
            vault.write("entry", vault.host)
        except Outrun:
            return ""
        finally:
            vault.close()
        return vault.host

    ended = at_once([partial(write, vault) for vault in vaults])

    assert len(ended) == len(vaults)
    assert [fleet.host().read("entry")] == [name for name in ended if name]


def test_hosts_that_are_the_first_agree_on_one_key(fleet: Fleet) -> None:
    """Each would make one; whoever is outrun takes the other's."""
    fleet.sql("delete from hexauth.entry")
    vaults = [fleet.host(str(number)) for number in range(3)]
    barrier = threading.Barrier(len(vaults))

    def write(vault: PostgresVault) -> None:
        barrier.wait(20)
        vault.write(f"of {vault.host}", SECRET)
        vault.close()

    at_once([partial(write, vault) for vault in vaults])

    assert [fleet.host().read(f"of {each.host}") for each in vaults] == [SECRET] * 3
    assert fleet.sql("select count(*) from hexauth.entry where name like 'slot/%'") == [(1,)]


def test_what_is_written_at_once_is_there_in_full_or_not_at_all(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.write("one", "old")

    def fail() -> None:
        with vault.at_once():
            vault.write("one", "new")
            vault.write("two", "new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [vault.read(name) for name in ("one", "two")] == ["old", None]
    vault.write("one", "newer")
    assert fleet.row("one")[0] == 2


def test_connection_lost_inside_of_what_is_written_at_once_undoes_it(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.write("one", "old")

    def fail() -> None:
        with vault.at_once():
            vault.write("one", "new")
            terminate(fleet.server, fleet.database)
            vault.write("two", "new")

    with pytest.raises(VaultError):
        fail()

    assert [fleet.host("two").read(name) for name in ("one", "two")] == ["old", None]
    assert [vault.read(name) for name in ("one", "two")] == ["old", None]


def test_check_leaves_no_entry(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.check()
    vault.check()

    left = "select name from hexauth.entry where sealed is not null and name like 'probe%'"
    assert fleet.sql(left) == []


def test_role_with_the_rights_of_a_host_does_all_that_a_host_does(fleet: Fleet) -> None:
    admit(fleet.server, "builder")
    vault = fleet.host(role="builder")
    vault.check()
    vault.write("entry", "value")
    vault.delete("entry")
    vault.write("entry", SECRET)
    with vault.turn("a/token", fleet.local()).held(5):
        vault.turn("a/token", fleet.local()).read()
    fleet.sql("delete from hexauth.entry where name = 'entry'")

    assert vault.read("entry") == SECRET
    assert vault.row("entry").saved_as == "builder"
    assert vault.database.run(lambda found: found.execute("listen hexauth")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "delete from hexauth.entry",
        "truncate hexauth.entry",
        "drop table hexauth.entry",
        "drop schema hexauth cascade",
        "alter table hexauth.entry add column more text",
        "update hexauth.meta set value = '2'",
        "insert into hexauth.meta values ('more', '')",
        "delete from hexauth.meta",
        "create table hexauth.more (n int)",
        "drop trigger tell on hexauth.entry",
        "create or replace function hexauth.tell() returns trigger language sql as 'select 1'",
        "alter role hexauth_host superuser",
    ],
)
def test_role_with_the_rights_of_a_host_does_nothing_else(fleet: Fleet, text: str) -> None:
    if not fleet.server.sql("select 1 from pg_roles where rolname = 'builder'"):
        admit(fleet.server, "builder")
    vault = fleet.host(role="builder")

    with pytest.raises(VaultError, match="does not let this role do that"):
        vault.database.run(lambda connection: connection.execute(text.encode()))


def test_role_without_those_rights_is_told_what_it_lacks(fleet: Fleet) -> None:
    fleet.server.role("stranger")

    message, hint = error_of(fleet.host(role="stranger"))

    assert "does not let this role do that" in message
    assert "hexauth_host" in hint


def test_layout_of_a_newer_version_is_refused(own_fleet: Fleet) -> None:
    own_fleet.sql("update hexauth.meta set value = %s where key = 'layout'", [str(LAYOUT + 1)])
    vault = own_fleet.host()

    message, hint = error_of(vault)

    assert f"the layout {LAYOUT + 1}, and this hexauth knows layout {LAYOUT}" in message
    assert hint.startswith("Upgrade hexauth")
    with pytest.raises(VaultError, match="layout"):
        vault.write("entry", "value")


def test_what_a_newer_version_has_added_is_left_alone(own_fleet: Fleet) -> None:
    """Older and newer hosts go on side by side."""
    own_fleet.host("one").write("entry", "old")
    own_fleet.sql(
        "alter table hexauth.entry add column more text not null default 'kept';"
        "create table hexauth.other (n int);"
        "insert into hexauth.meta values ('of a newer version', '1')"
    )
    vault = own_fleet.host("two")
    assert vault.read("entry") == "old"
    vault.write("entry", "older")
    vault.write("another", "value")

    assert own_fleet.host("one").read("entry") == "older"
    assert own_fleet.sql("select distinct more from hexauth.entry") == [("kept",)]


def test_row_of_a_newer_format_is_refused_and_not_overwritten(fleet: Fleet) -> None:
    one = fleet.host("one")
    one.write("entry", "value")
    version, sealed = fleet.row("entry")
    newer = b"\x02" + bytes(sealed)[1:]
    fleet.set("entry", version + 1, newer)
    vault = fleet.host("two")

    assert "was sealed by a newer hexauth" in error_of(vault)[0]
    assert error_of(vault)[1].startswith("Upgrade")
    with pytest.raises(Outrun):
        one.write("entry", "late")
    assert bytes(fleet.row("entry")[1]) == newer


def test_trigger_that_changes_what_is_written_is_noticed(own_fleet: Fleet) -> None:
    vault = own_fleet.host()
    own_fleet.sql(
        "create function spoil() returns trigger language plpgsql as"
        " $$ begin new.sealed = new.sealed || 'x'::bytea; return new; end $$;"
        "create trigger spoil before insert or update on hexauth.entry"
        " for each row execute function spoil()"
    )

    with pytest.raises(VaultError, match="does not hold what was just written"):
        vault.write("entry", "value")
