"""A login's two entries: of one session or the other, never a mixture, whenever a writer dies."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.keeping import Shelf
from hexauth.errors import Unreachable, VaultError
from hexauth.login.ending import log_out
from hexauth.login.tokens import Tokens
from hexauth.model import LAST_SECOND, Kind, Login, Token
from hexauth.vault.file import FileVault
from hexauth.vault.logins import drop_login, load_login, name, save_login
from tests.homes import home

LOGIN = Login("https://hex.pm/api", "one")
ACCESS = "login/hex.pm-3c3950bbb433/access"
REFRESH = "login/hex.pm-3c3950bbb433/refresh"

OLD = Token("ACCESS-1", "REFRESH-1", expires_at=1893456000, scope="api", issued_at=1893454200)
NEW = Token("ACCESS-2", "REFRESH-2", expires_at=1893457000, scope="api", issued_at=1893455200)
RENEWED = NEW.replaced(refresh="REFRESH-1")
"""What a server issues that keeps the refresh token."""
DROPPED = OLD.replaced(access=None)
KEY = Token("KEY", kind=Kind.KEY)
OTHER_KEY = Token("OTHER", kind=Kind.KEY)
ENDLESS = Token("ENDLESS", scope="api")

ONLY_OLD = Token(None, "REFRESH-1")
ONLY_NEW = Token(None, "REFRESH-2")


class Killed(BaseException):
    """The process ends here."""


class Vault(FileVault):
    """A file vault whose process is killed before the change after its last."""

    lives = 10**9

    def write(self, entry: str, value: str) -> None:
        self._change()
        super().write(entry, value)

    def delete(self, entry: str) -> None:
        if self.read(entry) is not None:
            self._change()
            super().delete(entry)

    def _change(self) -> None:
        if self.lives == 0:
            raise Killed
        self.lives -= 1


class Overtaken(FileVault):
    """A file vault in which another process changes something before each access token is read."""

    def __init__(self, folder: Path, change: Callable[[], None]) -> None:
        super().__init__(folder)
        self._overtake = change

    def read(self, entry: str) -> str | None:
        if entry == ACCESS:
            self._overtake()
        return super().read(entry)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def bare(token: Token) -> Token | None:
    """Return what is left of a session without its access token: enough to go on with."""
    return Token(None, token.refresh) if token.refresh else None


def kill(vault: Vault, lives: int, work: Callable[[], None]) -> None:
    vault.lives = lives
    with suppress(Killed):
        work()
    vault.lives = 10**9


def test_login_that_was_never_saved_is_none(vault: Vault) -> None:
    assert load_login(vault, LOGIN) is None


@pytest.mark.parametrize("token", [OLD, RENEWED, KEY, ENDLESS])
def test_token_comes_back_whole(vault: Vault, token: Token) -> None:
    save_login(vault, LOGIN, token)

    assert load_login(vault, LOGIN) == token


TEXTS = st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
TIMES = st.integers(0, LAST_SECOND - 1)


@given(
    st.builds(Token, SECRETS, st.none() | SECRETS, st.none() | TIMES, TEXTS, TIMES),
    st.sampled_from([Kind.BEARER, Kind.KEY, Kind.PASSWORD]),
)
def test_any_token_comes_back_whole(token: Token, kind: Kind) -> None:
    shelf = Shelf({})
    save_login(shelf, LOGIN, token.replaced(kind=kind))

    assert load_login(shelf, LOGIN) == token.replaced(kind=kind)


def test_login_is_two_entries_and_the_access_token_s_does_not_hold_the_other(vault: Vault) -> None:
    """A refresh token that is twice in a keyring would be left behind by somebody."""
    save_login(vault, LOGIN, OLD)

    assert vault.read(REFRESH) == "REFRESH-1"
    assert json.loads(vault.read(ACCESS) or "") == {
        "access": "ACCESS-1",
        "expires_at": 1893456000,
        "scope": "api",
        "issued_at": 1893454200,
        "kind": "bearer",
        "fingerprint": "7c47aab522ac40f6",
    }


def test_logins_of_two_clients_do_not_mix(vault: Vault) -> None:
    other = Login("https://hex.pm/api", "two")
    save_login(vault, LOGIN, OLD)
    save_login(vault, other, NEW)
    drop_login(vault, LOGIN)

    assert (load_login(vault, LOGIN), load_login(vault, other)) == (None, NEW)


def test_access_token_alone_can_be_dropped(vault: Vault) -> None:
    """What is left can be refreshed; nothing is known of an expiry any more."""
    save_login(vault, LOGIN, OLD)
    save_login(vault, LOGIN, OLD.replaced(access=None))

    assert (load_login(vault, LOGIN), vault.read(ACCESS)) == (ONLY_OLD, None)


@pytest.mark.parametrize("token", [OLD, DROPPED, KEY])
def test_dropped_login_leaves_no_entry(vault: Vault, token: Token) -> None:
    save_login(vault, LOGIN, token)
    drop_login(vault, LOGIN)

    assert (vault.read(ACCESS), vault.read(REFRESH)) == (None, None)


def test_refresh_token_that_stays_is_not_written_again(vault: Vault) -> None:
    """A keyring may ask the person for each write."""
    save_login(vault, LOGIN, OLD)

    kill(vault, 1, lambda: save_login(vault, LOGIN, RENEWED))

    assert load_login(vault, LOGIN) == RENEWED


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (OLD, NEW, ONLY_NEW),
        (DROPPED, NEW, ONLY_NEW),
        (KEY, NEW, ONLY_NEW),
        (ENDLESS, NEW, ONLY_NEW),
        (OLD, KEY, ONLY_OLD),
        (OLD, ENDLESS, ONLY_OLD),
        (KEY, OTHER_KEY, OTHER_KEY),
        (OLD, RENEWED, RENEWED),
    ],
)
def test_writer_killed_between_its_writes_leaves_a_login(
    vault: Vault, old: Token, new: Token, found: Token
) -> None:
    save_login(vault, LOGIN, old)

    kill(vault, 1, lambda: save_login(vault, LOGIN, new))

    assert load_login(vault, LOGIN) == found


TOKENS = (OLD, NEW, RENEWED, DROPPED, KEY, OTHER_KEY, ENDLESS)


def test_login_saved_last_is_the_one(vault: Vault) -> None:
    """Whatever replaces whatever."""
    for old, new in product(TOKENS, [OLD, NEW, RENEWED, KEY, OTHER_KEY, ENDLESS]):
        save_login(vault, LOGIN, old)
        save_login(vault, LOGIN, new)

        assert load_login(vault, LOGIN) == new


@pytest.mark.parametrize("lives", [0, 1])
def test_writer_killed_at_any_moment_leaves_the_old_login_or_the_new(
    tmp_path: Path, lives: int
) -> None:
    """Nobody is logged out, and no token is of another session."""
    for number, (old, new) in enumerate(product(TOKENS, TOKENS)):
        vault = Vault(tmp_path / str(number))
        save_login(vault, LOGIN, old)
        before = load_login(vault, LOGIN)

        kill(vault, lives, partial(save_login, vault, LOGIN, new))

        assert load_login(vault, LOGIN) in {before, new, bare(old), bare(new)} - {None}


@pytest.mark.parametrize(("lives", "found"), [(0, OLD), (1, ONLY_OLD), (2, None)])
def test_logout_killed_at_any_moment_leaves_a_login_that_can_be_ended(
    vault: Vault, lives: int, found: Token | None
) -> None:
    """An access token whose refresh token is gone could never be told to the server."""
    save_login(vault, LOGIN, OLD)

    kill(vault, lives, lambda: drop_login(vault, LOGIN))

    assert load_login(vault, LOGIN) == found


def entry_of(folder: Path, token: Token, entry: str) -> str | None:
    vault = FileVault(folder)
    save_login(vault, LOGIN, token)
    return vault.read(entry)


@pytest.mark.parametrize(
    ("access_of", "refresh_of", "found"),
    [
        (OLD, NEW, ONLY_NEW),
        (NEW, OLD, ONLY_OLD),
        (KEY, OLD, ONLY_OLD),
        (OLD, KEY, None),
        (RENEWED, OLD, RENEWED),
        (OLD, RENEWED, OLD),
        (DROPPED, NEW, ONLY_NEW),
        (DROPPED, KEY, None),
    ],
)
def test_access_token_of_another_session_is_not_answered(
    tmp_path: Path, access_of: Token, refresh_of: Token, found: Token | None
) -> None:
    """The server has ended it, and its rejection would cost the session that is alive."""
    vault = FileVault(tmp_path)
    for entry, token in ((ACCESS, access_of), (REFRESH, refresh_of)):
        value = entry_of(tmp_path / entry, token, entry)
        if value is not None:
            vault.write(entry, value)

    assert load_login(vault, LOGIN) == found


def test_reader_overtaken_by_a_writer_mixes_nothing(tmp_path: Path) -> None:
    """It reads without a mutex: the old refresh token, and then the new access token."""
    writer = FileVault(tmp_path)
    save_login(writer, LOGIN, OLD)
    reader = Overtaken(tmp_path, lambda: save_login(writer, LOGIN, NEW))

    assert load_login(reader, LOGIN) == ONLY_OLD


@pytest.mark.parametrize(
    "content",
    [
        "",
        "S3CRET",
        "null",
        "[]",
        "{}",
        '{"access": "S3CRET"}',
        '{"fingerprint": "7c47aab522ac40f6", "access": "S3CRET"}',
        '{"fingerprint": "7c47aab522ac40f6", "access": "S3CRET", "expires_at": null, "scope": "",'
        ' "issued_at": 0, "kind": "strange"}',
        '{"fingerprint": "7c47aab522ac40f6", "access": "S3CRET", "expires_at": "soon", "scope": "",'
        ' "issued_at": 0, "kind": "bearer"}',
        '{"fingerprint": "7c47aab522ac40f6", "access": "S3CRET", "expires_at": 1%s, "scope": "",'
        ' "issued_at": 0, "kind": "bearer"}' % ("0" * 400),
        '{"fingerprint": "7c47aab522ac40f6", "access": null, "expires_at": null, "scope": "",'
        ' "issued_at": 0, "kind": "bearer"}',
        "[" * 100_000,
    ],
    ids=lambda content: content[:20],
)
def test_entry_that_makes_no_sense_is_an_error_and_not_quoted(vault: Vault, content: str) -> None:
    """Absence would let a login be replaced that another version may still understand."""
    save_login(vault, LOGIN, OLD)
    vault.write(ACCESS, content)

    with pytest.raises(VaultError) as caught:
        load_login(vault, LOGIN)

    assert ("S3CRET" in str(caught.value), "hexauth logout" in caught.value.hint) == (False, True)


def test_logout_removes_an_entry_that_makes_no_sense(tmp_path: Path) -> None:
    """As its error advises. Without the refresh token the server cannot be told."""
    here = home(tmp_path)
    login = here.settings.login
    vault = here.vaults.of(name(login))
    save_login(vault, login, OLD)
    vault.write(f"{name(login)}/access", "nonsense")

    with pytest.raises(Unreachable):
        log_out(Tokens(here, login))

    assert load_login(vault, login) is None


def test_entry_that_makes_no_sense_can_be_replaced(vault: Vault) -> None:
    vault.write(ACCESS, "nonsense")
    save_login(vault, LOGIN, NEW)

    assert load_login(vault, LOGIN) == NEW
