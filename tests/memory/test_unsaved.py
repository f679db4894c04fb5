"""A token beside its vault."""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.memory.folder import UNSAVED, is_unsaved
from hexauth.memory.unsaved import Unsaved
from hexauth.model import Kind, Token

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is Linux's")

TOKEN = Token("ACCESS", "REFRESH", 2_000_000_000, "api", 1_900_000_000)


@pytest.fixture
def unsaved(tmp_path: Path) -> Iterator[Unsaved]:
    """Hand out the unsaved of a login whose token mutex there is already."""
    mutex = tmp_path / "token.lock"
    mutex.touch()
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as folder:
        yield Unsaved({"XDG_RUNTIME_DIR": folder}, mutex)


def file(unsaved: Unsaved) -> Path:
    """Return the file that it has written."""
    folder = Path(unsaved.environ["XDG_RUNTIME_DIR"], "hexauth")
    return next(path for path in folder.iterdir() if path.name.startswith(UNSAVED))


def test_token_comes_back_whole(unsaved: Unsaved) -> None:
    assert unsaved.write(TOKEN)

    assert unsaved.read() == TOKEN


def test_nothing_is_there_before(unsaved: Unsaved) -> None:
    assert unsaved.read() is None


def test_token_that_is_dropped_is_gone(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)
    unsaved.drop()
    unsaved.drop()

    assert unsaved.read() is None


def test_token_that_a_killed_writer_has_left_goes_with_it(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)
    kept = file(unsaved)
    kept.rename(kept.with_name(f".{kept.name}.1-00000000"))

    unsaved.drop()

    assert list(kept.parent.iterdir()) == []


def test_token_is_void_once_the_login_has_changed(unsaved: Unsaved) -> None:
    """Somebody who does not see this memory may have logged in anew."""
    unsaved.write(TOKEN)
    os.truncate(unsaved.mutex, unsaved.mutex.stat().st_size + 1)

    assert unsaved.read() is None


def test_void_journal_may_be_cleared_away(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)
    before = is_unsaved(str(file(unsaved)))
    unsaved.mutex.unlink()

    assert (before, is_unsaved(str(file(unsaved))), is_unsaved(str(unsaved.mutex))) == (
        True,
        False,
        False,
    )


def test_token_of_another_login_is_not_taken(unsaved: Unsaved, tmp_path: Path) -> None:
    unsaved.write(TOKEN)
    (tmp_path / "other.lock").touch()

    assert replace(unsaved, mutex=tmp_path / "other.lock").read() is None


def test_file_is_the_user_s_alone(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)

    assert file(unsaved).stat().st_mode & 0o777 == 0o600


def test_file_that_others_can_read_is_not_believed(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)
    file(unsaved).chmod(0o644)

    assert unsaved.read() is None


@pytest.mark.parametrize(
    "last",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"kind":"x"}',
        b"null",
        b"[" * 100_000,
        b'{"access": 1, "kind": "bearer"}',
        b'{"access": "a", "kind": "bearer", "expires_at": 1' + b"0" * 400 + b"}",
    ],
    ids=lambda last: last[:40],
)
def test_file_that_is_damaged_counts_as_absent(unsaved: Unsaved, last: bytes) -> None:
    unsaved.write(TOKEN)
    lines = file(unsaved).read_bytes().split(b"\n")
    file(unsaved).write_bytes(b"\n".join([*lines[:3], last]))

    assert unsaved.read() is None


def test_kind_comes_back_as_a_kind(unsaved: Unsaved) -> None:
    unsaved.write(TOKEN)

    assert isinstance(getattr(unsaved.read(), "kind", None), Kind)


def test_nothing_is_kept_where_none_is_wanted(unsaved: Unsaved) -> None:
    assert not replace(unsaved, is_wanted=False).write(TOKEN)
    assert unsaved.read() is None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_there_is_none_where_no_memory_is_the_user_s_own(unsaved: Unsaved, platform: str) -> None:
    elsewhere = replace(unsaved, platform=platform)

    assert not elsewhere.write(TOKEN)
    elsewhere.drop()
    assert elsewhere.read() is None
