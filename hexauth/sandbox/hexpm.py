"""Hex in memory: grants, sessions, tokens and API keys, by hexpm's rules; no HTTP, no waiting."""

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterable

from hexauth.hex import SESSION_SECONDS
from hexauth.sandbox import scopes
from hexauth.sandbox.limits import Limit
from hexauth.sandbox.options import Options
from hexauth.sandbox.records import Caller, Grant, Issued, Refused, Row, Session, State
from hexauth.sandbox.tokens import Mint, digest, new_key

USER_CODE_ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXYZ"
USER_CODE_LENGTH = 8
MAX_SESSIONS = 5
OTP_TRIES = 5
OTP_SECONDS = 600


class Hexpm:
    """One server with one user; every method may be called from any thread.

    `now` returns unix seconds. `count` hears the name of everything that `journal.OUTCOMES` lists.
    """

    def __init__(
        self,
        options: Options,
        *,
        now: Callable[[], float] = time.time,
        count: Callable[[str], None] = lambda kind: None,
    ) -> None:
        self.options = options
        self.mint = Mint()
        self._now = now
        self._count = count
        self._lock = threading.RLock()
        self._uses = itertools.count(1)
        self._grants: list[Grant] = []
        self._sessions: list[Session] = []
        self._access: dict[str, Row] = {}
        self._refresh: dict[str, Row] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._wrong_codes = Limit(OTP_TRIES, OTP_SECONDS, now=now)

    def device_authorization(self, client_id: str, scope: str, name: str) -> Grant:
        """Make a grant for a person to answer; raises `Refused`."""
        with self._lock:
            self._check_client(client_id)
            wanted = _scope(scope or "api repositories")
            now = self._now()
            grant = Grant(
                device_code=secrets.token_hex(16),
                user_code=self._new_user_code(),
                client_id=client_id,
                name=name,
                scope=wanted,
                made_at=now,
                expires_at=now + self.options.expires_in,
            )
            self._grants.append(grant)
            self._count("prompts")
            return grant

    def grants(self) -> list[Grant]:
        """Return all grants, oldest first."""
        with self._lock:
            for grant in self._grants:
                self._settle(grant)
            return list(self._grants)

    def find(self, user_code: str) -> Grant | None:
        """Return the grant of a code that a person typed; case, dashes and spaces do not count."""
        plain = "".join(letter for letter in user_code.upper() if letter.isalnum())
        return next((found for found in self.grants() if found.user_code == plain), None)

    def answer(self, grant: Grant, *, approve: bool, scope: Iterable[str] | None = None) -> bool:
        """Let the person answer a grant, with all its scopes or with some of them.

        False if the grant is no longer waiting for an answer.
        """
        with self._lock:
            self._settle(grant)
            if grant.state is not State.PENDING:
                return False
            chosen = grant.scope if scope is None else tuple(scope)
            self._answer(grant, approve, tuple(name for name in grant.scope if name in chosen))
            return True

    def poll(self, client_id: str, device_code: str) -> Issued:
        """Return the tokens of an approved grant, fresh ones for each poll; raises `Refused`."""
        with self._lock:
            self._check_client(client_id)
            known = (grant for grant in self._grants if grant.device_code == device_code)
            grant = next(known, None)
            if grant is None or grant.client_id != client_id:
                raise Refused("invalid_grant", "Unknown device code")
            self._settle(grant)
            self._notice_haste(grant)
            if grant.state is State.PENDING:
                raise Refused("authorization_pending", "Authorization pending")
            if grant.state is State.DENIED:
                raise Refused("access_denied", "Authorization denied by the user", 403)
            if grant.state is State.EXPIRED or grant.session is None:
                raise Refused("expired_token", "Device code expired")
            if not self._lives(grant.session):
                raise Refused("invalid_grant", "The session has ended")
            if grant.row is not None:
                grant.row.revoked = True
            grant.row, issued = self._issue(grant.session, grant.scope)
            return issued

    def refresh(self, client_id: str, refresh_token: str, scope: str = "") -> Issued:
        """Rotate a token pair: the old pair dies at once; raises `Refused`."""
        with self._lock:
            self._check_client(client_id)
            row = self._refresh.get(digest(refresh_token))
            if row is None or row.session is None or row.client_id != client_id:
                raise Refused("invalid_grant", "Invalid refresh token")
            if row.revoked or not self._lives(row.session):
                raise Refused("invalid_grant", "Refresh token expired or revoked")
            wanted = _scope(scope) if scope else row.scope
            if not scopes.within(wanted, row.scope):
                raise Refused("invalid_scope", "The scope exceeds the one that was granted")
            row.revoked = True
            _, issued = self._issue(row.session, wanted)
            return issued

    def exchange(self, client_id: str, key: str, scope: str) -> Issued:
        """Return an access token for an API key (RFC 6749 section 4.4); raises `Refused`."""
        with self._lock:
            self._check_client(client_id)
            owned = self._keys.get(key)
            if owned is None:
                raise Refused("invalid_client", "Invalid API key", 401)
            wanted = _scope(scope) if scope else owned
            if not scopes.within(wanted, owned):
                raise Refused("invalid_scope", "The scope exceeds the API key's")
            now = self._now()
            row = Row(client_id, wanted, now + self.options.token_ttl)
            access = self._access_token(row, now)
            return Issued(access, None, self.options.token_ttl, " ".join(wanted))

    def revoke(self, client_id: str, token: str) -> None:
        """Kill the row of an access or refresh token; its session keeps its place (RFC 7009)."""
        with self._lock:
            row = self._access.get(digest(token)) or self._refresh.get(digest(token))
            if row is not None and row.client_id == client_id:
                row.revoked = True

    def revoke_by_hash(self, token_hash: str) -> None:
        """End the session whose refresh token has this lower-case hex SHA-256."""
        with self._lock:
            row = self._refresh.get(token_hash)
            if row is not None and row.session is not None and not row.revoked:
                row.session.ended = True

    def add_key(self, scope: str = "api repositories") -> str:
        """Return a new API key with this scope; raises `Refused` if there is no such scope."""
        wanted = _scope(scope)
        with self._lock:
            key = new_key()
            self._keys[key] = wanted
            return key

    def authenticate(self, authorization: str) -> Caller | None:
        """Return who sends this `Authorization` header; None if it is good for nothing."""
        scheme, _, secret = authorization.partition(" ")
        with self._lock:
            if not secret and (owned := self._keys.get(scheme)) is not None:
                return Caller("key", owned)
            row = self._access.get(digest(secret)) if scheme.lower() == "bearer" else None
            if row is None or not self._works(row):
                return None
            if row.session is not None:
                row.session.used = next(self._uses)
            return Caller("oauth", row.scope)

    def check_password(self, code: str) -> str:
        """Judge a one-time password: `right`, `wrong`, `missing`, `too_many`, or `off`.

        It is `off` for a user without two-factor authentication.
        """
        if self.options.otp is None:
            return "off"
        if not code:
            return "missing"
        wrong = not secrets.compare_digest(code.encode(), self.options.otp.encode())
        if self._wrong_codes.use("", int(wrong)).exceeded:
            return "too_many"
        return "wrong" if wrong else "right"

    def sessions(self) -> list[Session]:
        """Return the sessions that live, the one that would be evicted next first."""
        with self._lock:
            return sorted(filter(self._lives, self._sessions), key=lambda session: session.used)

    def end_sessions(self) -> None:
        """End every session: neither access nor refresh tokens work any longer."""
        with self._lock:
            for session in self._sessions:
                session.ended = True

    def reject_access_tokens(self) -> None:
        """Make every access token issued so far a revoked one; refresh tokens live on."""
        with self._lock:
            for row in self._access.values():
                row.access_revoked = True

    def _check_client(self, client_id: str) -> None:
        if client_id not in self.options.clients:
            raise Refused("invalid_client", "Unknown client", 401)

    def _new_user_code(self) -> str:
        taken = {grant.user_code for grant in self._grants}
        while True:
            letters = (secrets.choice(USER_CODE_ALPHABET) for _ in range(USER_CODE_LENGTH))
            if (code := "".join(letters)) not in taken:
                return code

    def _settle(self, grant: Grant) -> None:
        """Bring a grant up to the present: it may have answered itself, or run out."""
        after, approve = self.options.answers_itself
        at = grant.made_at + after
        if grant.state is State.PENDING and at <= self._now() and at < grant.expires_at:
            self._answer(grant, approve, grant.scope)
        if grant.state is not State.DENIED and self._now() >= grant.expires_at:
            grant.state = State.EXPIRED

    def _answer(self, grant: Grant, approve: bool, scope: tuple[str, ...]) -> None:
        grant.state = State.APPROVED if approve else State.DENIED
        self._count("approvals" if approve else "denials")
        if approve:
            grant.scope = scope
            grant.session = self._begin(grant)

    def _begin(self, grant: Grant) -> Session:
        living = self.sessions()
        for session in living[: max(0, len(living) + 1 - MAX_SESSIONS)]:
            session.ended = True
            self._count("evictions")
        session = Session(grant.client_id, grant.name, self._now() + SESSION_SECONDS)
        session.used = next(self._uses)
        self._sessions.append(session)
        self._count("sessions")
        return session

    def _notice_haste(self, grant: Grant) -> None:
        """Count a poll that came too soon; hexpm itself lets it pass. Clocks may be 50 ms off."""
        if grant.polled_at and self._now() - grant.polled_at < self.options.interval - 0.05:
            self._count("hasty_polls")
        grant.polled_at = self._now()

    def _lives(self, session: Session) -> bool:
        return not session.ended and self._now() < session.ends_at

    def _works(self, row: Row) -> bool:
        alive = row.session is None or self._lives(row.session)
        return alive and not (row.revoked or row.access_revoked) and self._now() < row.expires_at

    def _issue(self, session: Session, scope: tuple[str, ...]) -> tuple[Row, Issued]:
        now = self._now()
        session.used = next(self._uses)
        lasts = min(self.options.token_ttl, session.ends_at - now)
        row = Row(session.client_id, scope, now + lasts, session)
        refresh = self.mint.refresh(
            self.options.user, " ".join(scope), issued_at=now, expires_at=session.ends_at
        )
        self._refresh[digest(refresh)] = row
        return row, Issued(self._access_token(row, now), refresh, lasts, " ".join(scope))

    def _access_token(self, row: Row, now: float) -> str:
        token = self.mint.access(
            self.options.user, " ".join(row.scope), issued_at=now, expires_at=row.expires_at
        )
        self._access[digest(token)] = row
        return token


def _scope(text: str) -> tuple[str, ...]:
    found = scopes.expand(text)
    if not found:
        raise Refused("invalid_scope", "There is no such scope")
    return found
