from collections.abc import Callable
from typing import Any

import pytest
import requests

from hexauth.sandbox import bodies
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]
LogIn = Callable[..., dict[str, Any]]


def get(sandbox: Sandbox, path: str, authorization: str | None = None) -> requests.Response:
    headers = {"Authorization": authorization} if authorization else {}
    return requests.get(f"{sandbox.url}{path}", headers=headers, timeout=10)


def write(sandbox: Sandbox, authorization: str, otp: str | None = None) -> requests.Response:
    headers = {"Authorization": authorization, **({"X-Hex-OTP": otp} if otp else {})}
    return requests.post(
        f"{sandbox.api_url}/keys", headers=headers, json={"name": "laptop"}, timeout=10
    )


def verdict(answer: requests.Response) -> tuple[int, str | None]:
    """Return the status and the challenge."""
    return answer.status_code, answer.headers.get("www-authenticate")


def test_the_user_is_told_who_they_are(serve: Serve, log_in: LogIn) -> None:
    """`username` is what the Mix client prints."""
    sandbox = serve()
    answer = get(sandbox, "/api/users/me", f"Bearer {log_in(sandbox)['access_token']}")

    assert (answer.json()["username"], answer.json()["organizations"][0]["name"]) == (
        "alice",
        "acme",
    )


def test_the_user_is_told_in_erlang_terms(serve: Serve) -> None:
    """The Mix client reads nothing else."""
    sandbox = serve()
    answer = requests.get(
        f"{sandbox.api_url}/users/me",
        headers={"Authorization": sandbox.hexpm.add_key(), "Accept": "application/vnd.hex+erlang"},
        timeout=10,
    )

    assert bodies.from_erlang(answer.content)["username"] == "alice"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer nonsense",
        "Bearer",
        "0" * 32,
        "Basic YWxpY2U6c2VjcmV0",
        "Basic \x80",
    ],
)
def test_bad_credentials_get_the_same_challenge_as_none(
    serve: Serve, authorization: str | None
) -> None:
    """Hexpm answers `Basic realm=hex`, although Basic is switched off."""
    sandbox = serve()

    assert verdict(get(sandbox, "/api/users/me", authorization)) == (401, "Basic realm=hex")


def test_an_api_key_is_sent_as_it_is(serve: Serve) -> None:
    """With `Bearer` in front it is none."""
    sandbox = serve()
    key = sandbox.hexpm.add_key()

    assert [
        get(sandbox, "/api/users/me", key).status_code,
        get(sandbox, "/api/users/me", f"Bearer {key}").status_code,
    ] == [200, 401]


@pytest.mark.parametrize(
    ("otp", "expected"),
    [
        (None, (401, 'Bearer realm="hex", error="totp_required"')),
        ("000000", (401, 'Bearer realm="hex", error="invalid_totp"')),
        ("123456", (201, None)),
    ],
)
def test_a_write_by_token_wants_the_one_time_password(
    serve: Serve, log_in: LogIn, otp: str | None, expected: tuple[int, str | None]
) -> None:
    """It travels in `X-Hex-OTP`."""
    sandbox = serve(otp="123456")

    assert verdict(write(sandbox, f"Bearer {log_in(sandbox)['access_token']}", otp)) == expected


def test_too_many_wrong_one_time_passwords_are_too_many_requests(
    serve: Serve, log_in: LogIn
) -> None:
    """The sixth is not even looked at, nor is a right one after it."""
    sandbox = serve(otp="123456")
    authorization = f"Bearer {log_in(sandbox)['access_token']}"
    codes = ["000000"] * 6 + ["123456"]

    assert [write(sandbox, authorization, code).status_code for code in codes] == [
        *[401] * 5,
        429,
        429,
    ]


def test_a_user_without_two_factors_cannot_write_by_token(serve: Serve, log_in: LogIn) -> None:
    """403, without a challenge."""
    sandbox = serve()

    assert verdict(write(sandbox, f"Bearer {log_in(sandbox)['access_token']}")) == (403, None)


def test_an_api_key_writes_without_a_one_time_password(serve: Serve) -> None:
    """And gets a key that works."""
    sandbox = serve(otp="123456")
    made = write(sandbox, sandbox.hexpm.add_key()).json()

    assert get(sandbox, "/api/users/me", made["secret"]).status_code == 200


def test_a_key_that_may_only_read_cannot_write(serve: Serve) -> None:
    """Hexpm calls that unauthorized."""
    sandbox = serve()

    assert write(sandbox, sandbox.hexpm.add_key("api:read")).status_code == 401


def test_a_new_key_has_the_permissions_that_were_asked_for(serve: Serve) -> None:
    """As the Mix client sends them."""
    sandbox = serve()
    made = requests.post(
        f"{sandbox.api_url}/keys",
        headers={"Authorization": sandbox.hexpm.add_key()},
        json={"name": "ci", "permissions": [{"domain": "repository", "resource": "acme"}]},
        timeout=10,
    ).json()

    assert [
        get(sandbox, path, made["secret"]).status_code
        for path in ("/repos/acme/names", "/api/users/me")
    ] == [200, 401]


@pytest.mark.parametrize(
    "body", [{}, {"name": 3}, {"name": "x", "permissions": [{"domain": "moon"}]}]
)
def test_a_key_that_makes_no_sense_is_not_made(serve: Serve, body: dict[str, Any]) -> None:
    """422, as hexpm's validation answers."""
    sandbox = serve()
    headers = {"Authorization": sandbox.hexpm.add_key()}

    assert (
        requests.post(f"{sandbox.api_url}/keys", headers=headers, json=body, timeout=10).status_code
        == 422
    )


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/names", None, 200),
        ("/repos/acme/names", None, 401),
        ("/repos/acme/names", "repositories", 200),
        ("/repos/acme/names", "repository:acme", 200),
        ("/repos/acme/names", "api", 401),
        ("/repos/other/names", "repositories", 403),
    ],
)
def test_an_organizations_packages_want_a_credential(
    serve: Serve, path: str, scope: str | None, status: int
) -> None:
    """Public ones do not."""
    sandbox = serve()
    key = sandbox.hexpm.add_key(scope) if scope else None

    assert get(sandbox, path, key).status_code == status


def test_a_request_without_a_user_agent_is_a_bad_one(serve: Serve) -> None:
    """Hexpm asks everybody for it."""
    answer = requests.get(f"{serve().api_url}/users/me", headers={"User-Agent": ""}, timeout=10)

    assert answer.status_code == 400


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("DELETE", 405)])
def test_what_is_not_there_is_answered_as_hexpm_does(
    serve: Serve, method: str, status: int
) -> None:
    """An object with a status and a message."""
    path = "packages/none" if method == "GET" else "users/me"
    answer = requests.request(method, f"{serve().api_url}/{path}", timeout=10)

    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_body_that_is_too_large_is_refused(serve: Serve) -> None:
    """The sandbox keeps everything in memory."""
    answer = requests.post(
        f"{serve().api_url}/oauth/token", data={"a": "x" * bodies.MAX_BYTES}, timeout=10
    )

    assert answer.status_code == 413


def test_the_rate_limit_is_told_with_every_answer(serve: Serve) -> None:
    """Limit, what remains, and the second in which it starts anew."""
    sandbox = serve(rate_limit=2)
    answers = [get(sandbox, "/api/users/me") for _ in range(3)]

    assert [
        (
            answer.status_code,
            answer.headers["x-ratelimit-limit"],
            answer.headers["x-ratelimit-remaining"],
        )
        for answer in answers
    ] == [(401, "2", "1"), (401, "2", "0"), (429, "2", "0")]


def test_the_user_has_five_times_the_limit_of_an_address(serve: Serve) -> None:
    """Who says who they are is counted apart."""
    sandbox = serve(rate_limit=1)
    key = sandbox.hexpm.add_key()
    answers = [get(sandbox, "/api/users/me", key).status_code for _ in range(6)]

    assert answers == [*[200] * 5, 429]


def test_the_rate_limit_can_be_switched_off(serve: Serve) -> None:
    """For stress tests."""
    answer = get(serve(rate_limit=None), "/api/users/me")

    assert "x-ratelimit-limit" not in answer.headers
