"""The index: names come back, and nothing that matters is lost with it."""

import json
from pathlib import Path

import pytest

from hexauth.credentials import stored
from hexauth.errors import VaultError
from hexauth.login.tokens import Tokens
from hexauth.model import Target, Token
from hexauth.vault.drawers import Stored
from hexauth.vault.index import Index
from hexauth.vault.logins import load_login, name
from tests.homes import home
from tests.vault.conftest import at_once

HOST = Target("https", "git.test")

FACTS = {"vault": "file", "host": "git.test"}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "state")


def test_index_that_is_not_there_is_empty_and_reading_does_not_make_it(index: Index) -> None:
    assert (index.entries(), index.folder.exists()) == ({}, False)


def test_names_come_back_with_their_facts(index: Index) -> None:
    """Another process sees them too, bytes that are no UTF-8 and all."""
    index.put("one", FACTS)
    index.put("two", {"host": "\udcff\u2028"})

    assert Index(index.folder).entries() == {"one": FACTS, "two": {"host": "\udcff\u2028"}}


def test_name_that_is_put_again_has_the_new_facts_alone(index: Index) -> None:
    index.put("one", FACTS)
    index.put("one", {"vault": "keyring"})

    assert index.entries() == {"one": {"vault": "keyring"}}


def test_dropped_name_is_gone_and_the_others_stay(index: Index) -> None:
    index.put("one", FACTS)
    index.put("two", FACTS)
    index.drop("one")
    index.drop("one")

    assert index.entries() == {"two": FACTS}


def test_what_is_known_already_is_not_written_again(index: Index) -> None:
    """`get` on a full disk must not fail for a name that is there."""
    index.put("one", FACTS)
    before = (index.folder / "index.json").stat().st_ino
    index.put("one", FACTS)
    index.drop("two")

    assert (index.folder / "index.json").stat().st_ino == before


def test_index_and_its_lock_are_the_users_alone(index: Index) -> None:
    """Names tell whom somebody works with."""
    index.put("one", FACTS)

    assert {path.name: oct(path.stat().st_mode & 0o777) for path in index.folder.iterdir()} == {
        "index.json": "0o600",
        "index.lock": "0o600",
    }
    assert oct(index.folder.stat().st_mode & 0o777) == "0o700"


DAMAGE = {
    "empty": b"",
    "cut off": b'{"one": {"vault": "fi',
    "not text": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"1",
    "nested too deeply": b"[" * 100_000,
    "names without facts": b'{"one": "file", "two": null, "three": {"vault": 1}}',
}

damaged = pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)


@damaged
def test_damaged_index_is_empty_and_can_be_written_again(index: Index, content: bytes) -> None:
    index.put("lost", FACTS)
    (index.folder / "index.json").write_bytes(content)

    before = index.entries()
    index.put("one", FACTS)

    assert (before, index.entries()) == ({}, {"one": FACTS})


def test_name_beside_a_damaged_one_survives(index: Index) -> None:
    index.put("one", FACTS)
    (index.folder / "index.json").write_text(json.dumps({"one": FACTS, "two": 2}))

    assert index.entries() == {"one": FACTS}


@damaged
def test_damaged_index_loses_no_credential(tmp_path: Path, content: bytes) -> None:
    """A login and what tools stored are found by their names alone."""
    before = home(tmp_path)
    login = before.settings.login
    Tokens(before, login).save(Token("ACCESS", "REFRESH"))
    stored.store(before, HOST, Stored(None, "alice", "secret"))
    (before.places.state / "index.json").write_bytes(content)

    here = home(tmp_path)
    found = stored.find(here, HOST)

    assert (load_login(here.vaults.of(name(login)), login), found and found.secret) == (
        Token("ACCESS", "REFRESH"),
        "secret",
    )


def test_index_holds_names_and_no_secret(tmp_path: Path) -> None:
    here = home(tmp_path)
    Tokens(here, here.settings.login).save(Token("S3CRET-1", "S3CRET-2"))
    stored.store(here, HOST, Stored("S3CRET-3", "S3CRET-4", "S3CRET-5", refresh_token="S3CRET-6"))

    content = (here.places.state / "index.json").read_text()

    assert ("git.test" in content, "hex.pm" in content, "S3CRET" in content) == (True, True, False)


def test_what_is_no_file_is_named(index: Index) -> None:
    (index.folder / "index.json").mkdir(parents=True)

    with pytest.raises(VaultError, match=r"index\.json is not a regular file"):
        index.put("one", FACTS)


IMPORTS = """
from pathlib import Path
from hexauth.vault.index import Index
"""
PREPARE = "index = Index(Path({folder!r}))"
WORK = """
for turn in range(10):
    index.put(f"{number}-{{turn}}", {{"vault": "file"}})
index.drop("{number}-0")
"""


def test_processes_adding_names_at_once_lose_none(index: Index) -> None:
    """Each replaces the whole file, so without the mutex the last would undo the others."""
    works = [WORK.format(number=number) for number in range(4)]

    ends = at_once(IMPORTS, PREPARE.format(folder=str(index.folder)), works)

    assert (ends, sorted(index.entries())) == (
        [0] * 4,
        [f"{number}-{turn}" for number in range(4) for turn in range(1, 10)],
    )
