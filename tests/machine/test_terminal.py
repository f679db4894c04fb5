import ast
import os
import pty
import unicodedata
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.machine.terminal import (
    ADDRESS,
    LINE,
    MARKS,
    WORD,
    Screen,
    on,
    printable,
    readable,
    screen,
    shown,
)
from writers.house import House


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
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("a\u2028b\u2029c\xa0d", r"a\u2028b\u2029c\xa0d"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("\ue000", r"\ue000"),
        ("\u3164\u115f\u034f\ufe0f", r"\u3164\u115f\u034f\ufe0f"),
        ("e\u0301\u0323 ả", "e\u0301\u0323 ả"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * MARKS + r"\u0301" * 2),
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


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("a b  c ", "a b  c "),
        ("x" * WORD, "x" * WORD),
        ("x" * 150 + "y" * 150, "x" * 149 + "…" + "y" * 50),
        ("/" + "x" * (ADDRESS - 1), "/" + "x" * (ADDRESS - 1)),
        ("/" + "x" * 2000 + "y" * 250, "/" + "x" * 748 + "…" + "y" * 250),
        ("\x1b" * 100, r"\x1b" * 37 + r"\…" + "1b" + r"\x1b" * 12),
    ],
)
def test_what_is_shown_is_cut_in_its_middle(line: str, cut: str) -> None:
    assert shown(line) == cut


@given(st.text(st.characters()))
def test_what_is_shown_twice_is_as_what_is_shown_once(text: str) -> None:
    assert shown(shown(text)) == shown(text)


def test_line_has_an_end() -> None:
    line = shown("word " * 5000 + "end")

    assert len(line) == LINE
    assert line.startswith("word ")
    assert line.endswith("word end")


def test_answer_keeps_its_lines_and_tabs() -> None:
    seen = readable("Zürich\t漢\r\n\x1b[2J\u202e\n".encode() + b"\xff\x9b")

    assert seen == "Zürich\t漢\\r\n\\x1b[2J\\u202e\n\\xff\\x9b"


def test_what_a_stream_cannot_hold_is_escaped() -> None:
    buffer = BytesIO()
    stream = TextIOWrapper(buffer, "ascii")
    on(stream).say("Zürich 漢")
    on(None).say("nobody hears")

    assert not stream.closed
    assert buffer.getvalue() == b"Z\\xfcrich \\u6f22\n"


SHOWING = {
    "hexauth.machine.terminal",
    "hexauth.machine.trace",
    "hexauth.machine.survivor",
    "hexauth.cli.streams",
    "hexauth.servers.named",
}
"""Where what is shown is written: escaped, an answer of a protocol, words for a shell, or what a
process has shown that works for this one."""

CALLS = {
    "print",
    "click.echo",
    "click.secho",
    "click.echo_via_pager",
    "sys.stderr.write",
    "sys.stdout.write",
    "sys.stderr.buffer.write",
    "sys.stdout.buffer.write",
    "sys.stderr.writelines",
    "sys.stdout.writelines",
    "warnings.warn",
    "traceback.print_exc",
    "logging.warning",
    "logging.error",
    "Screen",
}
"""What would show something past that place."""


def test_nothing_is_shown_but_through_one_place() -> None:
    """`hot.leave` alone writes by itself: what is in memory was escaped when it was put there."""
    trees = House().trees
    calls = [
        (module, node)
        for module in set(trees) - SHOWING
        for node in ast.walk(trees[module])
        if isinstance(node, ast.Call)
    ]

    assert {(module, ast.unparse(node)) for module, node in calls if _shows(module, node)} == set()
    assert len(calls) > 1000


def _shows(module: str, call: ast.Call) -> bool:
    """Tell whether a call shows what is not known beforehand."""
    name = ast.unparse(call.func)
    is_known = all(isinstance(each, ast.Constant) for each in call.args[:1])
    asks = name in ("click.prompt", "click.confirm", "input", "getpass.getpass")
    ends = name in ("sys.exit", "SystemExit")  # it prints a text
    writes = name == "os.write" and module != "hexauth.hot"
    return name in CALLS or writes or ((asks or ends) and not is_known)
