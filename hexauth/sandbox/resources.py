"""What tokens are for: the user, a write that asks for a one-time password, and repositories."""

from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from hexauth.sandbox import scopes
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.records import Caller, Refused
from hexauth.sandbox.shelf import LISTED
from hexauth.sandbox.spoil import answer

NO_CREDENTIALS = "Basic realm=hex"
"""The challenge for missing, revoked, expired and wrong credentials alike."""

PAGE = 2
"""How many packages are listed at once."""

MADE_AT = "2024-01-01T00:00:00.000000Z"


class Denied(Exception):
    """A resource request that is refused."""

    def __init__(self, status: int, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.challenge = challenge


def denial(error: Denied) -> Response:
    """Return hexpm's answer for a refused resource request."""
    response = answer({"status": error.status, "message": str(error)}, error.status)
    if error.challenge:
        response.headers["www-authenticate"] = error.challenge
    return response


def failure(error: HTTPException) -> Response:
    """Return hexpm's answer for an address or a method that is not there."""
    status = error.code or 500
    return answer({"status": status, "message": error.name}, status)


def blueprint(hexpm: Hexpm) -> Blueprint:
    """Return what is at `/api` but for OAuth and packages, `/names` and `/repos/ORG/names`."""
    resources = Blueprint("resources", __name__)

    @resources.get("/api/users/me")
    def users_me() -> Response:
        require(caller(hexpm), "api:read")
        return answer(_user(hexpm), 200)

    @resources.get("/api/auth")
    def auth() -> Response:
        """Tell whether a credential is good for something: `domain=api&resource=write`."""
        who = caller(hexpm)
        domain, resource = request.args.get("domain", "api"), request.args.get("resource", "")
        require(who, f"{domain}:{resource}" if resource else scopes.SHORT.get(domain, (domain,))[0])
        return Response(status=204)

    @resources.post("/api/keys")
    def keys() -> Response:
        maker = caller(hexpm)
        require(maker, "api:write")
        if maker.kind == "oauth":
            check_password(hexpm)
        name = g.parameters.get("name")
        if not isinstance(name, str) or not name:
            return answer({"status": 422, "errors": {"name": "can't be blank"}}, 422)
        wanted = _key_scope(g.parameters.get("permissions"))
        try:
            secret = hexpm.add_key(" ".join(wanted))
        except Refused as error:
            raise Denied(422, str(error)) from error
        return answer({"name": name, "secret": secret, "authing_key": False}, 201)

    @resources.get("/api/packages")
    def packages() -> Response:
        page = request.args.get("page", 1, int)
        names = LISTED[(page - 1) * PAGE : page * PAGE] if page > 0 else []
        response = answer([{"name": name} for name in names], 200)
        if 0 < page * PAGE < len(LISTED):
            following = f"{request.host_url}api/packages?page={page + 1}"
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response

    @resources.get("/names")
    def names() -> Response:
        return _names("hexpm")

    @resources.get("/repos/<organization>/names")
    def organization_names(organization: str) -> Response:
        require_member(hexpm, organization)
        return _names(organization)

    return resources


def caller(hexpm: Hexpm) -> Caller:
    """Return who makes the current request; raises `Denied` if no credential of it works."""
    sent = request.headers.get("Authorization", "")
    found = hexpm.authenticate(sent)
    if found is None:
        what = "invalid" if sent else "missing"
        raise Denied(401, f"{what} authentication information", NO_CREDENTIALS)
    return found


def require_member(hexpm: Hexpm, organization: str) -> None:
    """Raise `Denied` unless the request may read what belongs to `organization`."""
    require(caller(hexpm), f"repository:{organization}")
    if organization not in hexpm.options.organizations:
        raise Denied(403, "account not authorized for this action")


def require(who: Caller, scope: str) -> None:
    """Raise `Denied` unless the caller's scope allows `scope`; who may write may read."""
    wanted = (scope, "api:write") if scope == "api:read" else (scope,)
    if not any(scopes.within([name], who.scope) for name in wanted):
        raise Denied(401, "key not authorized for this action", NO_CREDENTIALS)


def check_password(hexpm: Hexpm) -> None:
    """Raise `Denied` unless the request carries the right one-time password."""
    verdict = hexpm.check_password(request.headers.get("X-Hex-OTP", ""))
    if verdict == "off":
        raise Denied(403, "two-factor authentication must be enabled for this action")
    if verdict == "too_many":
        raise Denied(429, "too many wrong one-time passwords")
    if verdict == "missing":
        raise _challenge("totp_required", "two-factor authentication required")
    if verdict == "wrong":
        raise _challenge("invalid_totp", "invalid two-factor authentication code")


def _challenge(error: str, message: str) -> Denied:
    return Denied(401, message, f'Bearer realm="hex", error="{error}"')


def _key_scope(permissions: Any) -> list[str]:  # noqa: ANN401  (any JSON value)
    """Return the scopes in a new key's permissions; a key without any may use the API."""
    names = []
    for item in permissions if isinstance(permissions, list) else []:
        domain = item.get("domain") if isinstance(item, dict) else None
        resource = item.get("resource") if isinstance(item, dict) else None
        names.append(f"{domain}:{resource}" if resource else str(domain))
    return names or ["api"]


def _names(repository: str) -> Response:
    body = f"names of {repository}\n".encode()
    return Response(body, 200, content_type="application/octet-stream")


def _user(hexpm: Hexpm) -> dict[str, object]:
    name = hexpm.options.user
    return {
        "username": name,
        "full_name": name.capitalize(),
        "email": f"{name}@example.com",
        "handles": {},
        "organizations": [
            {"name": organization, "role": "write"} for organization in hexpm.options.organizations
        ],
        "tfa_enabled": hexpm.options.otp is not None,
        "inserted_at": MADE_AT,
        "updated_at": MADE_AT,
        "url": f"{request.host_url}api/users/{name}",
    }
