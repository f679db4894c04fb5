import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.machine.terminal import shown
from hexauth.screen.layout import NARROWEST, USUAL, WIDEST, cells, columns, pairs, table, wrapped

ADDRESS = "https://hex.example.com/oauth/device?user_code=BCDFGHJK&more=0123456789"


@pytest.mark.parametrize(
    ("said", "width"),
    [("", USUAL), ("40", 40), ("0", USUAL), ("-1", USUAL), ("7", NARROWEST), ("9" * 50, WIDEST)],
)
def test_width_is_what_columns_says(said: str, width: int) -> None:
    assert columns(None, {"COLUMNS": said}) == width


def test_width_is_the_terminal_s() -> None:
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 57, 0, 0))

    assert columns(slave, {}) == 57
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("é", 1)])
def test_cells_are_counted_as_terminals_do(text: str, width: int) -> None:
    assert cells(text) == width


@given(st.text(), st.integers(NARROWEST, WIDEST))
def test_words_stay_whole_and_in_order_and_lines_fit(text: str, width: int) -> None:
    lines = wrapped(text, width, "  ", "    ")

    assert " ".join(lines).split() == shown(text).split()
    assert all(cells(line) <= width or line.count(" ") == 0 for line in lines)


def test_values_wrap_under_their_column_or_stand_below_their_names() -> None:
    rows = [("state", "logged in; the next `hexauth get` refreshes it"), ("at", ADDRESS)]

    assert list(pairs(rows, 40)) == [
        "  state  logged in; the next `hexauth",
        "         get` refreshes it",
        "  at",
        ADDRESS,
    ]
    assert list(pairs(rows, 28)) == [
        "  state",
        "    logged in; the next",
        "    `hexauth get` refreshes",
        "    it",
        "  at",
        ADDRESS,
    ]


def test_table_has_columns_where_they_fit_and_paragraphs_where_not() -> None:
    rows = [("hexpm:acme", "repo_key", "https://repo.hex.pm/repos/acme"), ("a", "b", "c d")]
    heading = ("repository", "kind", "server")

    assert list(table(rows, 80, heading)) == [
        "repository  kind      server",
        "hexpm:acme  repo_key  https://repo.hex.pm/repos/acme",
        "a           b         c d",
    ]
    assert list(table(rows, 40, heading)) == [
        "hexpm:acme",
        "  repo_key",
        "  https://repo.hex.pm/repos/acme",
        "a",
        "  b",
        "  c d",
    ]


def test_nothing_laid_out_acts_on_a_terminal() -> None:
    lines = [*pairs([("\x1b[2J", "\x1b[2J")], 80), *table([["\x1b[2J", "\x1b[2J"]], 80)]

    assert "\x1b" not in "".join(lines)
