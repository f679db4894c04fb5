"""The standard streams, as the commands use them; Click is not needed here."""

import json
import sys
from collections.abc import Iterable

from hexauth.errors import HexauthError, UsageError
from hexauth.hot import Front
from hexauth.machine.terminal import encoding, shown
from hexauth.model import is_plain


def read_request(front: Front | None = None) -> bytes:
    """Return what standard input holds, if it has not been read before."""
    if front is not None and front.request is not None:
        return front.request
    return b"" if sys.stdin is None else sys.stdin.buffer.read()  # None: it is closed


def write_answer(answer: bytes) -> None:
    """Write `answer` to standard output, whole and as bytes."""
    if sys.stdout is None:
        raise HexauthError("Standard output is closed.", hint="Send it to a file or a pipe.")
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def write_lines(lines: Iterable[str]) -> None:
    """Write `lines` for a person, as a screen shows them."""
    text = "".join(f"{shown(line)}\n" for line in lines)
    write_answer(text.encode(encoding(sys.stdout), "backslashreplace"))


def write_json(facts: object) -> None:
    """Write `facts` as JSON, for programs."""
    write_answer(f"{json.dumps(facts, indent=2)}\n".encode())


KEY_CHARACTERS = 4096
"""The longest API key that is read; Hex's have 32."""


def read_key() -> str:
    """Return the API key that standard input holds, or that the person types without echo.

    Raises `UsageError` if it is none.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        import click

        key = str(click.prompt("API key", hide_input=True, err=True))
    else:
        given = b"" if sys.stdin is None else sys.stdin.buffer.read(KEY_CHARACTERS)
        key = given.decode("ascii", "replace")
    key = key.strip()
    if not key or not is_plain(key):
        raise UsageError(
            "Standard input holds no API key.",
            hint="Pipe in one line, as in: hexauth login --with-token < FILE",
        )
    return key
