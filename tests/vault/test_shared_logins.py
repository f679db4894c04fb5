"""A login in a vault that hosts share: what was got late is saved, if nobody has a newer one."""

import pytest

from hexauth.errors import Outrun
from hexauth.model import Login, Token
from hexauth.vault.logins import drop_login, fingerprint, load_login, save_login
from tests.fleet import Fleet

LOGIN = Login("https://hex.test/api", "client")
OLD, NEW, OTHER = (Token(f"access-{n}", f"refresh-{n}", 2000, "api", 1000) for n in "123")


def test_token_got_late_is_saved_although_another_host_has_given_up(fleet: Fleet) -> None:
    """The server has not taken the refresh token there, as it was spent for this one."""
    one, two = fleet.host("one"), fleet.host("two")
    save_login(one, LOGIN, OLD)
    drop_login(two, LOGIN, given_up=fingerprint(OLD.refresh))

    save_login(one, LOGIN, NEW, spent=fingerprint(OLD.refresh))

    assert load_login(two, LOGIN) == NEW


def test_token_got_late_is_not_saved_after_a_logout(fleet: Fleet) -> None:
    one, two = fleet.host("one"), fleet.host("two")
    save_login(one, LOGIN, OLD)
    drop_login(two, LOGIN, given_up=fingerprint(OLD.refresh))
    drop_login(two, LOGIN)

    with pytest.raises(Outrun, match="Another host has saved a newer token"):
        save_login(one, LOGIN, NEW, spent=fingerprint(OLD.refresh))

    assert load_login(two, LOGIN) is None


def test_token_got_late_is_not_saved_over_that_of_another_login(fleet: Fleet) -> None:
    one, two = fleet.host("one"), fleet.host("two")
    save_login(one, LOGIN, OLD)
    drop_login(two, LOGIN, given_up=fingerprint(OLD.refresh))
    save_login(two, LOGIN, OTHER, spent="")

    with pytest.raises(Outrun, match="Another host has saved a newer token"):
        save_login(one, LOGIN, NEW, spent=fingerprint(OLD.refresh))

    assert load_login(one, LOGIN) == OTHER


def test_what_is_given_up_for_another_token_says_nothing_of_this_one(fleet: Fleet) -> None:
    one, two = fleet.host("one"), fleet.host("two")
    save_login(one, LOGIN, OLD)
    drop_login(two, LOGIN, given_up=fingerprint(OTHER.refresh))

    with pytest.raises(Outrun, match="Another host has saved a newer token"):
        save_login(one, LOGIN, NEW, spent=fingerprint(OLD.refresh))
