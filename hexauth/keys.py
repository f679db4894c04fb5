"""The keys of repositories: kept in the vault, one entry for each repository.

An `auth_key` is for a trusted repository, and is exchanged for a token where that is possible; a
`repo_key` is sent to the repository as it is, trusted or not; an `api_key` is for its API.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from hexauth import hex as hexpm
from hexauth.cache import Cache
from hexauth.errors import VaultError
from hexauth.model import Login
from hexauth.mutex import Mutex, private_folder
from hexauth.repositories import Repository
from hexauth.tokens import drop, files
from hexauth.vault.logins import name as entry_name
from hexauth.world import World

SECONDS = 60
"""The longest wait for another process that changes the same keys."""


class KeyKind(StrEnum):
    """What a key is for; the names are hex_core's."""

    AUTH = "auth_key"
    REPO = "repo_key"
    API = "api_key"


SCOPES = {KeyKind.AUTH: "repositories", KeyKind.API: "api"}
"""The scopes of the tokens that keys are exchanged for."""


def entry(repository: Repository) -> str:
    """Return the name of the vault's entry for the keys of `repository`, at this very server."""
    return f"key/{Login(at(repository), f'keys of {repository.name}').name}"


def kinds(world: World, repository: Repository) -> Sequence[KeyKind]:
    """Return which keys of `repository` are kept, as the index knows without the vault.

    Where there is no index, which may have been lost, the vault is asked; what keeps it from
    answering then is for others to say.
    """
    entries = world.index.entries()
    if entries:
        noted = entries.get(entry(repository), {}).get("kinds", "").split()
        return [kind for kind in KeyKind if kind in noted]
    with suppress(VaultError):
        return list(load(world, repository))
    return []


def load(world: World, repository: Repository) -> Mapping[KeyKind, str]:
    """Return the keys of `repository`. Raises `VaultError`."""
    name = entry(repository)
    return _parsed(world, repository, world.vault(name).read(name))


def key(world: World, repository: Repository, kind: KeyKind) -> str:
    """Return the key of that kind, which the index knows of. Raises `VaultError`."""
    kept = load(world, repository)
    if kind not in kept:
        raise VaultError(
            f"The {kind} of {repository.name} is not in the vault any more.",
            hint=f"Run `hexauth key remove {repository.name}`, or add it again.",
        )
    return kept[kind]


def _parsed(world: World, repository: Repository, text: str | None) -> Mapping[KeyKind, str]:
    name = entry(repository)
    if text is None:
        return {}
    try:
        found = json.loads(text)
        return {KeyKind(kind): str(key) for kind, key in found.items()}
    except (ValueError, AttributeError, RecursionError):
        raise VaultError(
            f"The entry {name} in the {world.vault(name).name} vault is not hexauth's.",
            hint=f"Run `hexauth key remove {repository.name}`, then add its keys again.",
        ) from None


def add(world: World, repository: Repository, kind: KeyKind, key: str) -> None:
    """Keep `key` in place of the one of that kind. Raises `VaultError`."""
    _change(world, repository, kind, key)


def remove(world: World, repository: Repository, kind: KeyKind | None = None) -> bool:
    """Forget the key of that kind, or all of them; tell whether there was one.

    Raises `VaultError`.
    """
    return _change(world, repository, kind, None)


def _change(world: World, repository: Repository, kind: KeyKind | None, key: str | None) -> bool:
    name = entry(repository)
    mutex = Login(name, "keys").name
    with Mutex(private_folder(world.places.state) / f"{mutex}.lock").held(SECONDS):
        try:
            before = dict(load(world, repository))
        except VaultError:
            if kind is not None:
                raise
            before = {KeyKind.AUTH: ""}  # nonsense: it can be removed all the same
        after = {each: text for each, text in before.items() if kind not in (None, each)}
        if kind is not None and key is not None:
            after[kind] = key
        if after:
            world.vault(name).write(name, json.dumps(after))
            world.note(name, repository=repository.name, kinds=" ".join(after), at=at(repository))
        else:
            world.vault(name).delete(name)
            world.forget(name)
        for login in exchanges(repository):
            with Mutex(files(world, login).token_mutex).held(SECONDS):
                drop(world, login)
                world.forget(entry_name(login))
        outdate(world, repository)
        return bool(before)


def at(repository: Repository) -> str:
    """Return the server that the keys of `repository` are for."""
    return repository.api_url if repository.is_hexpm else repository.url


def exchanges(repository: Repository) -> Iterator[Login]:
    """Yield the logins under which tokens are kept that keys of `repository` were exchanged for."""
    for kind in (KeyKind.AUTH, KeyKind.API):
        yield exchanged(repository, kind)


def exchanged(repository: Repository, kind: KeyKind, fingerprint: str = "") -> Login:
    """Return the login under which the token is kept that a key of `repository` stands for.

    `fingerprint` tells apart keys that are given in the environment.
    """
    what = f"{repository.name} {kind} {fingerprint}".rstrip()
    return Login(repository.oauth_exchange_url, hexpm.CLIENT_ID, exchange=what)


def outdate(world: World, repository: Repository) -> None:
    """End every answer in memory that was given in view of other keys. Raises `VaultError`."""
    for facts in world.index.entries().values():
        if facts.get("server") in (repository.api_url, repository.oauth_exchange_url):
            login = Login(
                facts["server"],
                facts.get("client_id", ""),
                facts.get("account", ""),
                facts.get("exchange", ""),
            )
            mutex = files(world, login).token_mutex
            with Mutex(mutex).held(SECONDS):
                Cache(world.environ, world.settings, world.places, mutex).outdate()


def listed(world: World) -> Iterator[Mapping[str, str]]:
    """Yield the facts of every key, without secrets."""
    for facts in world.index.entries().values():
        if "repository" in facts and "kinds" in facts:
            yield facts
