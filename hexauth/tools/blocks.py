"""A block of lines in somebody else's file, between two comments, that can be taken out again.

The first comment says what else has to go with it, so that the file is as it was byte for byte.
"""

import re
from collections.abc import Sequence

from hexauth.errors import UsageError

MADE = b" (in a file of its own)"
JOINED = b" (after a line without an end)"


def put(before: bytes | None, name: str, lines: Sequence[str]) -> bytes:
    """Return a file's content with the block called `name`, in place of the one it may have.

    `before` is None if there is no file. Raises `UsageError` if a block in it has no end.
    """
    found = _search(before or b"", name)
    if found is not None and before is not None:
        block = _block(name, found["flag"], lines)
        return before[: found.start()] + block + before[found.end() :]
    text = before or b""
    is_joined = text != b"" and not text.endswith(b"\n")
    flag = MADE if before is None else JOINED if is_joined else b""
    return text + (b"\n" if is_joined else b"") + _block(name, flag, lines)


def take(before: bytes | None, name: str) -> bytes | None:
    """Return a file's content without the block called `name`; None if it is to be removed.

    Raises `UsageError` if the block has no end.
    """
    found = _search(before or b"", name)
    if found is None or before is None:
        return before
    start, rest = found.start(), before[found.end() :]
    after = before[:start] + rest
    other = re.search(rb"^# >>> hexauth [^>\n]*>>>$", after, re.MULTILINE)
    if found["flag"] and other is not None:  # another block keeps what this one had to tell
        return after[: other.end()] + found["flag"] + after[other.end() :]
    if found["flag"] == JOINED and not rest:
        after = after[:-1]
    return None if found["flag"] == MADE and after == b"" else after


def has(content: bytes | None, name: str) -> bool:
    """Tell whether a file has the block. Raises `UsageError` if it has no end."""
    return _search(content or b"", name) is not None


def _search(content: bytes, name: str) -> re.Match[bytes] | None:
    begin, end = _marks(name)
    shape = rb"(?<![^\n])%s(?P<flag>[^\n]*)\n(?:[^\n]*\n)*?%s(?:\n|$)"
    found = re.search(shape % (re.escape(begin), re.escape(end)), content)
    if found is None and begin in content:
        raise UsageError(
            f"The lines of hexauth for {name} have no end.",
            hint=f"Remove them by hand, from {begin.decode()!r} on.",
        )
    return found


def _block(name: str, flag: bytes, lines: Sequence[str]) -> bytes:
    begin, end = _marks(name)
    body = b"".join(line.encode("utf-8", "surrogateescape") + b"\n" for line in lines)
    return begin + flag + b"\n" + body + end + b"\n"


def _marks(name: str) -> tuple[bytes, bytes]:
    return f"# >>> hexauth {name} >>>".encode(), f"# <<< hexauth {name} <<<".encode()
