"""The words of hexauth as values: frozen, and no secret ever shows in a repr."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Self

LAST_SECOND = 10**11
"""A time after this one, in the year 5138, makes no sense; nor do infinity and NaN."""


class Kind(StrEnum):
    """How a secret is put into an `Authorization` header."""

    BEARER = "bearer"
    """An OAuth access token: `Bearer SECRET` (RFC 6750 section 2.1)."""
    KEY = "key"
    """A Hex API key, sent as it is."""
    PASSWORD = "password"  # noqa: S105  (the name of a kind)
    """A password that some tool stored, for Basic authentication (RFC 7617)."""


@dataclass(frozen=True)
class Target:
    """What a credential is asked for; a field that is None was not named and matches anything.

    `host` carries the port where one was given (`git.example.com:8443`), as git writes it.
    Bytes that are not UTF-8 are kept as surrogate escapes (PEP 383).
    """

    protocol: str | None = None
    host: str | None = None
    path: str | None = None
    username: str | None = None

    @property
    def is_web(self) -> bool:
        """Whether it is an address of the web; one without a host is none (CVE-2020-11008)."""
        return bool(self.host) and (self.protocol or "").lower() in ("https", "http")

    def __str__(self) -> str:
        return f"{self.protocol}://{self.host}" + (f"/{self.path}" if self.path else "")


@dataclass(frozen=True)
class Login:
    """One OAuth session at one server with one client id; locks and records go by it.

    `server` is the API's URL without a trailing slash, such as `https://hex.pm/api`.
    """

    server: str
    client_id: str
    account: str = ""
    """Empty for the first login there, whoever's it is; else what the account is called."""
    exchange: str = ""
    """For tokens that a repository's key is exchanged for: the repository, and the key's kind."""

    @property
    def name(self) -> str:
        """A name for files and vault entries: readable, and different for each login."""
        parts = [self.server, self.client_id]
        parts += [f"account {self.account}"] if self.account else []
        parts += [f"exchange {self.exchange}"] if self.exchange else []
        text = "\n".join(parts).encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(text).hexdigest()[:12]
        host = re.sub(r"[^a-z0-9.]+", "-", self.server.split("//")[-1].split("/")[0].lower())
        return f"{host}-{digest}"


@dataclass(frozen=True)
class Endpoints:
    """Where a server answers to OAuth (RFC 8414 section 2); empty for what it does not have."""

    device_authorization: str
    token: str
    revocation: str = ""
    """Ends one token (RFC 7009)."""
    session_revocation: str = ""
    """Ends a whole session, given the hash of its refresh token: hexpm's own."""
    userinfo: str = ""
    """Tells whose a token is (OpenID Connect Core section 5.3)."""

    @classmethod
    def named(cls, facts: Mapping[str, str]) -> Self:
        """Return those that `facts` have under the names of RFC 8414 section 2."""
        return cls(**{each.name: facts.get(f"{each.name}_endpoint", "") for each in fields(cls)})


@dataclass(frozen=True)
class Token:
    """What a server issued: RFC 6749 section 5.1, with times as unix seconds.

    `access` is None when the token was rejected and dropped; `refresh` is None when the server
    issued none; `expires_at` is None when the server named no lifetime. An API key kept instead
    of a login is a token of kind `key` that has neither. `issued_at` is this machine's clock.
    """

    access: str | None = field(repr=False)
    refresh: str | None = field(repr=False, default=None)
    expires_at: int | None = None
    scope: str = ""
    issued_at: int = 0
    kind: Kind = Kind.BEARER

    def life_left(self, now: float) -> float:
        """Return the seconds for which the access token still works; infinite if it never ends.

        A token issued in the future has none: the clock was set back, and its expiry says nothing.
        """
        if self.access is None or self.issued_at > now + 60:
            return 0
        return float("inf") if self.expires_at is None else self.expires_at - now

    def margin(self, min_ttl: float) -> float:
        """Return the seconds of life below which the access token counts as used up.

        That is `min_ttl`. But a server may issue tokens that never live so long: one of those
        counts until a tenth of its life is left, because a new one would be no better.
        """
        if self.expires_at is not None and self.expires_at - self.issued_at <= min_ttl:
            return (self.expires_at - self.issued_at) / 10
        return min_ttl

    def is_fresh(self, now: float, min_ttl: float) -> bool:
        """Tell whether the access token has at least `min_ttl` seconds left; see `margin`."""
        left = self.life_left(now)
        return left > 0 and left >= self.margin(min_ttl)


@dataclass(frozen=True)
class Credential:
    """What is handed out: a secret, whom it is for, and where it came from."""

    target: Target
    username: str
    secret: str = field(repr=False)
    kind: Kind = Kind.PASSWORD
    expires_at: int | None = None
    scope: str = ""
    source: str = ""
    authtype: str | None = None
    """The scheme that a tool stored with the secret, git's `authtype`."""
    refresh_token: str | None = field(default=None, repr=False)
    """Git's `oauth_refresh_token`, if a tool stored one; never a login's own."""
    login: Login | None = None
    """The login whose token it is, if it is one."""

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header that presents this credential."""
        if self.authtype is not None:
            return f"{self.authtype} {self.secret}"
        if self.kind is Kind.BEARER:
            return f"Bearer {self.secret}"
        if self.kind is Kind.KEY:
            return self.secret
        from base64 import b64encode

        pair = f"{self.username}:{self.secret}".encode("utf-8", "surrogateescape")
        return f"Basic {b64encode(pair).decode('ascii')}"
