"""The OAuth endpoints of a server: one function for each, given a `requests.Session`.

Every answer is read with limits, so that no server can hold up or fill its caller.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hexauth import __version__
from hexauth.clock import Deadline
from hexauth.errors import Refused, Unreachable
from hexauth.model import Token
from hexauth.urls import origin, split_url

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10
READ_SECONDS = 30
ANSWER_SECONDS = 60
"""An answer that trickles in for longer than this is given up."""
BODY_BYTES = 1024 * 1024
REDIRECTS = 3

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Grant:
    """What the server answered to a device authorization request (RFC 8628 section 3.2).

    `deadline` is when the code expires, in unix seconds; `interval` is in seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: float
    deadline: float


def open_session() -> "requests.Session":
    """Return a session that names hexauth, and takes no credentials from ~/.netrc.

    Proxies and certificates come from the environment, as requests documents.
    """
    import requests  # 110 ms

    session = requests.Session()
    session.headers.update({"User-Agent": f"hexauth/{__version__}", "Accept": "application/json"})
    session.auth = lambda request: request  # an auth that adds nothing keeps netrc out
    return session


def device_authorization(
    session: "requests.Session", server: str, client_id: str, *, scope: str, name: str, now: float
) -> Grant:
    """Ask for a code that the person can approve (RFC 8628 section 3.1).

    `name` tells the person which device asks. Raises `Unreachable`, or `Refused`.
    """
    form = {"client_id": client_id, "scope": scope, "name": name}
    answer = _post(session, f"{server}/oauth/device_authorization", form)
    uri = _web_address(answer.get("verification_uri"))
    complete = answer.get("verification_uri_complete")
    return Grant(
        device_code=_plain(answer, "device_code"),
        user_code=_plain(answer, "user_code"),
        verification_uri=uri,
        verification_uri_complete=uri if complete is None else _web_address(complete),
        interval=max(0.1, _number(answer, "interval", 5)),
        deadline=now + _number(answer, "expires_in", 600),
    )


def device_token(
    session: "requests.Session", server: str, client_id: str, device_code: str, *, now: float
) -> Token:
    """Poll for the token of a device code (RFC 8628 section 3.4).

    Raises `Unreachable`, or `Refused` with one of the codes of section 3.5.
    """
    form = {"grant_type": DEVICE_CODE, "device_code": device_code, "client_id": client_id}
    return _token(_post(session, f"{server}/oauth/token", form), now)


def refresh(
    session: "requests.Session", server: str, client_id: str, token: Token, *, now: float
) -> Token:
    """Exchange a refresh token for a new token (RFC 6749 section 6).

    The answer carries on what it does not repeat: refresh token and scope. Raises `Unreachable`,
    or `Refused` with `invalid_grant` when the refresh token has been used or revoked.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token.refresh or "",
        "client_id": client_id,
    }
    new = _token(_post(session, f"{server}/oauth/token", form), now)
    return Token(
        access=new.access,
        refresh=new.refresh or token.refresh,
        expires_at=new.expires_at,
        scope=new.scope or token.scope,
        issued_at=new.issued_at,
    )


def revoke_session(session: "requests.Session", server: str, refresh_token: str) -> None:
    """End the whole session that a refresh token belongs to (hexpm's `revoke_by_hash`).

    Raises `Unreachable`, or `Refused`.
    """
    from hashlib import sha256

    digest = sha256(refresh_token.encode()).hexdigest()
    _post(session, f"{server}/oauth/revoke_by_hash", {"token_hash": digest})


def current_user(session: "requests.Session", server: str, authorization: str) -> dict[str, Any]:
    """Return what the server says of the user whom `authorization` belongs to.

    Raises `Refused` with `invalid_token` when it does not work, or `Unreachable`.
    """
    status, answer = _request(session, "GET", f"{server}/users/me", authorization=authorization)
    if status in (401, 403):
        raise Refused("invalid_token", f"{split_url(server)[1]} does not accept this key.")
    if status != 200 or not isinstance(answer, dict):
        raise _nonsense(server, f"status {status}")
    return answer


def _token(answer: dict[str, Any], now: float) -> Token:
    lifetime = answer.get("expires_in")
    refresh_token = answer.get("refresh_token")
    return Token(
        access=_plain(answer, "access_token"),
        refresh=None if refresh_token is None else _plain(answer, "refresh_token"),
        expires_at=None if lifetime is None else int(now + _number(answer, "expires_in", 0)),
        scope=str(answer.get("scope") or ""),
        issued_at=int(now),
    )


def _post(session: "requests.Session", url: str, form: dict[str, str]) -> dict[str, Any]:
    status, answer = _request(session, "POST", url, form=form)
    if status == 200:
        if isinstance(answer, dict):
            return answer
        raise _nonsense(url, "something else than a JSON object")
    error = answer.get("error") if isinstance(answer, dict) else None
    if 400 <= status < 500 and status != 429 and isinstance(error, str):
        if not re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}", error):
            raise _nonsense(url, "an error without a name")
        raise Refused(error, f"{split_url(url)[1]} refused with {error}.")
    raise _nonsense(url, f"status {status}")


def _request(
    session: "requests.Session",
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    authorization: str | None = None,
) -> tuple[int, Any]:
    """Send a request; return the status and the parsed JSON, {} if the body is empty."""
    import requests

    headers = {"Authorization": authorization} if authorization else {}
    home = origin(*split_url(url))
    try:
        for _ in range(REDIRECTS + 1):
            with session.request(
                method,
                url,
                data=form,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                if not response.is_redirect:
                    return response.status_code, _json(response, url)
                url = urljoin(url, response.headers["location"])
                if origin(*split_url(url)) != home or response.status_code not in (307, 308):
                    raise Unreachable(f"{home} sends its callers elsewhere, which is refused.")
    except requests.RequestException as error:
        raise Unreachable(f"{home} cannot be reached: {_reason(error)}.") from None
    raise Unreachable(f"{home} redirects without end.")


def _json(response: "requests.Response", url: str) -> Any:  # noqa: ANN401  (JSON is anything)
    end = Deadline(ANSWER_SECONDS)
    body = b""
    for chunk in response.iter_content(16384):
        body += chunk
        if len(body) > BODY_BYTES:
            raise _nonsense(url, "an answer without end")
        if end.is_over():
            raise _nonsense(url, "an answer that does not end")
    if not body.strip():
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        if response.status_code == 429:
            raise Unreachable(f"{split_url(url)[1]} has had too many requests.") from None
        raise _nonsense(url, f"no JSON, status {response.status_code}") from None


def _reason(error: Exception) -> str:
    """Return why a request failed in plain words; a library's own text may hold the body or URL."""
    import requests

    reasons: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, "the proxy does not let it through"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ConnectTimeout, f"no connection within {CONNECT_SECONDS} s"),
        (requests.exceptions.Timeout, f"no answer within {READ_SECONDS} s"),
        (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
        (requests.exceptions.ContentDecodingError, "the answer is garbled"),
        (requests.exceptions.ConnectionError, "no connection"),
    )
    return next((words for kind, words in reasons if isinstance(error, kind)), "no answer")


def _nonsense(url: str, what: str) -> Unreachable:
    return Unreachable(f"{split_url(url)[1]} answered nonsense: {what}.")


def _plain(answer: dict[str, Any], name: str) -> str:
    """Return a field that must be printable ASCII: it travels in headers, lines and terminals."""
    value = answer.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", value):
        raise Unreachable(f"The server answered nonsense: {name} is missing or garbled.")
    return value


def _web_address(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[\x21-\x7e]{1,2048}", value):
        raise Unreachable(
            "The server answered nonsense: verification_uri is not an address of the web."
        )
    return value


def _number(answer: dict[str, Any], name: str, default: float) -> float:
    """Return a field in seconds; servers minded for forms send it as text."""
    try:
        value = float(answer.get(name, default))
    except (TypeError, ValueError):
        value = -1
    if not 0 <= value <= 10**9:
        raise Unreachable(f"The server answered nonsense: {name} is no number of seconds.")
    return value
