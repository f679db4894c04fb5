"""What is true of Hex alone: its addresses, identities and tokens.

Read from hexpm (the server), hex_core 0.19 and hex 2.5 (its clients).
"""

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urlsplit

from hexauth.model import LAST_SECOND, Endpoints, Kind, Token

REPOSITORY = "hexpm"
"""The name of the public repository; `hexpm:ORG` is an organization's."""

API_URL = "https://hex.pm/api"
REPO_URL = "https://repo.hex.pm"

CLIENT_ID = "78ea6566-89fd-481e-a1d6-7d9d78eacca8"
"""The public OAuth client of Hex's command lines; it has no secret."""

SCOPE = "api repositories"

KEY_VARIABLES = ("HEX_API_KEY", "HEXPM_READ_API_KEY")
"""Variables whose value clients send as the `Authorization` header: mix and rebar3; gleam."""

OTHER_VARIABLES = (
    "HEX_COOLDOWN",
    "HEX_COOLDOWN_EXCLUDE_REPOS",
    "HEX_DEBUG_SOLVER",
    "HEX_DIFF_COMMAND",
    "HEX_HTTP_CONCURRENCY",
    "HEX_IGNORE_ADVISORIES",
    "HEX_IGNORE_RETIREMENTS",
    "HEX_NO_SHORT_URLS",
    "HEX_NO_VERIFY_REPO_ORIGIN",
    "HEX_POLICY",
    "HEX_RESOLVE_VERBOSE",
    "HEX_UNSAFE_REGISTRY",
)
"""Variables that mix reads, and hexauth has no use for."""

NAME = "[a-z0-9_]+"
"""What organizations and packages may be called: a regular expression."""

SESSION_SECONDS = 30 * 24 * 3600
"""A session ends this long after the login; refreshing does not extend it."""


def repo_url(api_url: str) -> str:
    """Return the address of the repository that belongs to an API."""
    return REPO_URL if api_url == API_URL else api_url.removesuffix("/api")


def is_api(url: str) -> bool:
    """Tell whether `url` is written as that of a Hex server's API: its path ends in `/api`."""
    return urlsplit(url).path.endswith("/api")


def endpoints(api_url: str) -> Endpoints:
    """Return where a Hex server answers to OAuth."""
    base = f"{api_url}/oauth"
    return Endpoints(
        device_authorization=f"{base}/device_authorization",
        token=f"{base}/token",
        revocation=f"{base}/revoke",
        session_revocation=f"{base}/revoke_by_hash",
    )


def claims(token: str | None) -> dict[str, Any]:
    """Return what a JWT says of itself (RFC 7519 section 4), unverified; {} if it is none.

    Good for telling a person whose session this is, never for deciding anything.
    """
    try:
        payload = (token or "").split(".")[1]
        found = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


HALVES = ("api:read", "api:write")
"""What hexpm grants for the scope `api`."""


def missing_scopes(granted: str, wanted: str) -> list[str]:
    """Return which of the scopes `wanted` are not `granted`; of `api` the half that is missing."""
    have, missing = set(granted.split()), list[str]()
    for each in wanted.split():
        if each in have:
            continue
        if each == "api" and have.intersection(HALVES):
            missing += [half for half in HALVES if half not in have]
        else:
            missing.append(each)
    return missing


def user_name(token: Token) -> str | None:
    """Return the name of the user whom an OAuth token belongs to, if it says."""
    subject = claims(token.access).get("sub") or claims(token.refresh).get("sub")
    if not isinstance(subject, str) or not subject.startswith("user:"):
        return None
    return subject.removeprefix("user:")


def session_end(token: Token) -> int | None:
    """Return when the login ends for good, in unix seconds; None if that is unknown.

    A refresh token is a JWT whose `exp` is the end of the session, by the server's clock, as `iat`
    is when it was issued: what counts is how long that is, from when it came here by our own.
    """
    said = claims(token.refresh)
    begin, end = said.get("iat"), said.get("exp")
    if not isinstance(begin, int | float) or not isinstance(end, int | float):
        return None
    if not token.issued_at:
        return None
    found = token.issued_at + end - begin
    return int(found) if 0 < found < LAST_SECOND else None


def login_end(token: Token) -> int | None:
    """Return when a login is of no more use, in unix seconds; None if that is unknown.

    That is its session's end, or its token's where none can be had anew.
    """
    end = session_end(token)
    return token.expires_at if end is None and token.refresh is None else end


def authorization(secret: str) -> tuple[Kind, str]:
    """Tell what the value of `HEX_API_KEY` is: its kind and the bare secret.

    Mix sends the variable as the `Authorization` header, so `Bearer TOKEN` is an OAuth token.
    """
    scheme, _, token = secret.strip().partition(" ")
    if token and scheme.lower() == "bearer":
        return Kind.BEARER, token.strip()
    return Kind.KEY, secret.strip()
