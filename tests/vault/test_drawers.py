"""What other tools stored: which request it answers, what replaces it, and what erases it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.credentials import stored
from hexauth.errors import VaultError
from hexauth.model import Credential, Target
from hexauth.vault import drawers
from hexauth.vault.drawers import Stored
from hexauth.vault.file import FileVault
from hexauth.vault.keyring import KeyringVault
from tests.homes import home
from tests.vault.conftest import Memory, at_once

NOW = 1_800_000_000

HOST = Target("https", "git.test")

CONTENT = (
    Stored(None, "alice", "1"),
    Stored("a.git", "alice", "2"),
    Stored("a.git", "bob", "3"),
    Stored("", "", "4"),
)

TEXT = st.binary().map(lambda value: value.decode("utf-8", "surrogateescape"))
"""Texts as git's bytes become them."""


def request(path: str | None = None, username: str | None = None) -> Target:
    return Target("https", "git.test", path, username)


def secrets(vault: FileVault) -> str:
    """Return the secrets in the drawer, the oldest first."""
    content = vault.read("drawer/https://git.test")
    return "".join(item["secret"] for item in json.loads(content or "[]"))


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    """Return a vault whose drawer holds `CONTENT`, stored in that order."""
    vault = FileVault(tmp_path)
    for each in CONTENT:
        drawers.put(vault, HOST, each)
    return vault


@pytest.mark.parametrize(
    ("asked", "secret"),
    [
        (request(), "4"),
        (request(username="alice"), "2"),
        (request(username="bob"), "3"),
        (request(username=""), "4"),
        (request(username="carol"), None),
        (request(username="Alice"), None),
        (request(path="a.git"), "3"),
        (request(path=""), "4"),
        (request(path="b.git"), None),
        (request(path="a.git/"), None),
        (request(path="A.git"), None),
        (request("a.git", "alice"), "2"),
        (request("a.git", ""), None),
        (request("", "alice"), None),
        (request("", ""), "4"),
    ],
)
def test_absent_field_matches_anything_and_a_present_one_just_itself(
    vault: FileVault, asked: Target, secret: str | None
) -> None:
    """Of several matches the one stored last answers."""
    found = drawers.find(vault, asked, NOW)

    assert (found and found.secret) == secret


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        ("http", "git.test"),
        ("https", "git.test:443"),
        ("https", "git.test:8443"),
        ("https", "GIT.test"),
        ("https", "git.test."),
        ("https", "git.test.evil"),
        ("https", "test"),
    ],
)
def test_another_protocol_or_host_is_another_drawer(
    vault: FileVault, protocol: str, host: str
) -> None:
    assert drawers.find(vault, Target(protocol, host), NOW) is None


@pytest.mark.parametrize(
    ("given_", "left"),
    [
        (Stored(None, "alice", "9"), "2349"),
        (Stored("a.git", "alice", "9"), "1349"),
        (Stored("", "", "9"), "1239"),
        (Stored("a.git", None, "9"), "12349"),
        (Stored("a.git", "", "9"), "12349"),
        (Stored("", "alice", "9"), "12349"),
        (Stored(None, "alice", "9", authtype="Bearer"), "2349"),
    ],
)
def test_store_replaces_what_has_the_same_path_and_user(
    vault: FileVault, given_: Stored, left: str
) -> None:
    """It becomes the one stored last."""
    drawers.put(vault, HOST, given_)

    assert secrets(vault) == left


@pytest.mark.parametrize(
    "old",
    [
        Stored(None, "alice", "old", expires_at=NOW - 1),
        Stored(None, "alice", "old", authtype="Bearer", refresh_token="r"),
    ],
)
def test_store_replaces_all_that_was_said_before(tmp_path: Path, old: Stored) -> None:
    """A new password without an expiry never expires."""
    vault = FileVault(tmp_path)
    drawers.put(vault, HOST, old)
    drawers.put(vault, HOST, Stored(None, "alice", "new"))

    assert drawers.find(vault, HOST, NOW) == Stored(None, "alice", "new")


@pytest.mark.parametrize(
    ("asked", "secret", "left"),
    [
        (request(username="alice"), None, "34"),
        (request(path="a.git"), None, "14"),
        (request("a.git", "bob"), None, "124"),
        (request(username=""), None, "123"),
        (request(username="carol"), None, "1234"),
        (request(), "3", "124"),
        (request(username="alice"), "1", "234"),
        (request(username="alice"), "3", "1234"),
        (request(), "", "1234"),
        (request(), "9", "1234"),
    ],
)
def test_erase_drops_every_match_whose_secret_is_the_rejected_one(
    vault: FileVault, asked: Target, secret: str | None, left: str
) -> None:
    """Whoever names no secret means them all; an older secret is somebody else's mistake."""
    holds = drawers.take(vault, asked, secret)

    assert (secrets(vault), holds) == (left, True)


def test_drawer_that_was_emptied_is_gone(vault: FileVault) -> None:
    holds = drawers.take(vault, HOST, None)

    assert (vault.read("drawer/https://git.test"), holds) == (None, False)


def test_empty_secret_is_one_like_any_other(tmp_path: Path) -> None:
    """It is found, and erased by itself alone."""
    vault = FileVault(tmp_path)
    drawers.put(vault, HOST, Stored(None, "", ""))
    drawers.put(vault, HOST, Stored("a.git", "", "x"))
    drawers.take(vault, HOST, "")

    assert secrets(vault) == "x"


@pytest.mark.parametrize(
    ("expires_at", "secret"), [(None, "new"), (NOW + 1, "new"), (NOW, "old"), (NOW - 1, "old")]
)
def test_expired_credential_is_passed_over(
    tmp_path: Path, expires_at: int | None, secret: str
) -> None:
    """An older one that lives answers in its place."""
    vault = FileVault(tmp_path)
    drawers.put(vault, HOST, Stored(None, "alice", "old"))
    drawers.put(vault, HOST, Stored(None, "bob", "new", expires_at=expires_at))

    found = drawers.find(vault, HOST, NOW)

    assert (found and found.secret) == secret


def test_expired_credential_is_erased_with_the_others(tmp_path: Path) -> None:
    vault = FileVault(tmp_path)
    drawers.put(vault, HOST, Stored(None, "alice", "old", expires_at=1))

    assert drawers.take(vault, HOST, None) is False


@pytest.mark.parametrize(("understood", "secret"), [(True, "ticket"), (False, "password")])
def test_other_scheme_is_for_those_who_understand_it(
    tmp_path: Path, understood: bool, secret: str
) -> None:
    """Sent as a password it would only be rejected, and then erased."""
    vault = FileVault(tmp_path)
    drawers.put(vault, HOST, Stored(None, "alice", "password"))
    drawers.put(vault, HOST, Stored(None, None, "ticket", authtype="Negotiate"))

    found = drawers.find(vault, HOST, NOW, authtype=understood)

    assert (found and found.secret) == secret


@given(TEXT, TEXT, TEXT, TEXT)
def test_any_bytes_are_found_by_the_bytes_they_were_stored_under(
    host: str, path: str, user: str, secret: str
) -> None:
    vault = KeyringVault(backend=Memory(), environ={})
    target = Target("https", host, path, user)
    given_ = Stored(path, user, secret, "Bearer", NOW + 1, secret)
    drawers.put(vault, target, given_)

    assert drawers.find(vault, target, NOW) == given_


@given(TEXT, TEXT)
def test_name_of_a_drawer_is_printable_and_its_own(one: str, other: str) -> None:
    names = {drawers.name(Target("https", host)) for host in (one, other)}

    assert len(names) == len({one, other})
    assert all(name.isascii() and name.isprintable() for name in names)


def test_no_secret_shows_in_a_repr() -> None:
    assert "S3CRET" not in repr(Stored(None, "alice", "S3CRET", refresh_token="S3CRET"))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "S3CRET",
        "null",
        "{}",
        '["S3CRET"]',
        "[1]",
        "[{}]",
        '[{"path": null, "username": "alice", "secret": "S3CRET", "later": 1}]',
        '[{"path": null, "username": "alice", "secret": ["S3CRET"]}]',
        '[{"path": null, "username": "alice", "secret": "S3CRET", "expires_at": "soon"}]',
        "[" * 100_000,
    ],
    ids=lambda content: content[:20],
)
def test_drawer_that_makes_no_sense_is_neither_quoted_nor_overwritten(
    vault: FileVault, content: str
) -> None:
    """A later version may still understand it."""
    vault.write("drawer/https://git.test", content)
    for work in (
        lambda: drawers.find(vault, HOST, NOW),
        lambda: drawers.put(vault, HOST, CONTENT[0]),
        lambda: drawers.take(vault, HOST, None),
    ):
        with pytest.raises(VaultError) as caught:
            work()
        assert "S3CRET" not in str(caught.value)

    assert vault.read("drawer/https://git.test") == content


@pytest.mark.parametrize(
    "target",
    [Target(None, "git.test"), Target("https", None), Target("https", ""), Target("", "git.test")],
)
def test_request_without_protocol_or_host_matches_nothing(tmp_path: Path, target: Target) -> None:
    """Whatever lies there: git once asked so, and sent what it got elsewhere (CVE-2020-11008)."""
    here = home(tmp_path)
    stored.store(here, target, CONTENT[0])

    assert stored.find(here, target) is None


def test_answer_names_what_it_is_for(tmp_path: Path) -> None:
    """The path and the user are the stored ones, whatever the request left out."""
    here = home(tmp_path)
    stored.store(here, HOST, Stored("a.git", "bob", "3"))

    assert stored.find(here, HOST) == Credential(
        request("a.git", "bob"), "bob", "3", source="store"
    )


def test_index_knows_a_drawer_as_long_as_it_holds_something(tmp_path: Path) -> None:
    here = home(tmp_path)
    stored.store(here, HOST, CONTENT[0])
    stored.store(here, HOST, CONTENT[1])
    facts = {"vault": "file", "protocol": "https", "host": "git.test"}
    seen = []
    for secret in ("1", "2"):
        seen.append(here.vaults.entries())
        stored.erase(here, HOST, secret)

    assert [*seen, here.vaults.entries()] == [{"drawer/https://git.test": facts}] * 2 + [{}]


IMPORTS = """
from pathlib import Path
from test_drawers import HOST, Stored, home, request, stored
"""
PREPARE = "here = home(Path({folder!r}))"
WORK = """
for turn in range(5):
    stored.store(here, HOST, Stored(None, f"{number}-{{turn}}", "secret"))
stored.erase(here, request(username="{number}-0"), "secret")
"""


def test_processes_storing_and_erasing_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each replaces the whole drawer, so without the mutex the last would undo the others."""
    works = [WORK.format(number=number) for number in range(4)]

    ends = at_once(IMPORTS, PREPARE.format(folder=str(tmp_path)), works)

    found = [
        f"{number}-{turn}"
        for number in range(4)
        for turn in range(5)
        if stored.find(home(tmp_path), request(username=f"{number}-{turn}"))
    ]
    assert (ends, found) == (
        [0] * 4,
        [f"{number}-{turn}" for number in range(4) for turn in range(1, 5)],
    )


@given(st.text("a:/%3A"), st.text("a:/%3A"), st.text("a:/%3A"), st.text("a:/%3A"))
def test_another_protocol_and_host_never_share_a_drawer(
    protocol: str, host: str, other: str, other_host: str
) -> None:
    """Or what was stored for `a` would be answered for `b`."""
    names = {drawers.name(Target(protocol, host)), drawers.name(Target(other, other_host))}

    assert (len(names) == 1) == ((protocol, host) == (other, other_host))


def test_protocol_that_looks_like_a_host_has_a_drawer_of_its_own() -> None:
    assert drawers.name(Target("a://b", "c")) != drawers.name(Target("a", "b://c"))
