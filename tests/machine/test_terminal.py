import os
import pty
import unicodedata
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.machine.terminal import Screen, printable, screen


@given(st.text(st.characters()))
def test_nothing_printable_acts_on_a_terminal(text: str) -> None:
    assert [c for c in printable(text) if unicodedata.category(c).startswith("C")] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich 漢 🙂", "Zürich 漢 🙂"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\r\nb", r"a\r\nb"),
        ("\u202eevil", r"\u202eevil"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_printable_escapes_what_is_not_seen(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_screen_is_standard_error_where_that_is_a_terminal() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stderr:
        shown = screen(stderr, "/nonexistent")
        shown.say("open \x1b[2J", "now")

        assert (shown.visible, os.read(master, 99)) == (True, b"open \\x1b[2J\r\nnow\r\n")
    os.close(master)


def test_screen_falls_back_to_the_terminal() -> None:
    master, slave = pty.openpty()
    stderr = StringIO()
    shown = screen(stderr, os.ttyname(slave))
    shown.say("Zürich")

    assert (shown.visible, os.read(master, 99), stderr.getvalue()) == (
        True,
        "Zürich\r\n".encode(),
        "",
    )
    os.close(slave)
    os.close(master)


def test_screen_without_a_terminal_is_standard_error_which_a_log_may_keep() -> None:
    stderr = StringIO()
    shown = screen(stderr, "/nonexistent")
    shown.say("one", "two")

    assert (shown.visible, stderr.getvalue()) == (False, "one\ntwo\n")


def test_screen_without_anything_is_silent() -> None:
    shown = screen(None, "/nonexistent")
    shown.say("nobody hears")

    assert not shown.visible


def test_screen_that_has_been_closed_does_no_harm() -> None:
    stderr = StringIO()
    shown = Screen(stderr.write, visible=True)
    stderr.close()

    shown.say("nobody hears")
