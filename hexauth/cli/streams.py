"""The standard streams, as the commands use them; Click is not needed here."""

import sys

from hexauth.errors import HexauthError
from hexauth.hot import Front


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
