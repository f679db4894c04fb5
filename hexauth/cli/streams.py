"""What the commands share: the world they look at, and the streams; Click is not needed here."""

import os
import sys

from hexauth.config import load
from hexauth.errors import HexauthError
from hexauth.hot import Front
from hexauth.system import places, screen
from hexauth.world import World


def open_world(front: Front | None = None, **flags: object) -> World:
    """Return the world as this process sees it; `flags` are settings given as options.

    `front` is what was learned before the command was known.

    Raises `UsageError` if a setting makes no sense.
    """
    found = places(os.environ)
    settings = load(os.environ, found.config, flags)
    seen = screen(sys.stderr)
    return World(os.environ, settings, found, seen, front=front or Front())


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
