import re
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import requests
from joserfc import jwt

from hexauth.hex import CLIENT_ID
from hexauth.sandbox import bodies
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]
Post = Callable[..., requests.Response]
LogIn = Callable[..., dict[str, Any]]


def status_of(sandbox: Sandbox, token: str) -> int:
    """Return what `GET /api/users/me` answers to this token."""
    return requests.get(
        f"{sandbox.api_url}/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=10
    ).status_code


def test_a_grant_has_what_rfc_8628_asks_for(serve: Serve, post: Post) -> None:
    """Section 3.2, with hexpm's alphabet and lengths."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", scope="api repositories", name="vm").json()
    device_code, user_code = grant.pop("device_code"), grant.pop("user_code")

    assert (
        len(device_code),
        bool(re.fullmatch("[2-9BCDFGHJ-NP-TV-Z]{8}", user_code)),
        grant,
    ) == (
        32,
        True,
        {
            "verification_uri": f"{sandbox.url}/oauth/device",
            "verification_uri_complete": f"{sandbox.url}/oauth/device?user_code={user_code}",
            "expires_in": 600,
            "interval": 5,
        },
    )


def test_a_login_gives_a_token_that_works(serve: Serve, log_in: LogIn) -> None:
    """The short scope `api` has become two."""
    sandbox = serve()
    token = log_in(sandbox)

    assert (
        token["token_type"],
        token["expires_in"],
        token["scope"],
        status_of(sandbox, token["access_token"]),
    ) == ("bearer", 1800, "api:read api:write repositories", 200)


def test_the_real_mix_client_is_answered_in_its_own_terms(serve: Serve) -> None:
    """An Erlang map goes in, an Erlang map with binaries for keys comes out."""
    sandbox = serve()
    body = bodies.to_erlang({"client_id": CLIENT_ID, "name": "vm", "scope": "api repositories"})
    headers = {
        "content-type": "application/vnd.hex+erlang",
        "accept": "application/vnd.hex+erlang",
        "user-agent": "hex_core/0.19.0 hex/2.5.2-dev (elixir/1.14.0) (OTP/25) (erts/13.1.5)",
    }
    answer = requests.post(
        f"{sandbox.api_url}/oauth/device_authorization", data=body, headers=headers, timeout=10
    )

    assert (answer.headers["content-type"], set(bodies.from_erlang(answer.content))) == (
        "application/vnd.hex+erlang",
        {
            "device_code",
            "user_code",
            "verification_uri",
            "verification_uri_complete",
            "expires_in",
            "interval",
        },
    )


def test_an_access_token_is_a_jwt_of_hexpm(serve: Serve, log_in: LogIn) -> None:
    """ES256, with the claims hexpm writes."""
    sandbox = serve()
    token = jwt.decode(log_in(sandbox)["access_token"], sandbox.hexpm.mint.key)
    claims = token.claims

    assert (
        token.header["alg"],
        claims["iss"],
        claims["aud"],
        claims["sub"],
        claims["scope"],
        claims["exp"] - claims["iat"],
    ) == ("ES256", "hexpm", "hexpm:api", "user:alice", "api:read api:write repositories", 1800)


def test_a_refresh_token_ends_with_the_session(serve: Serve, log_in: LogIn) -> None:
    """30 days after the login; the token may be a moment younger than that."""
    sandbox = serve()
    before = time.time()
    claims = jwt.decode(log_in(sandbox)["refresh_token"], sandbox.hexpm.mint.key).claims
    after = time.time()

    assert int(before) <= claims["exp"] - 30 * 24 * 3600 <= after


def test_tokens_are_as_long_as_those_of_hexpm(serve: Serve, log_in: LogIn) -> None:
    """About 350 and 365 characters, give or take 15."""
    token = log_in(serve())
    lengths = len(token["access_token"]), len(token["refresh_token"])

    assert (abs(lengths[0] - 350) < 15, abs(lengths[1] - 365) < 15) == (True, True)


def test_a_refresh_kills_the_old_access_token_at_once(
    serve: Serve, post: Post, log_in: LogIn
) -> None:
    """Rotation revokes the whole row."""
    sandbox = serve()
    old = log_in(sandbox)
    new = post(
        sandbox, "token", grant_type="refresh_token", refresh_token=old["refresh_token"]
    ).json()

    assert (
        status_of(sandbox, old["access_token"]),
        status_of(sandbox, new["access_token"]),
    ) == (401, 200)


def test_a_refresh_token_works_once(serve: Serve, post: Post, log_in: LogIn) -> None:
    """The second use is an invalid grant."""
    sandbox = serve()
    form = {"grant_type": "refresh_token", "refresh_token": log_in(sandbox)["refresh_token"]}
    answers = [post(sandbox, "token", **form) for _ in range(2)]

    assert [(answer.status_code, answer.json().get("error")) for answer in answers] == [
        (200, None),
        (400, "invalid_grant"),
    ]


def test_revoking_by_hash_ends_the_session(serve: Serve, post: Post, log_in: LogIn) -> None:
    """No client id and no authentication are asked for; the answer is empty."""
    sandbox = serve()
    token = log_in(sandbox)
    answer = requests.post(
        f"{sandbox.api_url}/oauth/revoke_by_hash",
        json={"token_hash": sha256(token["refresh_token"].encode()).hexdigest()},
        timeout=10,
    )

    assert (
        answer.status_code,
        answer.content,
        answer.headers.get("content-type"),
        status_of(sandbox, token["access_token"]),
        len(sandbox.hexpm.sessions()),
    ) == (200, b"", None, 401, 0)


def test_revoking_a_token_keeps_the_place_of_its_session(
    serve: Serve, post: Post, log_in: LogIn
) -> None:
    """The row is dead, the session is not."""
    sandbox = serve()
    token = log_in(sandbox)
    answer = post(sandbox, "revoke", token=token["refresh_token"])

    assert (
        answer.status_code,
        answer.content,
        status_of(sandbox, token["access_token"]),
        len(sandbox.hexpm.sessions()),
    ) == (200, b"", 401, 1)


@pytest.mark.parametrize(
    "form", [{}, {"token": "unknown"}, {"token": "x", "client_id": "nobody"}, {"client_id": ""}]
)
def test_revoking_always_succeeds(serve: Serve, post: Post, form: dict[str, str]) -> None:
    """RFC 7009 section 2.2: an invalid token is no error."""
    answer = post(serve(), "revoke", **form)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("endpoint", "form", "status", "error"),
    [
        ("device_authorization", {"client_id": ""}, 400, "invalid_request"),
        ("device_authorization", {"client_id": "nobody"}, 401, "invalid_client"),
        ("device_authorization", {"scope": "api everything"}, 400, "invalid_scope"),
        ("token", {}, 400, "invalid_request"),
        ("token", {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ("token", {"grant_type": "refresh_token"}, 400, "invalid_request"),
        (
            "token",
            {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"},
            401,
            "invalid_client",
        ),
        (
            "token",
            {"grant_type": "refresh_token", "refresh_token": "x"},
            400,
            "invalid_grant",
        ),
        (
            "token",
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": "0" * 32,
            },
            400,
            "invalid_grant",
        ),
        (
            "token",
            {"grant_type": "client_credentials", "client_secret": "0" * 32},
            401,
            "invalid_client",
        ),
    ],
)
def test_a_wrong_request_gets_the_error_of_the_rfc(
    serve: Serve, post: Post, endpoint: str, form: dict[str, str], status: int, error: str
) -> None:
    """RFC 6749 section 5.2."""
    answer = post(serve(), endpoint, **form)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_parameter_that_is_no_string_is_an_invalid_request(serve: Serve) -> None:
    """JSON could carry a list."""
    answer = requests.post(
        f"{serve().api_url}/oauth/token", json={"grant_type": ["refresh_token"]}, timeout=10
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_malformed_body_is_an_invalid_request(serve: Serve) -> None:
    """Half a JSON object is none."""
    answer = requests.post(
        f"{serve().api_url}/oauth/token",
        data=b'{"grant_type":',
        headers={"content-type": "application/json"},
        timeout=10,
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_token_answers_may_not_be_stored(serve: Serve, post: Post) -> None:
    """RFC 6749 section 5.1."""
    answer = post(serve(), "device_authorization")

    assert answer.headers["cache-control"] == "no-store"


def test_an_api_key_gives_an_access_token_and_no_refresh_token(serve: Serve, post: Post) -> None:
    """RFC 6749 section 4.4.3."""
    sandbox = serve()
    key = sandbox.hexpm.add_key("api:read repositories")
    token = post(
        sandbox,
        "token",
        grant_type="client_credentials",
        client_secret=key,
        scope="api:read",
        name="ci",
    ).json()

    assert (
        sorted(token),
        token["expires_in"],
        token["scope"],
        status_of(sandbox, token["access_token"]),
    ) == (["access_token", "expires_in", "scope", "token_type"], 1800, "api:read", 200)


def test_an_api_key_gives_no_more_than_it_has(serve: Serve, post: Post) -> None:
    """A scope beyond the key's is refused."""
    sandbox = serve()
    key = sandbox.hexpm.add_key("api:read")
    answer = post(sandbox, "token", grant_type="client_credentials", client_secret=key, scope="api")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
