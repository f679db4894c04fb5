"""Waits until whoever is getting a token now has put it into memory, or has found none.

A crowd that needs the same token comes here, after `hot` and with few imports. Whoever gets the
mutex goes on; the others find in memory an answer, or why there is none, and leave with it.
"""

import os
import time

from hexauth import hot
from hexauth.hot import Front

WAIT_SECONDS = 30
"""The longest wait for whoever is getting a token."""

NAME_BYTES = 200
"""The longest name of the surroundings for which somebody is waited who finds out about them."""

NEWS = b"news"
"""The name of the line that says why there is no answer: `code`, `message`, `hint`."""

OLD = b"old-"
"""What the names of answers begin with that are for those who waited alone: a refresh has failed,
and the token has little life left."""

LOGIN_REQUIRED = 3

UNASKED = ", and nobody was asked: "
"""What follows the news that nobody is logged in, for whoever may not ask, and then the reason."""

TOLD = "this run was told to ask nobody"
GIT_SAYS_NO = "git is told not to"
ALONE = "there is neither a terminal nor a graphical session"
"""Why nobody is asked, besides variables."""

NO_MEMORY = b"cache off"
"""What the first line of a note says, after those that every file has, if nothing is kept."""

UNDECIDED_SECONDS, TICK = 1, 0.005
"""How long it is waited until it is plain whether somebody logs in, and between two looks."""


def wait(front: Front, door: str) -> None:
    """Wait, and end the process with what came of it; return if nothing did.

    The process may hold a mutex then: that of the login, or that of its surroundings, which
    nobody has looked at before.
    """
    if front.wanted is None or not front.seen or _wait_for_token(front, door):
        return
    name = next(iter(front.seen))
    if not _has_memory(name) or len(name) >= NAME_BYTES:
        return  # nobody would leave anything here
    if is_for_hexpm(front) or not _note(name):
        _lock(front, f"{hot.state_folder(os.environ)}/front.lock", make=True)
        if not _wait_for_token(front, door, is_second=True) and not _has_memory(name):
            front.leave()


def is_for_hexpm(front: Front) -> bool:
    """Tell whether `hexpm` is asked for by this name."""
    return front.wanted is not None and front.wanted[0] == b""


def _note(name: str) -> list[bytes]:
    """Return the lines that an earlier run has noted of the surroundings called `name`."""
    lines = hot.read(hot.note_path(name))
    return lines if hot.is_current(lines) else []


def _has_memory(name: str) -> bool:
    """Tell whether answers are kept in memory in these surroundings, as far as is known."""
    if said := os.environ.get("HEXAUTH_CACHE"):
        return said.lower() not in hot.NO
    return NO_MEMORY not in _note(name)[3:4]


def _wait_for_token(front: Front, door: str, *, is_second: bool = False) -> bool:
    """Wait for the login's mutex, if the login is known, and tell whether it is.

    `is_second` tells whether this process has waited already.
    """
    wanted = front.wanted
    assert wanted is not None  # noqa: S101  (`wait` has looked)
    for name in front.seen:
        found = hot.first(name, os.environ) if is_second else front.seen[name]
        pointer = f"{hot.state_folder(os.environ)}/front/{name}"
        where = found if hot.is_current(found) else hot.read(pointer)
        if not hot.is_current(where) or not hot.fits(where, wanted):
            continue
        front.pointer, front.name = where, name
        _leave_with(front, door, found, is_new=found != front.seen[name])
        if is_second:
            front.leave()  # there is nothing left to find out about the surroundings
        if not _is_useless(found):
            _wait_for(front, door, name, os.fsdecode(where[3]))
        return True
    return False


def _wait_for(front: Front, door: str, name: str, mutex: str) -> None:
    base = mutex.removesuffix("token.lock")
    for record in (f"{base}token.json", f"{base}login.json"):
        front.records.setdefault(record, b"\n".join(hot.read(record) or ()))
    if _lock(front, mutex):
        found = hot.first(name, os.environ)
        _leave_with(front, door, found, is_new=found != front.seen[name])
        if _is_useless(found):
            front.leave()


def _is_useless(found: list[bytes]) -> bool:
    """Tell whether the file `found` says that there is nothing to wait for.

    How the last attempt ended does not say so: whoever waits for the next one hears of its end.
    """
    nobody = NEWS + b" %d\0" % LOGIN_REQUIRED
    is_shared = any(line.startswith((OLD, NEWS)) and not line.startswith(nobody) for line in found)
    return hot.is_live(found) and not is_shared


def _lock(front: Front, path: str, *, make: bool = False) -> bool:
    """Wait for the mutex at `path`, and let `front` have it in place of any other."""
    from hexauth.machine.flock import lock_within

    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT if make else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        if not make:
            raise
        from hexauth.machine.files import make_folder  # once in a home's life

        make_folder(path.rpartition("/")[0])
        descriptor = os.open(path, flags, 0o600)
    if not lock_within(descriptor, WAIT_SECONDS):
        return False
    front.leave()
    front.path, front.descriptor = path, descriptor
    return True


def _leave_with(front: Front, door: str, found: list[bytes], *, is_new: bool) -> None:
    """End the process with what the file `found` in memory says, if it is for this process.

    It is `new` if it was written since this process came; how an attempt has ended is for those
    alone who have waited for it. That nobody is logged in is so until somebody is.
    """
    wanted = front.wanted
    assert wanted is not None  # noqa: S101  (`wait` has looked)
    origin, form, *user = wanted
    for each in (form, OLD + form) if is_new else ():
        if (known := hot.find(found, (origin, each, *user))) is not None:
            hot.leave(known)
    name = NEWS + b" "
    news = next((line[len(name) :] for line in found if line.startswith(name)), b"")
    if not news or not hot.is_live(found) or not hot.fits(found, wanted):
        return
    if not news.isascii() or not news.replace(b"\0", b"").decode().isprintable():
        return  # others have left it: it goes to a terminal as it is
    code, message, hint = news.split(b"\0")
    if int(code) == LOGIN_REQUIRED:
        base = os.fsdecode(found[3]).removesuffix("token.lock")
        why_not = why_nobody_is_asked(front, door)
        if not why_not or _is_login_under_way(base):
            return
        message = message.removesuffix(b".") + f"{UNASKED}{why_not}.".encode()
    elif not is_new:
        return
    if door == "bazel":
        said = b"hexauth: " + message + b" " + hint + b"\n"
    else:
        said = b"hexauth: " + message + b"\nhexauth: " + hint + b"\n"
    answer = b""
    if front.plain is not None and front.plain[:2] == ("", "git"):
        from hexauth.protocols.git import QUIT  # only where git has described what it wants

        answer = QUIT
    hot.leave(answer, int(code), said)


def _is_login_under_way(base: str) -> bool:
    """Tell whether somebody is logging in, or has left a code that may still be good.

    Whoever has the mutex and no code yet may find, as this process has, that nobody may be asked.
    """
    from hexauth.machine.flock import is_locked

    end = time.monotonic() + UNDECIDED_SECONDS
    while time.monotonic() < end:
        if any(b'"device_code"' in line for line in hot.read(f"{base}login.json")):
            return True
        if not is_locked(f"{base}login.lock"):
            return False
        time.sleep(TICK)
    return True


def why_nobody_is_asked(front: Front, door: str) -> str:
    """Return why it is plain that nobody may be asked; nothing if it is not.

    `asking.why_not_ask` has the rule.
    """
    flag = False if door == "bazel" else front.plain[2] if front.plain is not None else None
    if flag is not None:
        return "" if flag else TOLD
    environ = os.environ
    for each in ("HEXAUTH_NO_LOGIN", "CI"):
        if environ.get(each, "").lower() not in hot.NO:
            return f"${each} is set"
    if environ.get("GIT_TERMINAL_PROMPT", "1").lower() in hot.NO:
        return GIT_SAYS_NO
    is_graphical = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return "" if is_graphical or os.isatty(2) or _has_terminal() else ALONE


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
