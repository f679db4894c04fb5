"""The token of a login: loading, saving and dropping it, in the vault and in memory.

Whoever changes it holds the token mutex.
"""

from dataclasses import dataclass
from pathlib import Path

from hexauth import accounts
from hexauth.cache import Cache
from hexauth.errors import VaultError
from hexauth.hex import user_name
from hexauth.journal import Journal
from hexauth.model import Kind, Login, Token
from hexauth.mutex import private_folder
from hexauth.vault import logins as entries
from hexauth.world import World

_ENDINGS = (
    "login.lock",
    "login.json",
    "token.lock",
    "token.json",
    "browser.lock",
    "browser.json",
)


@dataclass(frozen=True)
class Files:
    """The files of one login in the state folder."""

    login_mutex: Path
    login_record: Path
    token_mutex: Path
    token_record: Path
    browser_mutex: Path
    browser_record: Path


def files(world: World, login: Login) -> Files:
    """Return the files of `login`; the folder is made if need be. Raises `VaultError`."""
    base = private_folder(world.places.state) / login.name
    return Files(*(Path(f"{base}.{end}") for end in _ENDINGS))


def cache(world: World, login: Login) -> Cache:
    """Return the cache of `login`'s answers."""
    return Cache(
        world.environ,
        world.settings,
        world.places,
        files(world, login).token_mutex,
        accounts.spread(world, login),
    )


def load(world: World, login: Login) -> Token | None:
    """Return the token of `login`: the one that is still to be saved, or the vault's.

    Raises `VaultError`.
    """
    unsaved = _journal(world, login).read()
    if unsaved is not None:
        return unsaved
    return entries.load_login(world.vault(entries.name(login)), login)


def is_unsaved(world: World, login: Login) -> bool:
    """Tell whether the token of `login` is in memory alone."""
    return _journal(world, login).read() is not None


def save(world: World, login: Login, token: Token) -> None:
    """Save `token`, and note in the index where. Raises `VaultError`.

    If it cannot be saved, or this process dies, it is kept in memory, where there is some: `load`
    finds it there, and `recover` saves it when the vault is in order again.
    """
    answers, journal = cache(world, login), _journal(world, login)
    answers.outdate()
    is_kept = token.kind is Kind.BEARER and journal.write(token)  # a key is had elsewhere
    try:
        entries.save_login(world.vault(entries.name(login)), login, token)
    except VaultError as error:
        if not is_kept:
            raise
        raise VaultError(
            f"The login cannot be saved: {error}",
            hint="Until this machine restarts it is kept in memory: when the vault is in order "
            "again, `hexauth get` saves it.",
        ) from None
    journal.drop()
    answers.write(token, world.now())
    facts = {"server": login.server, "client_id": login.client_id}
    facts |= {"account": login.account} if login.account else {}
    facts |= {"exchange": login.exchange} if login.exchange else {}
    user = user_name(token)
    if user and "user" not in world.index.entries().get(entries.name(login), {}):
        facts["user"] = user  # a login from before there were accounts
    world.note(entries.name(login), **facts)


def recover(world: World, login: Login) -> None:
    """Save what is in memory alone; if the vault still does not take it, only say so."""
    unsaved = _journal(world, login).read()
    if unsaved is None:
        return
    try:
        save(world, login, unsaved)
    except VaultError as error:
        world.screen.say(f"hexauth: {error}", f"hexauth: {error.hint}")


def drop(world: World, login: Login) -> None:
    """Remove every trace of the token of `login`. Raises `VaultError`."""
    cache(world, login).outdate()
    _journal(world, login).drop()
    entries.drop_login(world.vault(entries.name(login)), login)


def _journal(world: World, login: Login) -> Journal:
    return Journal(world.environ, files(world, login).token_mutex, world.settings.cache)
