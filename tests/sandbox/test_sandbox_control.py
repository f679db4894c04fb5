import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from hexauth.sandbox.journal import LENGTH, OUTCOMES, REQUESTS, Journal, mask
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]
Post = Callable[..., requests.Response]
LogIn = Callable[..., dict[str, Any]]


def control(sandbox: Sandbox, method: str, path: str, **form: str) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/sandbox/{path}", data=form, timeout=10)


def test_requests_are_counted_by_kind(serve: Serve, post: Post, log_in: LogIn) -> None:
    """Every kind has a number; the control addresses themselves do not count."""
    sandbox = serve()
    token = log_in(sandbox)
    post(sandbox, "token", grant_type="refresh_token", refresh_token=token["refresh_token"])
    requests.get(f"{sandbox.api_url}/users/me", timeout=10)

    assert control(sandbox, "GET", "counts").json() == {
        **dict.fromkeys((*REQUESTS, *OUTCOMES), 0),
        "device_authorization": 1,
        "poll": 1,
        "refresh": 1,
        "users_me": 1,
        "prompts": 1,
        "approvals": 1,
        "sessions": 1,
    }


def test_the_log_says_what_was_asked_and_answered(serve: Serve, post: Post) -> None:
    """One entry for each request, oldest first."""
    sandbox = serve(faults=("503",))
    post(sandbox, "token", grant_type="refresh_token", refresh_token="x")
    post(sandbox, "token", grant_type="refresh_token", refresh_token="x")

    assert [
        tuple(entry[name] for name in ("method", "path", "kind", "grant_type", "status", "fault"))
        for entry in control(sandbox, "GET", "log").json()
    ] == [
        ("POST", "/api/oauth/token", "refresh", "refresh_token", 503, "503"),
        ("POST", "/api/oauth/token", "refresh", "refresh_token", 400, None),
    ]


def test_the_log_holds_no_secret(serve: Serve, post: Post, log_in: LogIn) -> None:
    """Neither tokens nor codes, keys or passwords."""
    sandbox = serve(otp="123456")
    token = log_in(sandbox)
    key = sandbox.hexpm.add_key()
    for authorization in (key, f"Bearer {token['access_token']}"):
        headers = {"Authorization": authorization, "X-Hex-OTP": "123456"}
        requests.get(f"{sandbox.api_url}/users/me?k={key}", headers=headers, timeout=10)
    post(sandbox, "revoke", token=token["refresh_token"])
    log = control(sandbox, "GET", "log").text
    secrets = [key, "123456", token["access_token"], token["refresh_token"]]

    assert [secret in log for secret in secrets] == [False] * 4


def test_authorization_sent_to_an_oauth_endpoint_is_counted(serve: Serve) -> None:
    """It is answered all the same."""
    sandbox = serve()
    answer = requests.post(
        f"{sandbox.api_url}/oauth/revoke", headers={"Authorization": "Bearer x"}, timeout=10
    )

    assert (answer.status_code, sandbox.journal.counts()["authorization_on_oauth"]) == (200, 1)


@pytest.mark.parametrize(
    ("authorization", "shown"),
    [
        (None, None),
        ("Bearer abc", "Bearer #"),
        ("bearer abc", "Bearer #"),
        ("Basic abc", "Basic #"),
        ("0" * 32, "key #"),
        ("secret secret", "key #"),
    ],
)
def test_a_secret_is_shown_by_its_mark(authorization: str | None, shown: str | None) -> None:
    """Eight hex digits tell equal secrets from different ones."""
    found = mask(authorization)

    assert (found if found is None else found[:-8]) == shown


def test_the_list_is_bounded_and_the_counts_are_not() -> None:
    """A stress test must not fill the memory."""
    journal = Journal()
    for _ in range(LENGTH + 1):
        journal.begin({"kind": "poll"})

    assert (len(journal.log()), journal.counts()["poll"]) == (LENGTH, LENGTH + 1)


@pytest.mark.parametrize(
    ("path", "state", "answer"),
    [("approve", "approved", None), ("deny", "denied", "access_denied")],
)
def test_a_test_can_answer_in_the_persons_place(
    serve: Serve, post: Post, poll: Post, path: str, state: str, answer: str | None
) -> None:
    """The newest grant that waits is meant, if no code is given."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization").json()
    found = control(sandbox, "POST", path).json()

    assert (found["state"], poll(sandbox, grant["device_code"]).json().get("error")) == (
        state,
        answer,
    )


def test_a_test_can_keep_scopes_back(serve: Serve, post: Post, poll: Post) -> None:
    """Named by its code, with the scopes that remain."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", scope="api").json()
    post(sandbox, "device_authorization", scope="api")
    control(sandbox, "POST", "approve", user_code=grant["user_code"], scope="api:read")

    assert poll(sandbox, grant["device_code"]).json()["scope"] == "api:read"


def test_there_may_be_nothing_to_answer(serve: Serve, post: Post) -> None:
    """404 for no grant, 409 for one that has been answered."""
    sandbox = serve()
    first = control(sandbox, "POST", "approve").status_code
    code = post(sandbox, "device_authorization").json()["user_code"]
    answers = [control(sandbox, "POST", "approve", user_code=code).status_code for _ in range(2)]

    assert [first, *answers] == [404, 200, 409]


def test_grants_are_listed_without_their_device_codes(serve: Serve, post: Post) -> None:
    """A person, or a test, picks the code from here."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", name="vm").json()
    (shown,) = control(sandbox, "GET", "grants").json()

    assert (shown["user_code"], shown["name"], shown["state"], "device_code" in shown) == (
        grant["user_code"],
        "vm",
        "pending",
        False,
    )


def test_faults_can_be_added_and_cleared(serve: Serve) -> None:
    """At run time, as on the command line."""
    sandbox = serve()
    added = control(sandbox, "POST", "faults", fault="503@refresh=2").json()
    cleared = control(sandbox, "DELETE", "faults").json()

    assert (added, cleared) == ([{"kind": "503", "requests": ["refresh"], "count": 2}], [])


def test_an_unknown_fault_is_refused(serve: Serve) -> None:
    """The message says which there are."""
    answer = control(serve(), "POST", "faults", fault="teapot")

    assert (answer.status_code, "drop-after" in answer.json()["message"]) == (400, True)


def test_sessions_can_be_listed_and_ended(serve: Serve, log_in: LogIn) -> None:
    """As if the user had done so on hex.pm."""
    sandbox = serve()
    log_in(sandbox, "laptop")
    before = [session["name"] for session in control(sandbox, "GET", "sessions").json()]

    assert (before, control(sandbox, "DELETE", "sessions").json()) == (["laptop"], [])


def test_access_tokens_can_be_rejected(serve: Serve, post: Post, log_in: LogIn) -> None:
    """The refresh token still works."""
    sandbox = serve()
    token = log_in(sandbox)
    control(sandbox, "DELETE", "access_tokens")
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}

    assert (
        requests.get(f"{sandbox.api_url}/users/me", headers=headers, timeout=10).status_code,
        post(sandbox, "token", **form).status_code,
    ) == (401, 200)


@pytest.mark.parametrize(("scope", "status"), [("", 200), ("api:read", 200), ("moon", 400)])
def test_an_api_key_can_be_had(serve: Serve, scope: str, status: int) -> None:
    """With any scope there is."""
    assert control(serve(), "POST", "keys", scope=scope).status_code == status


def test_the_control_addresses_speak_json_too(serve: Serve) -> None:
    """As the endpoints do."""
    answer = requests.post(f"{serve().url}/sandbox/faults", json={"fault": "drop"}, timeout=10)

    assert answer.json()[0]["kind"] == "drop"


def test_a_foreign_page_cannot_approve_a_login(serve: Serve) -> None:
    """Its browser sends the page's origin with every such request."""
    answer = requests.post(
        f"{serve().url}/sandbox/approve", headers={"Origin": "http://evil.test"}, timeout=10
    )

    assert answer.status_code == 403


def test_a_control_request_that_is_malformed_is_told_so(serve: Serve) -> None:
    """It is no request of Hex's, and so not listed."""
    sandbox = serve()
    answer = requests.post(
        f"{sandbox.url}/sandbox/faults",
        data=json.dumps([]) + "!",
        headers={"content-type": "application/json"},
        timeout=10,
    )

    assert (answer.status_code, sandbox.journal.log()) == (400, [])
