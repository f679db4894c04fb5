"""What the processes that need one login at the same moment know of each other.

How the last attempt ended stands in the record beside its mutex. An attempt that ended in a "no"
while a caller waited is that caller's answer too. Attempts are told apart by number, so no clock
matters.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hexauth import hot
from hexauth.errors import (
    Declined,
    Expired,
    HexauthError,
    Interrupted,
    Unreachable,
    VaultError,
)
from hexauth.model import Login, Token
from hexauth.mutex import (
    Mutex,
    Record,
    parse_record,
    read_record,
    write_record,
)
from hexauth.tokens import cache, files, load, recover
from hexauth.world import World

LATE_WRITE_SECONDS = 60
"""How long a mutex is kept for a vault's write that has outlived its time limit."""

SHARED = {kind.__name__: kind for kind in (Declined, Expired, Unreachable, VaultError)}
"""The errors that everyone who waited gets too."""


@dataclass(frozen=True)
class Arrival:
    """What a caller saw before it waited for anything."""

    token: Token | None
    logins: int
    """How many attempts to log in had ended."""
    refreshes: int
    """How many attempts to refresh had ended."""


def token_turn(world: World, login: Login, seconds: float) -> AbstractContextManager[None]:
    """Hold the token mutex of `login`, which this process may have waited for already."""
    path = files(world, login).token_mutex
    return Mutex(path, descriptor=world.front.take(str(path))).held(seconds)


def arrive(world: World, login: Login) -> Arrival:
    """Return what there is now: first the records, then the token, so that no end is missed.

    A fresh token is cached, unless somebody is changing it just now.
    """
    beside = files(world, login)
    logins, refreshes = (
        parse_record(world.front.records[str(path)])
        if str(path) in world.front.records
        else read_record(path)
        for path in (beside.login_record, beside.token_record)
    )
    return Arrival(_first_look(world, login), logins.ended, refreshes.ended)


def _first_look(world: World, login: Login) -> Token | None:
    """Load the token; a front that holds the token mutex keeps it if there is a refresh to do.

    Whoever comes while somebody else changes it waits, and finds it in memory: a keyring that is
    asked by a hundred at once may not answer them all in time.
    """
    mutex = files(world, login).token_mutex
    if world.front.holds(str(mutex)):
        token = _load_and_cache(world, login)
        if token is None or token.is_fresh(world.now(), world.settings.min_ttl):
            world.front.leave()
        return token
    with suppress(Expired), Mutex(mutex).held(hot.WAIT_SECONDS):
        return cache(world, login).read(world.now()) or _load_and_cache(world, login)
    return load(world, login)


def _load_and_cache(world: World, login: Login) -> Token | None:
    """Load the token, and let others know what came of it. The token mutex is held."""
    answers = cache(world, login)
    recover(world, login)
    try:
        token = load(world, login)
    except VaultError:
        answers.write_none(world.now())
        raise
    if token is None:
        answers.write_none(world.now())
    else:
        answers.write(token, world.now())
    return token


def is_new(token: Token | None, arrival: Arrival, now: float) -> bool:
    """Tell whether `token` works and is another than the one the caller arrived with."""
    if token is None or token.life_left(now) <= 0:
        return False
    return arrival.token is None or token.access != arrival.token.access


def share(record: Record) -> None:
    """Raise what ended the attempt that `record` is of, if everyone who waited gets it too."""
    kind = SHARED.get(record.state)
    if kind is not None:
        raise kind(record.message)


@contextmanager
def attempt(record_path: Path, number: int) -> Iterator[None]:
    """Publish how the attempt inside a `with` block ends, at `record_path`, under its `number`."""
    try:
        yield
    except Interrupted:
        message = f"The login was interrupted in process {os.getpid()}."
        _publish(record_path, Record(Declined.__name__, number, os.getpid(), message))
        raise
    except HexauthError as error:
        state = next((name for name, kind in SHARED.items() if isinstance(error, kind)), "failed")
        # A vault can be put in order, and then a code that was approved is still good.
        before = read_record(record_path) if isinstance(error, VaultError) else Record()
        ended = {"state": state, "attempt": number, "pid": os.getpid(), "message": str(error)}
        _publish(record_path, replace(before, **ended))  # type: ignore[arg-type]
        raise
    except BaseException:
        _publish(record_path, Record("failed", number, os.getpid()))
        raise
    _publish(record_path, Record("done", number, os.getpid()))


def _publish(path: Path, record: Record) -> None:
    with suppress(VaultError):  # what happened matters more than that others hear of it
        write_record(path, record)


@contextmanager
def settled(world: World) -> Iterator[None]:
    """Keep the mutex around a `with` block until a late write of the vault has ended."""
    try:
        yield
    finally:
        world.settle(LATE_WRITE_SECONDS)
