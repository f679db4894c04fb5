"""A token beside its vault."""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.journal import PREFIX, Journal, is_valid
from hexauth.model import Kind, Token

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is Linux's")

TOKEN = Token("ACCESS", "REFRESH", 2_000_000_000, "api", 1_900_000_000)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Hand out the journal of a login whose token mutex there is already."""
    mutex = tmp_path / "token.lock"
    mutex.touch()
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as folder:
        yield Journal({"XDG_RUNTIME_DIR": folder}, mutex)


def file(journal: Journal) -> Path:
    """Return the file that it has written."""
    folder = Path(journal.environ["XDG_RUNTIME_DIR"], "hexauth")
    return next(path for path in folder.iterdir() if path.name.startswith(PREFIX))


def test_token_comes_back_whole(journal: Journal) -> None:
    assert journal.write(TOKEN)

    assert journal.read() == TOKEN


def test_nothing_is_there_before(journal: Journal) -> None:
    assert journal.read() is None


def test_token_that_is_dropped_is_gone(journal: Journal) -> None:
    journal.write(TOKEN)
    journal.drop()
    journal.drop()

    assert journal.read() is None


def test_token_is_void_once_the_login_has_changed(journal: Journal) -> None:
    """Somebody who does not see this memory may have logged in anew."""
    journal.write(TOKEN)
    os.truncate(journal.mutex, journal.mutex.stat().st_size + 1)

    assert journal.read() is None


def test_void_journal_may_be_cleared_away(journal: Journal) -> None:
    journal.write(TOKEN)
    before = is_valid(file(journal))
    journal.mutex.unlink()

    assert (before, is_valid(file(journal)), is_valid(journal.mutex)) == (True, False, False)


def test_token_of_another_login_is_not_taken(journal: Journal, tmp_path: Path) -> None:
    journal.write(TOKEN)
    (tmp_path / "other.lock").touch()

    assert replace(journal, mutex=tmp_path / "other.lock").read() is None


def test_file_is_the_user_s_alone(journal: Journal) -> None:
    journal.write(TOKEN)

    assert file(journal).stat().st_mode & 0o777 == 0o600


def test_file_that_others_can_read_is_not_believed(journal: Journal) -> None:
    journal.write(TOKEN)
    file(journal).chmod(0o644)

    assert journal.read() is None


@pytest.mark.parametrize("last", [b"", b"{", b"[]", b"{}", b'{"kind":"x"}', b"null"])
def test_file_that_is_damaged_counts_as_absent(journal: Journal, last: bytes) -> None:
    journal.write(TOKEN)
    lines = file(journal).read_bytes().split(b"\n")
    file(journal).write_bytes(b"\n".join([*lines[:3], last]))

    assert journal.read() is None


def test_kind_comes_back_as_a_kind(journal: Journal) -> None:
    journal.write(TOKEN)

    assert isinstance(getattr(journal.read(), "kind", None), Kind)


def test_nothing_is_kept_where_none_is_wanted(journal: Journal) -> None:
    assert not replace(journal, is_wanted=False).write(TOKEN)
    assert journal.read() is None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_there_is_none_where_no_memory_is_the_user_s_own(journal: Journal, platform: str) -> None:
    elsewhere = replace(journal, platform=platform)

    assert not elsewhere.write(TOKEN)
    elsewhere.drop()
    assert elsewhere.read() is None
