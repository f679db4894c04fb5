"""What is being done, told on standard error to whoever has said `--verbose`.

No secret is handed to it: those who tell name what they use, and never show it.
"""

import os
import sys
import time

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than telling
if TYPE_CHECKING:
    from collections.abc import Callable

_began: float | None = None


def begin() -> None:
    """Let `tell` be heard from now on, in this process and in those forked from it."""
    global _began  # noqa: PLW0603  (like a log, it is one for the process)
    if _began is not None:
        return
    _began = time.monotonic()
    program = sys.argv[0].rpartition("/")[2]  # not its arguments, which may hold a secret
    python = ".".join(str(each) for each in sys.version_info[:3])
    tell(f"{program} on Python {python}, {sys.platform}")


def is_on() -> bool:
    """Tell whether anybody listens."""
    return _began is not None


def tell(text: str) -> None:
    """Write a line: the process, the seconds since it began to tell, and `text` as it is shown."""
    if _began is None:
        return
    from hexauth.machine.terminal import shown

    line = f"hexauth[{os.getpid()}] {time.monotonic() - _began:.3f} {shown(text)}\n"
    try:
        os.write(2, line.encode())  # in one piece, as others of a crowd write there, too
    except OSError:  # nobody listens any more
        return


def stopwatch() -> "Callable[[], str]":
    """Return what returns the time since now in words, such as `0.012 s`."""
    start = time.monotonic()
    return lambda: f"{time.monotonic() - start:.3f} s"
