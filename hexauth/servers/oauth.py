"""What a server answers at its OAuth endpoints, and where it tells of a user or of itself."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from hexauth.errors import Garbled, Refused, Unreachable
from hexauth.machine.terminal import ADDRESS
from hexauth.model import Endpoints, Token, is_plain
from hexauth.world.http import nonsense, send
from hexauth.world.urls import in_ascii, is_web_url, split_url

if TYPE_CHECKING:
    import requests


USER_CODE_LENGTH = 64
"""The most characters of a code that a person is to compare, or type."""

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"

CODE_SECONDS = 24 * 3600
"""The longest that a code is waited for, whatever its server says."""

SCOPE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,4096}")
"""The scopes that a server may grant (RFC 6749 section 3.3)."""

FORM_FIELDS = 100


@dataclass(frozen=True)
class Grant:
    """What the server answered to a device authorization request (RFC 8628 section 3.2).

    The code lives for `lifetime` seconds, until `deadline` in unix seconds; `interval` is in
    seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: float
    lifetime: float
    deadline: float


@dataclass(frozen=True)
class Client:
    """An OAuth client at one server: a method for each thing it can ask for.

    Each raises `Refused` with the server's reason, or `Unreachable`: `Garbled` if the server has
    done what was asked for, and its answer makes no sense. `now` returns unix seconds. Only what
    the server says in seconds counts: its own clock may be wrong.
    """

    http: "requests.Session"
    endpoints: Endpoints
    client_id: str
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def device_authorization(self, scope: str, name: str) -> Grant:
        """Ask for a code that the person can approve (RFC 8628 section 3.1).

        `name` tells the person which device asks.
        """
        now = self.now()
        form = {**({"scope": scope} if scope else {}), "name": name}
        answer = self._post(self.endpoints.device_authorization, **form)
        # Servers older than the RFC call it an URL.
        uri = _web_address(answer.get("verification_uri") or answer.get("verification_url"))
        complete = answer.get("verification_uri_complete")
        lifetime = min(_number(answer, "expires_in", 600), CODE_SECONDS)
        return Grant(
            device_code=_plain(answer, "device_code"),
            user_code=_plain(answer, "user_code", USER_CODE_LENGTH),
            verification_uri=uri,
            verification_uri_complete=uri if complete is None else _web_address(complete),
            interval=max(0.1, _number(answer, "interval", 5)),
            lifetime=lifetime,
            deadline=now + lifetime,
        )

    def device_token(self, device_code: str) -> Token:
        """Poll for the token of a device code (RFC 8628 section 3.4).

        Refused with one of the codes of section 3.5 as long as there is none.
        """
        return self._token(grant_type=DEVICE_CODE, device_code=device_code)

    def refresh(self, token: Token) -> Token:
        """Exchange a refresh token for a new token (RFC 6749 section 6).

        The answer carries on what it does not repeat: refresh token and scope. Refused with
        `invalid_grant` when the refresh token has been used or revoked.
        """
        new = self._token(grant_type="refresh_token", refresh_token=token.refresh or "")
        return new.replaced(refresh=new.refresh or token.refresh, scope=new.scope or token.scope)

    def exchange(self, key: str, scope: str) -> Token:
        """Exchange an API key for an access token (RFC 6749 section 4.4), and nothing to refresh.

        Refused with `invalid_client` for a wrong key, `invalid_scope` for one that may do less.
        """
        new = self._token(grant_type="client_credentials", client_secret=key, scope=scope)
        return new.replaced(refresh=None, scope=new.scope or scope)

    def end_session(self, refresh_token: str) -> None:
        """End the session that a refresh token belongs to, as far as the server knows how.

        At a Hex server that is `revoke_by_hash`, elsewhere RFC 7009.
        """
        if self.endpoints.session_revocation:
            digest = sha256(refresh_token.encode()).hexdigest()
            _post(self.http, self.endpoints.session_revocation, {"token_hash": digest})
        elif self.endpoints.revocation:
            form = {"token": refresh_token, "token_type_hint": "refresh_token"}
            self._post(self.endpoints.revocation, **form)

    def _token(self, **form: str) -> Token:
        issued, begin = self.now(), self.monotonic()
        answer = self._post(self.endpoints.token, **form)
        if (now := self.now()) < issued:  # the clock was set back meanwhile
            issued = now - (self.monotonic() - begin)
        lifetime, refresh = answer.get("expires_in"), answer.get("refresh_token")
        scope = answer.get("scope")
        return Token(
            access=_plain(answer, "access_token"),
            refresh=None if refresh is None else _plain(answer, "refresh_token"),
            expires_at=None if lifetime is None else int(issued + _number(answer, "expires_in", 0)),
            scope=scope if isinstance(scope, str) and SCOPE.fullmatch(scope) else "",
            issued_at=int(issued),
        )

    def _post(self, url: str, **form: str) -> dict[str, Any]:
        return _post(self.http, url, {"client_id": self.client_id, **form})


def current_user(session: "requests.Session", url: str, authorization: str) -> dict[str, Any]:
    """Return what the server says at `url` of the user whom `authorization` belongs to.

    Raises `Refused` with `invalid_token` when it does not work, or `Unreachable`.
    """
    status, answer = _asked(session, "GET", url, authorization=authorization)
    if status in (401, 403):
        raise Refused(
            "invalid_token",
            f"{split_url(url)[1]} does not accept this key.",
            hint="Check it under the keys of your account; nothing was stored.",
        )
    if status != 200 or not isinstance(answer, dict):
        raise nonsense(url, f"status {status}")
    return answer


def accepts(session: "requests.Session", url: str, authorization: str) -> bool:
    """Tell whether the server lets `authorization` read `url`. Raises `Unreachable`."""
    status, _, _ = send(session, "GET", url, authorization=authorization)
    if status in (401, 403):
        return False
    if status >= 500 or status == 429:
        raise nonsense(url, f"status {status}")
    return True


def metadata(session: "requests.Session", url: str) -> dict[str, Any] | None:
    """Return the server metadata at `url` (RFC 8414 section 3.2), or None if there is none.

    Raises `Unreachable`.
    """
    status, _, answer = send(session, "GET", url)
    if status != 200:
        if status >= 500 or status == 429:
            raise nonsense(url, f"status {status}")
        return None
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None  # a page for people, as some send for any address
    return found if isinstance(found, dict) else None


def _post(session: "requests.Session", url: str, form: dict[str, str]) -> dict[str, Any]:
    status, answer = _asked(session, "POST", url, form=form)
    error = answer.get("error") if isinstance(answer, dict) else None
    if status == 200 and error is None:  # some servers refuse with this status, too
        if isinstance(answer, dict):
            return answer
        raise _strange(url, status, "something else than a JSON object")
    if (status == 200 or 400 <= status < 500) and status != 429 and isinstance(error, str):
        if not re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}", error):
            raise nonsense(url, "an error without a name")
        raise Refused(error, f"{split_url(url)[1]} refused with {error}.")
    raise _strange(url, status, f"status {status}")


def _strange(url: str, status: int, what: str) -> Unreachable:
    return nonsense(url, what, Garbled if 200 <= status < 300 else Unreachable)


def _asked(
    session: "requests.Session",
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    authorization: str | None = None,
) -> tuple[int, Any]:
    """Send a request; return the status, and what the body says, {} if it is empty."""
    status, kind, body = send(session, method, url, form=form, authorization=authorization)
    return status, _parsed(url, status, kind, body)


def _parsed(url: str, status: int, kind: str, body: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return what `body` says: JSON, or a form, as servers older than RFC 6749 answer."""
    if not body.strip():
        return {}
    try:
        if "x-www-form-urlencoded" in kind:
            return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS))
        return json.loads(body)
    except (ValueError, RecursionError):
        if status == 429:
            raise Unreachable(
                f"{split_url(url)[1]} has had too many requests.",
                hint="Nothing was lost: wait a minute, then try again.",
            ) from None
        raise _strange(url, status, f"no JSON, status {status}") from None


def _plain(answer: dict[str, Any], name: str, longest: int = 65536) -> str:
    """Return a field that must be printable ASCII: it travels in headers, lines and terminals."""
    value = answer.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not is_plain(value):
        raise Garbled(f"The server answered nonsense: {name} is missing or garbled.")
    return value


def _web_address(value: object) -> str:
    """Return an address that a person is to open, its host as DNS knows it."""
    with suppress(ValueError):  # a host that is none
        found = in_ascii(value) if isinstance(value, str) else ""
        if re.fullmatch(f"https?://[\x21-\x7e]{{1,{ADDRESS - 8}}}", found) and is_web_url(found):
            return found
    raise Garbled("The server answered nonsense: verification_uri is not an address of the web.")


def _number(answer: dict[str, Any], name: str, default: float) -> float:
    """Return a field in seconds; servers minded for forms send it as text."""
    said = answer.get(name, default)
    try:
        value = -1 if isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        value = -1
    if not 0 <= value <= 10**9:
        raise Garbled(f"The server answered nonsense: {name} is no number of seconds.")
    return value
