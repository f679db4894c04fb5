"""How the value of a setting is read, whatever place it comes from: text, or TOML.

Each function raises ValueError or TypeError, in words that go on from "must be".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from hexauth import hot
from hexauth.errors import did_you_mean
from hexauth.world.urls import is_web_url, origin, split_url

Tables = Mapping[str, Mapping[str, Any]]

Keys = Mapping[str, Callable[[object], Any]]
"""What a table may hold, and how it is read."""


VAULTS = ("auto", "keyring", "file", "postgresql://HOST/DATABASE")
"""The last one stands for any address of a database."""

POSTGRES = "postgresql://"

SHARED = (POSTGRES, "postgres://")
"""How the address of a database begins."""

FACES = ("auto", "plain")

OPENINGS = ("now", "enter", "never")

OCCASIONS = ("auto", "always", "never")


class NoneOf(ValueError):
    """What was said is none of those words that are known."""

    def __init__(self, wanted: str, value: object, known: Iterable[str]) -> None:
        super().__init__(wanted)
        self.likely = did_you_mean(str(value), known)


def text(value: object) -> str:
    """Return a text that can be shown on a terminal."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a text without control characters")
    return value


def key(value: object) -> str:
    """Return a key or a token: it is printed, and travels in headers."""
    if not text(value).isascii():
        raise ValueError("a text of printable ASCII characters")
    return str(value)


def url(value: object) -> str:
    """Return an address of the web, without a slash at its end."""
    found = text(value).rstrip("/")
    if not is_web_url(found) or "@" in urlsplit(found).netloc:
        raise ValueError("an http(s) URL without user name and password")
    return found


def seconds(value: object) -> int:
    """Return a number of seconds, at most nine digits."""
    if type(value) is int and 0 <= value < 10**9:
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("a whole number of seconds")
    return int(value)


def switch(value: object) -> bool:
    """Return whether something is on; `0`, `false`, `no` and `off` say that it is not."""
    if isinstance(value, bool):
        return value
    return text(value).lower() not in hot.NO


def vault(value: object) -> str:
    """Return the name of a vault, or the address of a database (libpq's, PostgreSQL 34.1.1.2)."""
    if not isinstance(value, str) or not is_shared(value):
        return _one_of(VAULTS, value)
    _, _, rest = value.partition("://")
    place, _, query = rest.partition("?")
    named = place.partition("/")[0].rpartition("@")[0]
    said = {unquote(each.partition("=")[0]) for each in query.split("&")}
    if ":" in named or said & {"password", "sslpassword"}:
        raise ValueError("an address without a password, which PGPASSFILE or a service can hold")
    return text(f"{POSTGRES}{rest}")


def is_shared(vault: str) -> bool:
    """Tell whether a vault is the database at an address, which other machines may share."""
    return vault.startswith(SHARED)


def face(value: object) -> str:
    """Return how the terminal is used."""
    return _one_of(FACES, value)


def opening(value: object) -> str:
    """Return when a browser is opened."""
    return _one_of(OPENINGS, value)


def occasion(value: object) -> str:
    """Return when something is shown."""
    return _one_of(OCCASIONS, value)


def _one_of(known: Sequence[str], value: object) -> str:
    if value not in known:
        raise NoneOf(f"{', '.join(known[:-1])} or {known[-1]}", value, known)
    return str(value)


def origins(value: object) -> tuple[str, ...]:
    """Return origins, of a list or of a text with spaces or commas between them."""
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list):
        raise TypeError("a list of http URLs")
    return tuple(origin(*split_url(url(item))) for item in items)


REPOSITORY_KEYS = {
    "url": url,
    "api_url": url,
    "trusted": switch,
    "oauth_exchange": switch,
    "oauth_exchange_api": switch,
    "oauth_exchange_url": url,
}
"""What can be said of a repository, and how it is read."""

SERVER_KEYS = {
    "client_id": text,
    "scope": text,
    "username": text,
    "issuer": url,
    "device_authorization_endpoint": url,
    "token_endpoint": url,
    "revocation_endpoint": url,
    "userinfo_endpoint": url,
}
"""What can be said of an OAuth server; the endpoints have the names of RFC 8414 section 2."""


def repositories(value: object) -> Tables:
    """Return what is said of each repository, by its name."""
    return {text(name): each for name, each in _tables(value, REPOSITORY_KEYS).items()}


def servers(value: object) -> Tables:
    """Return what is said of each OAuth server, by its address."""
    return {url(name): each for name, each in _tables(value, SERVER_KEYS).items()}


def accounts(value: object) -> Mapping[str, str]:
    """Return the name of an account for each server's address."""
    if not isinstance(value, dict):
        raise TypeError("a table of servers and the names of accounts")
    return {url(server): text(name) for server, name in value.items()}


TABLES: Mapping[str, tuple[Callable[[object], str], Keys]] = {
    "accounts": (url, {}),
    "servers": (url, SERVER_KEYS),
    "repositories": (text, REPOSITORY_KEYS),
}
"""How the names in a table of settings are read, and what is said of each; without any, a text."""


def _tables(value: object, keys: Keys) -> Tables:
    """Return tables of which each has none but `keys`, whose values name their parsers."""
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise TypeError("a table of tables")
    found: dict[str, dict[str, Any]] = {}
    for name, table in value.items():
        found[name] = {}
        for key, content in table.items():
            if key not in keys:
                wanted = f"tables that hold nothing but {', '.join(keys)}, and not {key}"
                raise NoneOf(wanted, key, keys)
            try:
                found[name][key] = keys[key](content)
            except (ValueError, TypeError) as error:
                raise ValueError(f"tables in which {key} is {error}") from None
    return found
