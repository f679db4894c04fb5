"""The keys of repositories: kept in the vault, one entry for each repository.

An `auth_key` is for a trusted repository, and is exchanged for a token where that is possible; a
`repo_key` is sent to the repository as it is, trusted or not; an `api_key` is for its API.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from hexauth import hex as hexpm
from hexauth.errors import Refused, VaultError
from hexauth.login.tokens import Tokens
from hexauth.model import Login
from hexauth.servers import oauth
from hexauth.servers.directory import client_for
from hexauth.servers.repositories import Repository
from hexauth.vault.home import Home
from hexauth.world import values


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


def kinds(home: Home, repository: Repository) -> Sequence[KeyKind]:
    """Return which keys of `repository` are kept, as the index knows without the vault.

    Where there is no index, which may have been lost, the vault is asked; what keeps it from
    answering then is for others to say.
    """
    entries = home.vaults.entries()
    if entries or home.vaults.shared is not None:
        noted = entries.get(entry(repository), {}).get("kinds", "").split()
        return [kind for kind in KeyKind if kind in noted]
    with suppress(VaultError):
        return list(load(home, repository))
    return []


def load(home: Home, repository: Repository) -> Mapping[KeyKind, str]:
    """Return the keys of `repository`. Raises `VaultError`."""
    name = entry(repository)
    vault = home.vaults.of(name)
    text = vault.read(name)
    try:
        found = {} if text is None else json.loads(text)
        return {KeyKind(kind): values.key(key) for kind, key in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise VaultError(
            f"The entry {name} in the {vault.name} vault is not hexauth's.",
            hint=f"Run `hexauth key remove {repository.name}`, then add its keys again.",
        ) from None


def key(home: Home, repository: Repository, kind: KeyKind) -> str:
    """Return the key of that kind, which the index knows of. Raises `VaultError`."""
    kept = load(home, repository)
    if kind not in kept:
        raise VaultError(
            f"The {kind} of {repository.name} is not in the vault any more.",
            hint=f"Run `hexauth key remove {repository.name}`, or add it again.",
        )
    return kept[kind]


def verify(home: Home, repository: Repository, kind: KeyKind, key: str) -> None:
    """Ask the server whether it takes `key`. Raises `Refused` if not, or `Unreachable`."""
    try:
        if kind is KeyKind.API:
            oauth.current_user(home.http, f"{repository.api_url}/users/me", key)
        elif kind is KeyKind.AUTH and repository.oauth_exchange:
            client_for(home, exchanged(repository, kind)).exchange(key, SCOPES[kind])
        elif not oauth.accepts(home.http, f"{repository.url}/names", key):
            raise Refused("invalid_client", f"{repository.name} does not take this key.")
    except Refused as refusal:
        raise Refused(
            refusal.code,
            f"{repository.name} does not take this key: {refusal.code}.",
            hint="Nothing was stored. Check the key and its permissions, or add --no-verify.",
        ) from None


def add(home: Home, repository: Repository, kind: KeyKind, key: str) -> None:
    """Keep `key` in place of the one of that kind. Raises `VaultError`."""
    _change(home, repository, kind, key)


def remove(home: Home, repository: Repository, kind: KeyKind | None = None) -> bool:
    """Forget the key of that kind, or all of them; tell whether there was one.

    Raises `VaultError`.
    """
    return _change(home, repository, kind, None)


def _change(home: Home, repository: Repository, kind: KeyKind | None, key: str | None) -> bool:
    name = entry(repository)
    with home.vaults.changing(name, "keys"):
        try:
            before = dict(load(home, repository))
        except VaultError:
            if kind is not None:
                raise
            before = {KeyKind.AUTH: ""}  # nonsense: it can be removed all the same
        after = {each: text for each, text in before.items() if kind not in (None, each)}
        if kind is not None and key is not None:
            after[kind] = key
        vault = home.vaults.of(name)
        facts = {"repository": repository.name, "kinds": " ".join(after), "at": at(repository)}
        if key is not None:
            vault.write(name, json.dumps(after))
            home.vaults.note(name, **facts)
        elif after:  # the index first: what it names and a killed process has removed is an error
            home.vaults.note(name, **facts)
            vault.write(name, json.dumps(after))
        else:
            home.vaults.forget(name)
            vault.delete(name)
        for kind_exchanged in SCOPES:
            tokens = Tokens(home, exchanged(repository, kind_exchanged))
            with tokens.changing():
                tokens.forget()
        _outdate(home, repository)
        return bool(before)


def at(repository: Repository) -> str:
    """Return the server that the keys of `repository` are for."""
    return repository.api_url if repository.is_hexpm else repository.url


def exchanged(repository: Repository, kind: KeyKind, fingerprint: str = "") -> Login:
    """Return the login under which the token is kept that a key of `repository` stands for.

    `fingerprint` tells apart keys that are given in the environment.
    """
    what = f"{repository.name} {kind} {fingerprint}".rstrip()
    return Login(repository.oauth_exchange_url, hexpm.CLIENT_ID, exchange=what)


def _outdate(home: Home, repository: Repository) -> None:
    """End every answer in memory that was given in view of other keys. Raises `VaultError`."""
    for login, _ in home.vaults.logins():
        if login.server in (repository.api_url, repository.oauth_exchange_url):
            tokens = Tokens(home, login)
            with tokens.changing():
                tokens.answers.outdate()


def listed(home: Home) -> Iterator[Mapping[str, str]]:
    """Yield the facts of every key, without secrets."""
    for facts in home.vaults.entries().values():
        if "repository" in facts and "kinds" in facts:
            yield facts
