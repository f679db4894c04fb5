"""The OAuth endpoints: RFC 8628, RFC 6749, RFC 7009, and hexpm's `revoke_by_hash`."""

from typing import Any

from flask import Blueprint, Response, g, request

from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.records import Issued, Refused
from hexauth.sandbox.spoil import answer

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"

KINDS = {
    DEVICE_CODE: "poll",
    "refresh_token": "refresh",
    "client_credentials": "client_credentials",
}
"""What the journal calls a request for a token, by its grant type."""


def blueprint(hexpm: Hexpm) -> Blueprint:
    """Return the endpoints below `/api/oauth`."""
    oauth = Blueprint("oauth", __name__, url_prefix="/api/oauth")

    @oauth.post("/device_authorization")
    def device_authorization() -> Response:
        grant = hexpm.device_authorization(
            parameter("client_id"), parameter("scope", ""), parameter("name", "")
        )
        page = f"{request.host_url}oauth/device"
        code = grant.user_code
        if g.fault and g.fault.kind == "bad-uri":
            page = "javascript:alert(document.domain)//"
        if g.fault and g.fault.kind == "control-code":
            code = f"\x1b[2J\x1b]0;gotcha\x07{code[:4]}\r\n{code[4:]}\u202e"
        return answer(
            {
                "device_code": grant.device_code,
                "user_code": code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={code}",
                "expires_in": number(hexpm.options.expires_in),
                "interval": number(hexpm.options.interval),
            },
            200,
        )

    @oauth.post("/token")
    def token() -> Response:
        kind = KINDS.get(parameter("grant_type"))
        client_id = parameter("client_id")
        if kind == "poll":
            return issued(hexpm.poll(client_id, parameter("device_code")))
        if kind == "refresh":
            return issued(
                hexpm.refresh(client_id, parameter("refresh_token"), parameter("scope", ""))
            )
        if kind == "client_credentials":
            return issued(
                hexpm.exchange(client_id, parameter("client_secret"), parameter("scope", ""))
            )
        raise Refused("unsupported_grant_type", "Unsupported grant type")

    @oauth.post("/revoke")
    def revoke() -> Response:
        hexpm.revoke(given("client_id"), given("token"))
        return empty()

    @oauth.post("/revoke_by_hash")
    def revoke_by_hash() -> Response:
        hexpm.revoke_by_hash(given("token_hash"))
        return empty()

    return oauth


def refusal(error: Refused) -> Response:
    """Return the answer for a refused request (RFC 6749 section 5.2)."""
    return answer({"error": error.error, "error_description": str(error)}, error.status)


def parameter(name: str, default: str | None = None) -> str:
    """Return a parameter; raises `Refused` if it is no string, or missing without a default."""
    value: Any = g.parameters.get(name)
    if value is None or value == "":
        if default is None:
            raise Refused("invalid_request", f"Missing parameter: {name}")
        return default
    if not isinstance(value, str):
        raise Refused("invalid_request", f"The parameter {name} must be a string")
    return value


def given(name: str) -> str:
    """Return a parameter, or an empty string if it is missing or strange: revoking never fails."""
    value: Any = g.parameters.get(name)
    return value if isinstance(value, str) else ""


def issued(tokens: Issued) -> Response:
    """Return a token answer (RFC 6749 section 5.1)."""
    refresh = {} if tokens.refresh is None else {"refresh_token": tokens.refresh}
    return answer(
        {
            "access_token": tokens.access,
            **refresh,
            "token_type": "bearer",
            "expires_in": number(tokens.expires_in),
            "scope": tokens.scope,
        },
        200,
    )


def empty() -> Response:
    """Return 200 without a body, and so without a content type."""
    response = Response(status=200)
    del response.headers["Content-Type"]
    return response


def number(seconds: float) -> int | float:
    """Write whole seconds without a fraction, as clients expect them."""
    return int(seconds) if seconds == int(seconds) else seconds
