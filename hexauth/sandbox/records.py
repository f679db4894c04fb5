"""The records of a Hex server, and the error that refuses a request for a token."""

from dataclasses import dataclass, field
from enum import StrEnum


class Refused(Exception):
    """An OAuth error answer (RFC 6749 section 5.2, RFC 8628 section 3.5)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class State(StrEnum):
    """Where a grant stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass
class Session:
    """A login of the user; times are unix seconds, `used` orders sessions by their last use."""

    client_id: str
    name: str
    ends_at: float
    used: int = 0
    ended: bool = False


@dataclass
class Row:
    """A token pair; a row without a session belongs to an API key and cannot be refreshed."""

    client_id: str
    scope: tuple[str, ...]
    expires_at: float
    session: Session | None = None
    revoked: bool = False
    access_revoked: bool = False


@dataclass
class Grant:
    """A login that a person is asked for: RFC 8628 section 3.2."""

    device_code: str = field(repr=False)
    user_code: str
    client_id: str
    name: str
    scope: tuple[str, ...]
    made_at: float
    expires_at: float
    state: State = State.PENDING
    session: Session | None = None
    row: Row | None = None
    polled_at: float = 0


@dataclass(frozen=True)
class Issued:
    """A successful token answer: RFC 6749 section 5.1; `expires_in` is in seconds."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_in: float
    scope: str


@dataclass(frozen=True)
class Caller:
    """Who makes a request: the user, by `oauth` token or by `key`, and what they may do."""

    kind: str
    scope: tuple[str, ...]
