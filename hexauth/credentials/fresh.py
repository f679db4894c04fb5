"""Answers with a login's token from the vault, if it is fresh, and puts it into memory.

What `hot` has not found there is not lost: it is read with few imports, by the pointer that leads
to the login, and the next one finds it in memory.
"""

import os
import sys
import time

from hexauth import hot
from hexauth.memory.waiting import wait

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hexauth.hot import Front


def answer(front: "Front", door: str) -> None:
    """Answer with the token that the arguments ask for at `door`, and end the process.

    Whoever is getting one now is waited for; what came of it is the answer, too. Nothing is
    written otherwise: any doubt is for the rest.
    """
    if sys.platform != "linux" or front.interrupted:
        return
    try:
        wait(front, door)
        _answer(front)
    except KeyboardInterrupt:
        front.interrupted = True
    except Exception:  # noqa: S110
        pass


def _answer(front: "Front") -> None:
    """Answer with the login's token from the vault, if it is fresh, and put it into memory.

    The caller has waited for the login's mutex, and may hold it.
    """
    pointer, mutex = front.pointer, front.path
    if front.wanted is None or not pointer or not front.holds(os.fsdecode(pointer[3])):
        return
    from hexauth.credentials.short import Vaults, noted
    from hexauth.memory import lines
    from hexauth.memory.folder import unsaved_name

    note = noted(front)
    login = mutex.rpartition("/")[2].removesuffix(".token.lock")
    if note is None or pointer[4] == lines.NOWHERE or _is_there(unsaved_name(mutex)):
        return
    entry = f"login/{login}"
    with Vaults(note, [f"{entry}/refresh", f"{entry}/access"]) as vaults:
        vaults.go_on()
        from hexauth.vault import logins

        vaults.go_on()
        if not _is_alone(vaults.index, entry):
            return
        refresh, access = vaults.read(entry)
    token = logins.parse(access, refresh)
    if token is None or token.expires_at is None or not token.is_fresh(time.time(), note.min_ttl):
        return
    answers = lines.answers(token, os.fsdecode(pointer[5]), note.min_ttl)
    times = lines.span(token, note.min_ttl)
    found = lines.write(front.name, pointer[:6], times, answers, os.environ)
    if (answer := hot.find(found, front.wanted)) is not None:
        hot.leave(answer)


def _is_there(name: str) -> bool:
    """Tell whether a file called `name` is in memory."""
    return any(hot.stamp(f"{folder}/{name}") != b"-" for folder in hot.folders(os.environ))


def _is_alone(index: "Mapping[str, Mapping[str, str]]", entry: str) -> bool:
    """Tell whether `entry` is the only login at its server, and no repository has a key."""
    facts = index.get(entry, {})
    if "server" not in facts or any("kinds" in each for each in index.values()):
        return False
    others = (each for name, each in index.items() if name != entry and "exchange" not in each)
    return all(each.get("server") != facts["server"] for each in others)
