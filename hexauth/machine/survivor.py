"""Work that goes on although the process that needs it is killed.

For what must not be cut off between two steps of which no third can tell what became of the first:
a refresh token that was spent, and the one that came for it.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from hexauth.errors import HexauthError

T = TypeVar("T")


def can_outlive(platform: str = sys.platform) -> bool:
    """Tell whether this process can be doubled: threads would be missing, and locks stay taken."""
    import threading

    return platform == "linux" and threading.active_count() == 1


def outlive(
    work: Callable[[], T],
    then: Callable[[], object] = lambda: None,
    hand_over: Callable[[], object] = lambda: None,
) -> T:
    """Return what `work` returns, done by a process of its own that no signal for this one reaches.

    A lock on a file that this process has stays held until that one is done, too. `then` is what
    that process does afterwards, while this one has its answer; `hand_over` is what this one does
    meanwhile, to let go of what is that one's now, such as connections. What `work` raises is
    raised here, if it is a `HexauthError`. Where a process cannot be doubled, this one does it all.
    """
    if not can_outlive():
        return work()
    import pickle

    said, (reader, writer) = os.memfd_create("said"), os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork():  # so that whoever calls this has no child to wait for
            os._exit(0)
        _survive(work, then, reader, writer, said)
    os.close(writer)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
    hand_over()
    try:
        with os.fdopen(reader, "rb") as pipe:
            content = pipe.read()
    finally:
        _tell(said)
    if not content:
        raise HexauthError("The process that renews the token was killed.", hint="Try again.")
    is_good, value = pickle.loads(content)  # noqa: S301  (from this process's own child)
    if is_good:
        return value  # type: ignore[no-any-return]
    raise value


def _survive(
    work: Callable[[], object], then: Callable[[], object], reader: int, writer: int, said: int
) -> None:
    """Do it, as the child; never return."""
    import pickle
    import signal

    try:
        os.setsid()
        os.close(reader)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor, place in ((0, nowhere), (1, nowhere), (2, said)):
            os.dup2(place, descriptor)  # whoever waits for the end of these is not to wait for us
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            answer = (True, work())
        except HexauthError as error:
            answer = (False, error)
        except BaseException as error:
            what = f"The token could not be renewed: {type(error).__name__}."
            answer = (False, HexauthError(what, hint="Run `hexauth doctor`."))
        with suppress(OSError), os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
        then()
    finally:
        os._exit(0)


def _tell(said: int) -> None:
    """Say what the child has said."""
    with suppress(OSError):
        os.lseek(said, 0, os.SEEK_SET)
        while text := os.read(said, 1 << 16):
            os.write(2, text)
    os.close(said)
