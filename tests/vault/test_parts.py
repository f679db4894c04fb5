"""Long values over several entries of a keyring."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import VaultError
from hexauth.vault import parts
from hexauth.vault.quick import MARK

ASCII = st.text(st.characters(max_codepoint=127), max_size=60)
SHORT_OR_LONG = ASCII | st.integers(0, 60).map(lambda size: MARK + "a" * size)


class Killed(BaseException):
    """The process ends here."""


class Store:
    """A store in memory, which is cut off after `lives` changes."""

    def __init__(self, lives: int = 10**9) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.lives = lives
        self.before_get: Callable[[], None] | None = None

    def get(self, entry: str, part: str) -> str | None:
        if self.before_get and part:
            self.before_get()
        return self.kept.get((entry, part))

    def put(self, entry: str, part: str, value: str) -> None:
        self._change()
        self.kept[entry, part] = value

    def remove(self, entry: str, part: str) -> None:
        self._change()
        self.kept.pop((entry, part), None)

    def _change(self) -> None:
        if self.lives == 0:
            raise Killed
        self.lives -= 1


@given(ASCII, st.integers(1, 20))
def test_cut_pieces_make_up_the_value(value: str, limit: int) -> None:
    """Nothing is lost or added between the pieces."""
    assert "".join(parts.cut(value, limit)) == value


@given(ASCII, st.integers(1, 20))
def test_no_piece_is_longer_than_the_limit(value: str, limit: int) -> None:
    """The keyring would refuse it."""
    assert all(0 < len(piece) <= limit for piece in parts.cut(value, limit))


@given(st.lists(SHORT_OR_LONG, min_size=1), st.integers(1, 20) | st.none())
def test_last_value_written_is_read(values: list[str], limit: int | None) -> None:
    """Whatever was there before, of whatever length."""
    store = Store()
    for value in values:
        parts.write(store, "entry", value, limit)

    assert parts.read(store, "entry") == values[-1]


@given(st.lists(SHORT_OR_LONG), st.integers(1, 20) | st.none())
def test_delete_leaves_no_part_behind(values: list[str], limit: int | None) -> None:
    """No piece of a secret outlives its entry."""
    store = Store()
    for value in values:
        parts.write(store, "entry", value, limit)
    parts.delete(store, "entry", limit)

    assert store.kept == {}


@given(SHORT_OR_LONG, SHORT_OR_LONG, st.integers(1, 20), st.integers(0, 200))
def test_writer_killed_at_any_moment_leaves_the_old_value_or_the_new(
    old: str, new: str, limit: int, lives: int
) -> None:
    """Parts come first and the head last, in the slot that is not in use."""
    store = Store()
    parts.write(store, "entry", old, limit)
    store.lives = lives
    with suppress(Killed):
        parts.write(store, "entry", new, limit)

    assert parts.read(store, "entry") in {old, new}


@given(SHORT_OR_LONG, SHORT_OR_LONG, st.integers(1, 20), st.integers(0, 200), st.booleans())
def test_what_a_killed_process_left_is_removed_by_the_next(
    old: str, new: str, limit: int, lives: int, deleting: bool
) -> None:
    """Neither a torn write nor a torn delete leaves secrets for good."""
    store = Store()
    parts.write(store, "entry", old, limit)
    store.lives = lives
    with suppress(Killed):
        parts.delete(store, "entry", limit) if deleting else parts.write(store, "entry", new, limit)
    store.lives = 10**9
    parts.delete(store, "entry", limit)

    assert store.kept == {}


@pytest.mark.parametrize("damage", ["removed", "changed", "strange head"])
def test_damaged_entry_is_an_error_and_not_an_absence(damage: str) -> None:
    """Absence would have a login replaced that is still there."""
    store = Store()
    parts.write(store, "entry", "x" * 100, 10)
    if damage == "removed":
        del store.kept["entry", "a3"]
    elif damage == "changed":
        store.kept["entry", "a3"] = "y" * 10
    else:
        store.kept["entry", ""] = MARK

    with pytest.raises(VaultError, match="The keyring's entry entry is damaged"):
        parts.read(store, "entry")


def test_damaged_entry_can_be_written_again() -> None:
    """A new login heals it."""
    store = Store()
    parts.write(store, "entry", "x" * 100, 10)
    del store.kept["entry", "a3"]
    parts.write(store, "entry", "y" * 100, 10)

    assert parts.read(store, "entry") == "y" * 100


@pytest.mark.parametrize("new", ["n", "n" * 100])
def test_reader_overtaken_by_a_writer_reads_the_new_value(new: str) -> None:
    """The head is read again when its parts have gone."""
    store = Store()
    parts.write(store, "entry", "o" * 100, 10)

    def overtake() -> None:
        store.before_get = None
        parts.write(store, "entry", new, 10)

    store.before_get = overtake

    assert parts.read(store, "entry") == new
