"""What the processes that need one login at the same moment know of each other.

How the last attempt ended stands in the record beside its mutex. An attempt that ended in a "no"
while a caller waited is that caller's answer too. Attempts are told apart by number, so no clock
matters.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hexauth.cache import Cache
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
    private_folder,
    read_record,
    write_record,
)
from hexauth.vault import logins as entries
from hexauth.world import World

LATE_WRITE_SECONDS = 60
"""How long a mutex is kept for a vault's write that has outlived its time limit."""

SHARED = {kind.__name__: kind for kind in (Declined, Expired, Unreachable, VaultError)}
"""The errors that everyone who waited gets too."""

_ENDINGS = ("login.lock", "login.json", "token.lock", "token.json")


@dataclass(frozen=True)
class Arrival:
    """What a caller saw before it waited for anything."""

    token: Token | None
    logins: int
    """How many attempts to log in had ended."""
    refreshes: int
    """How many attempts to refresh had ended."""


@dataclass(frozen=True)
class Files:
    """The files of one login in the state folder."""

    login_mutex: Path
    login_record: Path
    token_mutex: Path
    token_record: Path


def files(world: World, login: Login) -> Files:
    """Return the files of `login`; the folder is made if need be. Raises `VaultError`."""
    base = private_folder(world.places.state) / login.name
    return Files(*(Path(f"{base}.{end}") for end in _ENDINGS))


def load(world: World, login: Login) -> Token | None:
    """Return the token of `login` from the vault it is in. Raises `VaultError`."""
    return entries.load_login(world.vault(entries.name(login)), login)


def cache(world: World, login: Login) -> Cache:
    """Return the cache of `login`'s answers."""
    return Cache(world.environ, world.settings, world.places, files(world, login).token_mutex)


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
    """Load the token; a front that holds the token mutex keeps it if there is a refresh to do."""
    mutex = files(world, login).token_mutex
    if world.front.holds(str(mutex)):
        token = _load_and_cache(world, login)
        if token is None or token.is_fresh(world.now(), world.settings.min_ttl):
            world.front.leave()
        return token
    with suppress(Expired), Mutex(mutex).held(0):
        return _load_and_cache(world, login)
    return load(world, login)


def _load_and_cache(world: World, login: Login) -> Token | None:
    """Load the token, and let others know what came of it. The token mutex is held."""
    answers = cache(world, login)
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
    """Publish how the attempt inside a `with` block ends, at `record_path`, under its `number`.

    Ctrl-C counts as the person's no, and becomes `Interrupted`.
    """
    try:
        yield
    except KeyboardInterrupt:
        message = f"The login was interrupted in process {os.getpid()}."
        _publish(record_path, Record(Declined.__name__, number, os.getpid(), message))
        raise Interrupted("The login was interrupted.") from None
    except HexauthError as error:
        state = next((name for name, kind in SHARED.items() if isinstance(error, kind)), "failed")
        _publish(record_path, Record(state, number, os.getpid(), str(error)))
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
