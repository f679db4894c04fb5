"""Lines in somebody else's file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import UsageError
from hexauth.tools import blocks

LINES = ["one", "two = 'three'"]

FILES = st.none() | st.binary() | st.text("ab#> \n\r").map(str.encode)


@given(FILES, st.sampled_from(["git", "mix"]))
def test_file_is_as_it_was_when_the_block_is_taken_out(before: bytes | None, name: str) -> None:
    """Byte for byte, whether it was there, and ended its last line, or not."""
    after = blocks.put(before, name, LINES)

    assert b"\none\ntwo = 'three'\n" in after
    assert after.startswith(before or b"")
    assert (blocks.has(before, name), blocks.has(after, name)) == (False, True)
    assert blocks.put(after, name, LINES) == after
    assert blocks.take(after, name) == before


@given(FILES)
def test_two_blocks_come_and_leave_in_any_order(before: bytes | None) -> None:
    both = blocks.put(blocks.put(before, "git", LINES), "mix", LINES)

    assert blocks.take(blocks.take(both, "mix"), "git") == before


@pytest.mark.parametrize("before", [None, b"", b"mine", b"mine\n"])
def test_first_block_of_two_may_leave_first(before: bytes | None) -> None:
    both = blocks.put(blocks.put(before, "git", LINES), "mix", LINES)

    rest = blocks.take(both, "git")

    assert (blocks.has(rest, "git"), blocks.has(rest, "mix")) == (False, True)
    assert blocks.take(rest, "mix") == before


def test_other_lines_take_the_place_of_the_old_ones() -> None:
    after = blocks.put(b"mine\n", "git", LINES) + b"yours\n"

    changed = blocks.put(after, "git", ["new"])

    assert changed == after.replace(b"one\ntwo = 'three'", b"new")
    assert blocks.take(changed, "git") == b"mine\nyours\n"


def test_block_that_somebody_has_edited_leaves_with_the_edits() -> None:
    after = blocks.put(b"mine\n", "git", LINES).replace(b"one\n", b"one\nextra\n")

    assert blocks.take(after, "git") == b"mine\n"


def test_what_comes_after_the_block_stays() -> None:
    after = blocks.put(b"mine", "git", LINES) + b"yours\n"

    assert blocks.take(after, "git") == b"mine\nyours\n"


def test_block_without_an_end_is_refused() -> None:
    broken = blocks.put(b"", "git", LINES).rpartition(b"# <<<")[0]

    with pytest.raises(UsageError, match="have no end"):
        blocks.put(broken, "git", LINES)
    with pytest.raises(UsageError, match="have no end"):
        blocks.take(broken, "git")


def test_nothing_is_taken_out_of_a_file_without_a_block() -> None:
    assert blocks.take(b"mine\n", "git") == b"mine\n"
    assert blocks.take(None, "git") is None
