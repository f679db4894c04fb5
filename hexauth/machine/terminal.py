"""What a person reads and types at the terminal: the one place that all of it goes through.

What is shown may have been written by a server, a repository or another program, and then holds
whatever they liked (git's CVE-2024-50349). So it is escaped and cut here, and by nobody else.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

MARKS = 4
"""How many marks may be heaped on one letter; languages need three."""

INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters and marks that show nothing (Unicode's Default_Ignorable_Code_Point), and a blank."""

WORD, ADDRESS, LINE = 200, 1000, 2000
"""The most characters of a word that are shown, of one with a slash, and of a line."""


def printable(text: str) -> str:
    """Return `text` with every character escaped that acts on a terminal, or is not seen there.

    These are control and format characters, surrogates, private and unassigned ones, separators
    but the space, and marks without end.
    """
    if text.isascii() and text.isprintable():
        return text
    from unicodedata import category

    shown, marks = [], 0
    for each in text:
        marks = marks + 1 if category(each) in ("Mn", "Me") else 0
        is_seen = each.isprintable() and each not in INVISIBLE and marks <= MARKS
        shown.append(each if is_seen else each.encode("unicode_escape").decode("ascii"))
    return "".join(shown)


def shown(line: str) -> str:
    """Return `line` as a person gets to see it: escaped, and cut where it is absurdly long.

    Paths and addresses may be longer than other words.
    """
    words = printable(line).split(" ")
    return _cut(" ".join(_cut(each, ADDRESS if _is_place(each) else WORD) for each in words), LINE)


def readable(content: bytes) -> str:
    """Return a server's answer as it is shown on a terminal: its lines and tabs stay."""
    text = content.decode("utf-8", "backslashreplace")
    return "\n".join("\t".join(map(printable, each.split("\t"))) for each in text.split("\n"))


def _is_place(word: str) -> bool:
    return "/" in word or os.sep in word


def _cut(text: str, longest: int) -> str:
    """Take out the middle: what stands at the end says as much as the beginning."""
    end = longest // 4
    return text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"


USUAL_SIZE = (80, 24)

ERASE = "\r\x1b[K"
"""To the line's beginning, and nothing in it (ECMA-48 section 8.3.41, EL)."""


@dataclass(frozen=True)
class Screen:
    """Where a person reads what hexauth has to say; never standard output."""

    write: Callable[[str], object]
    visible: bool
    """Whether it is a terminal, so that somebody probably looks at it."""
    size: Callable[[], tuple[int, int]] = lambda: USUAL_SIZE
    """Returns its columns and lines, as they are now."""
    encoding: str = "utf-8"
    _last: list[str] = field(default_factory=list, repr=False)
    """The line that is drawn in place at the moment, if any."""

    def say(self, *lines: str) -> None:
        """Show `lines`; characters that would act on a terminal are escaped."""
        self.put(*map(shown, lines))

    def put(self, *lines: str) -> None:
        """Show `lines` as they are: they were escaped when they were laid out."""
        text = "".join(f"{each}\n" for each in lines)
        self._write(f"{ERASE}{text}{self._last[0]}" if self._last else text)

    def draw(self, line: str) -> None:
        """Show `line`, which was escaped, in place of the one that was drawn before.

        What is put meanwhile stands above it. It has to fit the width.
        """
        before = self._last[:]
        self._last[:] = [line]
        if before != [line]:
            self._write((ERASE if before else "") + line)

    def erase(self) -> None:
        """Take away the line that was drawn in place."""
        if self._last:
            self._last.clear()
            self._write(ERASE)

    def leave(self) -> None:
        """Let the line that was drawn in place be: others write to the terminal now."""
        self._last.clear()

    def act(self, sequence: str) -> None:
        """Have the terminal do something: `sequence` is hexauth's own."""
        self._write(sequence)

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # nobody listens any more
            self.write(text)


def screen(stderr: TextIO | None, terminal: str = "/dev/tty") -> Screen:
    """Return the screen of this process: standard error if it is a terminal, else `terminal`.

    Without either it is standard error, which a log may keep.
    """
    coding = encoding(stderr)
    if stderr is not None and stderr.isatty():
        return Screen(_writer(stderr), visible=True, size=partial(_size, stderr), encoding=coding)
    with suppress(OSError):
        os.close(_open_terminal(terminal))
        write, size = partial(_write_to, terminal, coding), partial(_size_of, terminal)
        return Screen(write, visible=True, size=size, encoding=coding)
    return on(stderr)


def on(stream: TextIO | None) -> Screen:
    """Return a stream as a screen, whoever reads it: a person, a tool or a log."""
    return Screen(_writer(stream) if stream is not None else (lambda text: None), visible=False)


def encoding(stream: TextIO | None) -> str:
    """Return how the characters of `stream` are encoded."""
    return getattr(stream, "encoding", None) or "utf-8"


def identity(stat: str = "/proc/self/stat") -> str:
    """Return which terminal this process is at, by its device's number; empty if nobody can tell.

    That is standard error's, or else the one that controls this process (proc_pid_stat(5)).
    """
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            return str(os.fstat(sys.stderr.fileno()).st_rdev)
    with suppress(OSError, ValueError, IndexError), open(stat, "rb") as file:  # noqa: PTH123
        found = int(file.read().rpartition(b")")[2].split()[4])
        return str(found) if found else ""
    return ""


def ask_terminal(prompt: str, terminal: str = "/dev/tty") -> str | None:
    """Return what a person types at the terminal, without echo; None if there is no terminal."""
    import getpass

    if sys.platform != "win32":
        try:
            os.close(_open_terminal(terminal))
        except OSError:
            return None
    try:
        return getpass.getpass(shown(prompt)).strip()
    except EOFError:
        return None


def line_within(seconds: float, terminal: str = "/dev/tty") -> str | None:
    """Return the line that a person types within `seconds`; None if there is none.

    That may be known at once: nobody can be asked in the background, where whoever reads from the
    terminal is stopped, nor on Windows, whose terminals cannot be waited for.
    """
    if not can_answer(terminal):
        return None
    import select

    with suppress(OSError):  # it has hung up
        descriptor = os.open(terminal, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            if select.select([descriptor], [], [], seconds)[0] and _is_in_front(descriptor):
                return os.read(descriptor, 1024).decode("utf-8", "replace").strip()
        finally:
            os.close(descriptor)
    return None


def can_answer(terminal: str = "/dev/tty", *, forget: bool = False) -> bool:
    """Tell whether a person at the terminal can answer; `forget` what was typed before."""
    if sys.platform == "win32":
        return False
    try:
        descriptor = os.open(terminal, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        in_front = _is_in_front(descriptor)
        if in_front and forget:
            import termios

            termios.tcflush(descriptor, termios.TCIFLUSH)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return in_front


def _size(terminal: TextIO | int) -> tuple[int, int]:
    try:
        number = terminal if isinstance(terminal, int) else terminal.fileno()
        found = os.get_terminal_size(number)
    except (OSError, ValueError):
        return USUAL_SIZE
    return found.columns or USUAL_SIZE[0], found.lines or USUAL_SIZE[1]


def _size_of(terminal: str) -> tuple[int, int]:
    try:
        descriptor = _open_terminal(terminal)
    except OSError:
        return USUAL_SIZE
    try:
        return _size(descriptor)
    finally:
        os.close(descriptor)


def _is_in_front(descriptor: int) -> bool:
    return os.tcgetpgrp(descriptor) == os.getpgrp()


def _write_to(terminal: str, coding: str, text: str) -> None:
    descriptor = _open_terminal(terminal)
    try:
        os.write(descriptor, text.encode(coding, "backslashreplace"))
    finally:
        os.close(descriptor)


def _open_terminal(terminal: str) -> int:
    return os.open(terminal, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))


def _writer(stream: TextIO) -> Callable[[str], None]:
    coding = encoding(stream)

    def write(text: str) -> None:
        stream.write(text.encode(coding, "backslashreplace").decode(coding))
        stream.flush()

    return write
