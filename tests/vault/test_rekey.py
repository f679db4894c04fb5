"""A new key for a shared vault, by which everything is sealed that is in it."""

import pytest

from hexauth.errors import VaultError
from hexauth.vault import rekey
from hexauth.vault.envelope import key_of
from tests.fleet import Fleet

ENTRIES = ("login/a/refresh", "key/acme", "drawer/https://git.test", "record/login/a/token")


def test_everything_is_there_afterwards_and_sealed_by_the_new_key(fleet: Fleet) -> None:
    one = fleet.host("one")
    for entry in ENTRIES:
        one.write(entry, f"value of {entry}")
    old, _ = one.current_key()

    rekey.finish(one)

    new, _ = one.current_key()
    assert new != old
    for entry in ENTRIES:
        version, sealed = fleet.row(entry)
        assert (version, key_of(entry, sealed)) == (1, new)
        assert fleet.host("two").read(entry) == f"value of {entry}"


def test_host_that_knew_the_old_key_writes_by_the_new_one(fleet: Fleet) -> None:
    """It has read the row before the key was changed, and the row's version has stayed."""
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "1")
    two.read("entry")
    two.current_key()
    rekey.finish(one)

    two.write("entry", "2")

    new, _ = one.current_key()
    assert key_of("entry", fleet.row("entry")[1]) == new
    assert fleet.host("three").read("entry") == "2"


def test_key_that_cannot_be_changed_whole_is_not_changed(fleet: Fleet) -> None:
    """A row that nobody can open is in the way."""
    one = fleet.host("one")
    one.write("entry", "1")
    before = one.current_key()
    version, sealed = fleet.row("entry")
    fleet.set("entry", version, sealed[:-1] + bytes([sealed[-1] ^ 1]))

    with pytest.raises(VaultError, match="is not what hexauth has put there"):
        rekey.finish(fleet.host("two"))

    fleet.set("entry", version, sealed)
    assert fleet.host("three").current_key() == before
    assert fleet.host("three").read("entry") == "1"
