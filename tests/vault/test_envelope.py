"""What is sealed stays secret, and is what it was, wherever somebody puts it."""

import pytest

from hexauth.errors import VaultError
from tests.fleet import PASSPHRASE, Fleet
from tests.vault.test_postgres_vault import SECRET, error_of

CHANGED = "is not what hexauth has put there"


def test_no_secret_and_no_key_is_in_any_table(fleet: Fleet) -> None:
    """The database's owner sees names, versions, hosts and times."""
    fleet.host().write("entry", SECRET)
    tables = fleet.sql("select table_name from information_schema.tables"
                       " where table_schema = 'hexauth'")  # fmt: skip
    dump = "".join(
        str(fleet.sql(f"select t::text, encode(t::text::bytea, 'escape') from hexauth.{name} t"))  # noqa: S608
        for (name,) in tables
    )
    contents = [bytes(found) for (found,) in fleet.sql("select sealed from hexauth.entry")]

    assert len(tables) >= 2
    for secret in (SECRET, PASSPHRASE):
        hidden = [secret.encode(), secret.encode().hex().encode()]
        assert not any(form in content for form in hidden for content in contents)
        assert not any(form.decode() in dump for form in hidden)


def test_what_is_written_twice_looks_different(fleet: Fleet) -> None:
    vault = fleet.host()
    vault.write("one", SECRET)
    vault.write("two", SECRET)

    one, two = bytes(fleet.row("one")[1]), bytes(fleet.row("two")[1])

    assert one[21:] != two[21:]


def test_rows_that_were_swapped_are_refused(fleet: Fleet) -> None:
    vault = fleet.host("one")
    vault.write("one", "1")
    vault.write("two", "2")
    one, two = fleet.row("one"), fleet.row("two")
    fleet.set("one", *two)
    fleet.set("two", *one)

    assert [CHANGED in error_of(fleet.host("two"), name)[0] for name in ("one", "two")] == [
        True
    ] * 2


def test_older_content_as_a_newer_version_is_refused(fleet: Fleet) -> None:
    """A host that has seen nothing cannot tell an older row, but one that claims to be newer."""
    vault = fleet.host("one")
    vault.write("entry", "old")
    _, old = fleet.row("entry")
    vault.write("entry", "new")
    fleet.set("entry", 3, old)

    assert CHANGED in error_of(fleet.host("two"))[0]
    assert CHANGED in error_of(fleet.host("one"))[0]


@pytest.mark.parametrize("place", [1, 8, 9, 20, 21, -17, -1])
def test_one_changed_byte_is_refused(fleet: Fleet, place: int) -> None:
    """In the key's id, the nonce, the content and the tag."""
    fleet.host("one").write("entry", SECRET)
    version, sealed = fleet.row("entry")
    changed = bytearray(sealed)
    changed[place] ^= 1
    fleet.set("entry", version, bytes(changed))

    message, _ = error_of(fleet.host("two"))

    assert SECRET not in message
    assert CHANGED in message or "has lost the key" in message


@pytest.mark.parametrize("length", [0, 1, 21, 36])
def test_shortened_row_is_refused(fleet: Fleet, length: int) -> None:
    fleet.host("one").write("entry", SECRET)
    version, sealed = fleet.row("entry")
    fleet.set("entry", version, bytes(sealed)[:length])

    assert CHANGED in error_of(fleet.host("two"))[0]


def test_other_passphrase_opens_and_overwrites_nothing(fleet: Fleet) -> None:
    fleet.host("one").write("entry", SECRET)
    before = fleet.sql("select * from hexauth.entry order by name")
    stranger = fleet.host("two", passphrase="another", remembers=False)

    message, hint = error_of(stranger)

    assert "The passphrase that is set on this host does not open the database's vault" in message
    assert "nothing was changed" in hint
    for name in ("entry", "new"):
        with pytest.raises(VaultError, match="passphrase"):
            stranger.write(name, "mine")
    with pytest.raises(VaultError, match="passphrase"):
        stranger.check()
    assert fleet.sql("select * from hexauth.entry order by name") == before


def test_without_a_passphrase_nothing_is_done_and_it_is_said_how_to_give_one(fleet: Fleet) -> None:
    vault = fleet.host(passphrase=None)

    message, hint = error_of(vault)

    assert message == "A vault in a database needs a passphrase, and none is set."
    assert "HEXAUTH_PASSPHRASE" in hint
    with pytest.raises(VaultError, match="needs a passphrase"):
        vault.write("entry", "value")
    with pytest.raises(VaultError, match="needs a passphrase"):
        vault.check()
    assert fleet.connections() == 0


def test_key_that_is_remembered_needs_no_second_scrypt_and_a_passphrase_all_the_same(
    fleet: Fleet,
) -> None:
    """Whoever takes the passphrase away from a host shuts it out, whatever is in memory."""
    fleet.host().write("entry", SECRET)

    assert fleet.host().read("entry") == SECRET
    with pytest.raises(VaultError, match="needs a passphrase"):
        fleet.host(passphrase=None).read("entry")


def test_rows_whose_key_is_gone_are_not_given_another(fleet: Fleet) -> None:
    vault = fleet.host("one")
    vault.write("entry", SECRET)
    kept = fleet.sql("select name, version, sealed from hexauth.entry where name like 'slot/%'")
    fleet.sql("delete from hexauth.entry where name like 'slot/%'")

    message, hint = error_of(fleet.host("two", remembers=False))

    for row in kept:
        fleet.sql("insert into hexauth.entry (name, version, sealed) values (%s, %s, %s)", row)
    assert "has lost the key that its entries are sealed with" in message
    assert "backup" in hint
