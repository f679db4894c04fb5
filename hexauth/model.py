"""The words of hexauth as values: frozen, and no secret ever shows in a repr.

They are no dataclasses, as importing `dataclasses` takes as long as two answers from memory.
"""

TYPE_CHECKING = False  # as in `typing`, whose import takes as long
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_options: bool) -> "Callable[[type], type]":
        """Return a decorator that does nothing: what it says is for type checkers (PEP 681)."""
        return lambda cls: cls


def is_plain(text: str) -> bool:
    """Tell whether `text` is as tokens, codes and keys are: printable ASCII without spaces."""
    return text.isascii() and text.isprintable() and " " not in text


@dataclass_transform(frozen_default=True)
class Value:
    """A frozen record; the annotations of a subclass are its fields, as in a dataclass.

    `vars` gives them as a dict, in their order.
    """

    HIDDEN: "ClassVar[tuple[str, ...]]" = ()
    """The fields that are secrets."""

    def __init__(self, *values: object, **named: object) -> None:
        kind, mine = type(self), self.__dict__
        fields = kind.__annotations__
        mine.update(zip(fields, values, strict=False))
        for name in list(fields)[len(values) :]:
            if name in named:
                mine[name] = named.pop(name)
            elif name in kind.__dict__:
                mine[name] = kind.__dict__[name]
        if named or len(mine) != len(fields) or len(values) > len(fields):
            raise TypeError(f"{kind.__name__} has the fields {', '.join(fields)}")

    def replaced(self, **changes: object) -> "Self":
        """Return another value, with `changes`."""
        return type(self)(**{**vars(self), **changes})

    def checked(self) -> "Self":
        """Return it, if each field is of its kind, as one that was read has to be.

        Raises TypeError.
        """
        for name, kind in type(self).__annotations__.items():
            if not isinstance(vars(self)[name], kind):
                raise TypeError(name)
        return self

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"{name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        shown = (f"{name}={vars(self)[name]!r}" for name in vars(self) if name not in self.HIDDEN)
        return f"{type(self).__name__}({', '.join(shown)})"


CLOCK_SLACK = 60
"""By how many seconds clocks are set back without anybody's doing (NTP), and it makes no odds."""

LAST_SECOND = 10**11
"""A time after this one, in the year 5138, makes no sense; nor do infinity and NaN."""


class Kind(str):
    """How a secret is put into an `Authorization` header; one of the three below.

    An enumeration, as far as it goes: `enum` takes 3 ms to import.
    """

    BEARER: "ClassVar[Kind]"
    """An OAuth access token: `Bearer SECRET` (RFC 6750 section 2.1)."""
    KEY: "ClassVar[Kind]"
    """A Hex API key, sent as it is."""
    PASSWORD: "ClassVar[Kind]"
    """A password that some tool stored, for Basic authentication (RFC 7617)."""

    __slots__ = ()

    def __new__(cls, name: str) -> "Kind":
        """Return the kind called `name`. Raises ValueError if there is none."""
        for kind in (cls.BEARER, cls.KEY, cls.PASSWORD):
            if kind == name:
                return kind
        raise ValueError(f"{name!r} is no kind of secret")


Kind.BEARER, Kind.KEY, Kind.PASSWORD = (
    str.__new__(Kind, name) for name in ("bearer", "key", "password")
)


class Target(Value):
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


class Login(Value):
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
        import hashlib
        import re

        parts = [self.server, self.client_id]
        parts += [f"account {self.account}"] if self.account else []
        parts += [f"exchange {self.exchange}"] if self.exchange else []
        text = "\n".join(parts).encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(text).hexdigest()[:12]
        host = re.sub(r"[^a-z0-9.]+", "-", self.server.split("//")[-1].split("/")[0].lower())
        return f"{host}-{digest}"


class Endpoints(Value):
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
    def named(cls, facts: "Mapping[str, str]") -> "Self":
        """Return those that `facts` have under the names of RFC 8414 section 2."""
        return cls(**{name: facts.get(f"{name}_endpoint", "") for name in cls.__annotations__})


class Token(Value):
    """What a server issued: RFC 6749 section 5.1, with times as unix seconds.

    `access` is None when the token was rejected and dropped; `refresh` is None when the server
    issued none; `expires_at` is None when the server named no lifetime. An API key kept instead
    of a login is a token of kind `key` that has neither. `issued_at` is this machine's clock.
    """

    HIDDEN = ("access", "refresh")

    access: str | None
    refresh: str | None = None
    expires_at: int | None = None
    scope: str = ""
    issued_at: int = 0
    kind: Kind = Kind.BEARER

    def checked(self) -> "Self":
        """Return it, if its times make sense, too. Raises TypeError and ValueError."""
        super().checked()
        if not (0 <= (self.expires_at or 0) < LAST_SECOND and 0 <= self.issued_at < LAST_SECOND):
            raise ValueError("a time beyond reason")
        return self

    def life_left(self, now: float) -> float:
        """Return the seconds for which the access token still works; infinite if it never ends.

        What counts is the life that the server gave it, in seconds, from when it was asked for by
        this machine's clock; no time of the server's does. Whatever was done to the clock since, it
        has no more left than its whole life; and one that was issued in the future has none left,
        as nobody knows how long ago that was. The next one is issued by the clock of today.
        """
        if self.access is None:
            return 0
        if self.expires_at is None:
            return float("inf")
        if self.issued_at > now + CLOCK_SLACK:
            return 0
        return min(self.expires_at - now, self.expires_at - self.issued_at)

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


class Credential(Value):
    """What is handed out: a secret, whom it is for, and where it came from."""

    HIDDEN = ("secret", "refresh_token")

    target: Target
    username: str
    secret: str
    kind: Kind = Kind.PASSWORD
    expires_at: int | None = None
    scope: str = ""
    source: str = ""
    authtype: str | None = None
    """The scheme that a tool stored with the secret, git's `authtype`."""
    refresh_token: str | None = None
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
