"""What a person reads and types at the terminal."""

import os
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TextIO


def printable(text: str) -> str:
    """Return `text` with every control, format and surrogate character escaped.

    A server or a repository's URL may hold characters that repaint a terminal or turn the reading
    direction around (git's CVE-2024-50349).
    """
    return "".join(
        c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


@dataclass(frozen=True)
class Screen:
    """Where a person reads what hexauth has to say; never standard output."""

    write: Callable[[str], object]
    visible: bool
    """Whether it is a terminal, so that somebody probably looks at it."""

    def say(self, *lines: str) -> None:
        """Show `lines`; characters that would act on a terminal are escaped."""
        with suppress(OSError, ValueError):  # nobody listens any more
            self.write("".join(printable(line) + "\n" for line in lines))


def screen(stderr: TextIO | None, terminal: str = "/dev/tty") -> Screen:
    """Return the screen of this process: standard error if it is a terminal, else `terminal`.

    Without either it is standard error, which a log may keep.
    """
    if stderr is not None and stderr.isatty():
        return Screen(_writer(stderr), visible=True)
    with suppress(OSError):
        os.close(_open_terminal(terminal))
        return Screen(partial(_write_to, terminal), visible=True)
    return Screen(_writer(stderr) if stderr is not None else (lambda text: None), visible=False)


def ask_terminal(prompt: str, terminal: str = "/dev/tty") -> str | None:
    """Return what a person types at the terminal, without echo; None if there is no terminal."""
    import getpass

    if sys.platform != "win32":
        try:
            os.close(_open_terminal(terminal))
        except OSError:
            return None
    try:
        return getpass.getpass(prompt).strip()
    except EOFError:
        return None


def _write_to(terminal: str, text: str) -> None:
    descriptor = _open_terminal(terminal)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _open_terminal(terminal: str) -> int:
    return os.open(terminal, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
