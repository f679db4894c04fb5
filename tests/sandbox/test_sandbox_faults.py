import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from hexauth.errors import UsageError
from hexauth.sandbox import spoil
from hexauth.sandbox.faults import MEANINGS, SPOILED, Fault, Faults, parse
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]
Post = Callable[..., requests.Response]
LogIn = Callable[..., dict[str, Any]]


def get(sandbox: Sandbox, **options: Any) -> requests.Response:
    return requests.get(f"{sandbox.api_url}/users/me", timeout=10, **options)


def failure(action: Callable[[], object]) -> str:
    """Return the name of what `requests` raises, or nothing."""
    try:
        action()
    except requests.RequestException as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503", SPOILED)),
        ("drop=3", Fault("drop", SPOILED, 3)),
        ("503@refresh=2", Fault("503", frozenset({"refresh"}), 2)),
        ("slow:0.5@poll", Fault("slow", frozenset({"poll"}), 1, 0.5)),
        ("slow-down", Fault("slow-down", frozenset({"poll"}))),
        ("bad-uri", Fault("bad-uri", frozenset({"device_authorization"}))),
    ],
)
def test_a_fault_is_written_on_one_line(text: str, fault: Fault) -> None:
    """Kind, seconds, request and count."""
    assert parse(text) == fault


@pytest.mark.parametrize(
    "text", ["", "teapot", "503@", "503@page", "503=", "503=-1", "=3", "418", "drop =3"]
)
def test_a_fault_that_does_not_exist_is_a_usage_error(text: str) -> None:
    """Whose hint says which there are."""
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert ("Use one of" in caught.value.hint) or ("Write KIND" in caught.value.hint)


def test_faults_come_in_order_and_end() -> None:
    """Those for another request wait."""
    faults = Faults((parse("503@poll"), parse("500=2"), parse("502")))
    kinds = []
    for request in ("refresh", "refresh", "refresh", "refresh", "poll", "poll"):
        fault = faults.take(request)
        kinds.append(fault and fault.kind)

    assert kinds == ["500", "500", "502", None, "503", None]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("503", (503, None)),
        ("500", (500, None)),
        ("404", (404, None)),
        ("401", (401, "Basic realm=hex")),
        ("token-expired", (401, 'Bearer realm="hex", error="token_expired"')),
        ("invalid-token", (401, 'Bearer realm="hex", error="invalid_token"')),
    ],
)
def test_a_status_is_answered_once(
    serve: Serve, kind: str, expected: tuple[int, str | None]
) -> None:
    """The next request is answered as ever."""
    sandbox = serve(faults=(kind,))
    headers = {"Authorization": sandbox.hexpm.add_key()}
    first, second = get(sandbox, headers=headers), get(sandbox, headers=headers)

    assert (first.status_code, first.headers.get("www-authenticate"), second.status_code) == (
        *expected,
        200,
    )


def test_too_many_requests_come_with_the_rate_limits_headers(serve: Serve) -> None:
    """Nothing remains until the reset."""
    answer = get(serve(faults=("429",)))

    assert (
        answer.status_code,
        answer.headers["x-ratelimit-remaining"],
        int(answer.headers["x-ratelimit-reset"]) > time.time(),
    ) == (429, "0", True)


def test_a_dropped_request_is_not_carried_out(serve: Serve, post: Post) -> None:
    """The connection closes without an answer."""
    sandbox = serve(faults=("drop",))
    raised = failure(lambda: post(sandbox, "device_authorization"))

    assert (raised, sandbox.journal.counts()["prompts"], sandbox.journal.log()[0]["status"]) == (
        "ConnectionError",
        0,
        "dropped",
    )


def test_a_lost_answer_belongs_to_a_request_that_was_carried_out(
    serve: Serve, post: Post, log_in: LogIn
) -> None:
    """The refresh token is spent, and nobody has the new one."""
    sandbox = serve(faults=("drop-after@refresh",))
    form = {"grant_type": "refresh_token", "refresh_token": log_in(sandbox)["refresh_token"]}
    raised = failure(lambda: post(sandbox, "token", **form))

    assert (raised, post(sandbox, "token", **form).json()["error"]) == (
        "ConnectionError",
        "invalid_grant",
    )


@pytest.mark.parametrize("kind", ["slow:5", "hang"])
def test_an_answer_that_is_late_outlasts_a_timeout(serve: Serve, kind: str) -> None:
    """And the sandbox stops at once all the same."""
    sandbox = serve(faults=(kind,))
    raised = failure(
        lambda: requests.get(f"{sandbox.api_url}/users/me", timeout=0.2),
    )
    began = time.monotonic()
    sandbox.stop()

    assert (raised, time.monotonic() - began < 2) == ("ReadTimeout", True)


def test_a_slow_answer_comes_in_the_end(serve: Serve) -> None:
    """After so many seconds."""
    sandbox = serve(faults=("slow:0.3",))
    began = time.monotonic()
    status = get(sandbox).status_code

    assert (status, time.monotonic() - began >= 0.3) == (401, True)


def test_a_hanging_request_ends_with_the_sandbox(serve: Serve) -> None:
    """No thread waits for ever."""
    sandbox = serve(faults=("hang",))
    raised: list[str] = []
    thread = threading.Thread(target=lambda: raised.append(failure(lambda: get(sandbox))))
    thread.start()
    while not sandbox.journal.log():
        time.sleep(0.01)
    sandbox.stop()
    thread.join(5)

    assert raised == ["ConnectionError"]


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("html", "text/html; charset=utf-8"),
        ("empty", "application/json"),
        ("half-json", "application/json"),
    ],
)
def test_nonsense_has_status_200_and_is_no_json(serve: Serve, kind: str, content_type: str) -> None:
    """As from a captive portal, or a proxy that gave up."""
    answer = get(serve(faults=(kind,)))

    assert (
        answer.status_code,
        answer.headers["content-type"],
        failure(answer.json),
    ) == (200, content_type, "JSONDecodeError")


def test_a_list_is_no_object(serve: Serve) -> None:
    """It is valid JSON all the same."""
    assert isinstance(get(serve(faults=("not-object",))).json(), list)


def test_a_body_can_be_shorter_than_promised(serve: Serve) -> None:
    """The connection closes in the middle."""
    assert failure(lambda: get(serve(faults=("cut-off",)))) == "ChunkedEncodingError"


def test_an_endless_body_ends_when_the_client_goes_away(serve: Serve) -> None:
    """It has more bytes than anybody should read, and holds up nobody else."""
    sandbox = serve(faults=("endless",))
    with get(sandbox, stream=True) as answer:
        read = sum(
            len(chunk) for chunk, _ in zip(answer.iter_content(65536), range(20), strict=False)
        )

    assert (read > 1_000_000, get(sandbox).status_code) == (True, 401)


def test_an_endless_body_gives_up(serve: Serve) -> None:
    """After 64 MiB."""
    answer = get(serve(faults=("endless",)))

    assert spoil.ENDLESS_BYTES <= len(answer.content) < spoil.ENDLESS_BYTES + 100


def test_a_redirect_leads_to_another_origin(serve: Serve, post: Post) -> None:
    """Who follows it there is counted."""
    sandbox = serve(faults=("redirect",))
    port = sandbox.url.rpartition(":")[2]
    answer = requests.get(f"{sandbox.api_url}/users/me", timeout=10, allow_redirects=False)
    requests.get(answer.headers["location"], timeout=10)

    assert (
        answer.status_code,
        answer.headers["location"],
        sandbox.journal.counts()["elsewhere"],
    ) == (307, f"http://localhost:{port}/elsewhere", 1)


def test_slow_down_is_said_to_polls(serve: Serve, post: Post, poll: Post) -> None:
    """Hexpm itself never says it."""
    sandbox = serve(faults=("slow-down",))
    grant = post(sandbox, "device_authorization").json()
    answers = [poll(sandbox, grant["device_code"]).json()["error"] for _ in range(2)]

    assert answers == ["slow_down", "authorization_pending"]


def test_a_verification_uri_can_be_a_trap(serve: Serve, post: Post) -> None:
    """No browser should be given it."""
    grant = post(serve(faults=("bad-uri",)), "device_authorization").json()

    assert grant["verification_uri"].startswith("javascript:")


def test_a_user_code_can_hold_control_characters(serve: Serve, post: Post) -> None:
    """No terminal should be given them."""
    grant = post(serve(faults=("control-code",)), "device_authorization").json()

    assert {"\x1b", "\x07", "\r", "\n", "\u202e"} <= set(grant["user_code"])


@pytest.mark.parametrize("kind", sorted(MEANINGS))
def test_no_fault_upsets_the_sandbox(
    serve: Serve, post: Post, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever it was, nothing is printed, and the next login is answered."""
    sandbox = serve(faults=(f"{kind}:0.01@device_authorization",))
    failure(lambda: requests.post(f"{sandbox.api_url}/oauth/device_authorization", timeout=0.5))

    assert (post(sandbox, "device_authorization").status_code, capfd.readouterr()) == (
        200,
        ("", ""),
    )
