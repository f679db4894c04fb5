"""A database whose owner means ill: what they read there, and what hosts make of their changes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from hexauth.errors import VaultError
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.schema import SQL
from tests.homes import home
from tests.postgres import Postgres

NUMBERS = count(1)

CHANGED = "is not what hexauth has put there"

Host = Callable[..., PostgresVault]


class Owner:
    """The owner of a database, in which there is a vault."""

    def __init__(self, server: Postgres) -> None:
        self.name, self._server = f"hostile{next(NUMBERS)}", server
        server.create_database(self.name)
        server.sql(SQL, self.name)
        self.url = server.url(database=self.name)

    def sql(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """Do something as one who may do anything."""
        return self._server.sql(text, self.name, values or None)

    def row(self, entry: str) -> tuple[object, ...]:
        """Return the version and the content of an entry."""
        [found] = self.sql("SELECT version, sealed FROM hexauth.entry WHERE name = %s", entry)
        return found

    def put(self, entry: str, version: object, sealed: object) -> None:
        """Change a row."""
        text = "UPDATE hexauth.entry SET version = %s, sealed = %s WHERE name = %s"
        self.sql(f"{text} RETURNING 1", version, sealed, entry)


@pytest.fixture
def owner(postgres: Postgres) -> Owner:
    """Make a database with a vault in it."""
    return Owner(postgres)


@pytest.fixture
def host(owner: Owner, tmp_path: Path) -> Iterator[Host]:
    """Return what makes a host, with a home and a passphrase, that remembers no key."""
    with ExitStack() as stack:

        def make(name: str, passphrase: str = "open sesame") -> PostgresVault:
            environ = {
                "HEXAUTH_VAULT": owner.url,
                "HEXAUTH_PASSPHRASE": passphrase,
                "HEXAUTH_CACHE": "off",
            }
            (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
            made = home(tmp_path / name, environ)
            stack.callback(made.close)
            return made.vaults.database()

        yield make


def test_owner_of_the_database_reads_no_secret(owner: Owner, host: Host) -> None:
    host("a").write("login/here/refresh", "a very secret token")

    seen = repr(owner.sql("SELECT * FROM hexauth.entry")).encode()
    seen += b"".join(
        bytes(content)  # type: ignore[call-overload]
        for (content,) in owner.sql("SELECT sealed FROM hexauth.entry")
    )

    assert b"login/here/refresh" in seen
    assert [word for word in (b"secret token", b"open sesame") if word in seen] == []


def test_row_in_the_place_of_another_is_refused(owner: Owner, host: Host) -> None:
    first = host("a")
    first.write("login/one/refresh", "1")
    first.write("login/two/refresh", "2")

    owner.put("login/one/refresh", *owner.row("login/two/refresh"))

    with pytest.raises(VaultError, match=CHANGED):
        host("b").read("login/one/refresh")


def test_older_content_under_a_newer_version_is_refused(owner: Owner, host: Host) -> None:
    first = host("a")
    first.write("login/one/refresh", "old")
    version, old = owner.row("login/one/refresh")
    first.write("login/one/refresh", "new")
    assert isinstance(version, int)

    owner.put("login/one/refresh", version + 2, old)

    for name in ("a", "b"):
        with pytest.raises(VaultError, match=CHANGED):
            host(name).read("login/one/refresh")


def test_older_row_is_put_right_by_who_has_seen_the_newer_and_believed_by_others(
    owner: Owner, host: Host
) -> None:
    first = host("a")
    first.write("login/one/refresh", "old")
    before = owner.row("login/one/refresh")
    first.write("login/one/refresh", "new")

    owner.put("login/one/refresh", *before)

    assert host("b").read("login/one/refresh") == "old"
    assert first.read("login/one/refresh") == "new"
    assert host("b").read("login/one/refresh") == "new"


def test_changed_byte_is_noticed(owner: Owner, host: Host) -> None:
    host("a").write("login/one/refresh", "1")
    version, sealed = owner.row("login/one/refresh")
    assert isinstance(sealed, bytes)

    owner.put("login/one/refresh", version, sealed[:-1] + bytes([sealed[-1] ^ 1]))

    with pytest.raises(VaultError, match=CHANGED):
        host("b").read("login/one/refresh")


def test_key_of_the_owner_s_is_used_by_no_host(owner: Owner, host: Host) -> None:
    first = host("a")
    first.write("login/one/refresh", "1")
    [(entry, slot)] = owner.sql("SELECT name, sealed FROM hexauth.entry WHERE name LIKE 'slot/%'")
    other = host("owner", "the owner's own")
    key_id = other.envelope.new_key()
    name, content = other.envelope.slot(key_id)
    owner.sql(
        "INSERT INTO hexauth.entry (name, version, sealed) VALUES (%s, 1, %s) RETURNING 1",
        name, content,
    )  # fmt: skip
    version, _ = owner.row("current-key")
    assert isinstance(version, int)
    sealed = other.envelope.close(key_id, "current-key", version + 1, key_id)

    owner.put("current-key", version + 1, sealed)

    with pytest.raises(VaultError, match="does not open the database's vault"):
        host("b").write("login/one/refresh", "2")
    assert owner.row(str(entry)) == (1, slot)
    assert host("c").read("login/one/refresh") == "1"


def test_host_without_the_passphrase_reads_nothing(host: Host) -> None:
    host("a").write("login/one/refresh", "1")

    with pytest.raises(VaultError, match="does not open the database's vault"):
        host("b", "another").read("login/one/refresh")
